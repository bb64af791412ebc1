// SPDX-License-Identifier: Apache-2.0

// Desired states for tests, written short.

import type { BackendGroup, DesiredDataplane, DesiredService, Endpoint } from "../translate/desired.ts";
import type { Hop, Routes } from "./routes.ts";

/** "10.0.0.1:80", or "10.0.0.1:80 draining". */
export function endpoint(text: string): Endpoint {
  const [, address = "", port, draining] = /^(.*):(\d+)( draining)?$/.exec(text) ?? [];
  return { address, port: Number(port), draining: draining !== undefined };
}

/** A backendRef's group of endpoints. */
export function group(weight: number, ...endpoints: string[]): BackendGroup {
  return { name: `Service test/weight-${weight}`, weight, endpoints: endpoints.map(endpoint) };
}

/** A service of TCP at "address:port". */
export function service(at: string, ...groups: BackendGroup[]): DesiredService {
  const { address, port } = endpoint(at);
  return {
    address,
    port,
    protocol: "TCP",
    listener: `Gateway test/${at}, listener tcp`,
    groups,
    affinitySeconds: 0,
  };
}

/** A state of these services. */
export function dataplane(...services: DesiredService[]): DesiredDataplane {
  return { services };
}

/** The same way to every backend. */
export function routes(hop: Hop = { ifindex: 3, gateway: "" }, version = 1): Routes {
  return { version, get: () => hop };
}
