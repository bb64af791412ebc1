// SPDX-License-Identifier: Apache-2.0

import type { DesiredService, Endpoint } from "../translate/desired.ts";
import { formatEndpoint } from "./address.ts";
import type { Target } from "./maglev.ts";

/** A target of a service's table: an endpoint, or refusal. */
export interface ServiceTarget extends Target {
  /** Absent where new flows are refused. */
  readonly endpoint?: Endpoint;
}

/** Name of the target that stands for refusal; no endpoint is called so. */
const REFUSE = "refuse";

/** The endpoints of a service without duplicates, draining ones included; the key is "address:port". */
export function serviceEndpoints(service: DesiredService): Map<string, Endpoint> {
  const endpoints = service.groups.flatMap((group) => group.endpoints);
  return new Map(endpoints.map((endpoint) => [formatEndpoint(endpoint.address, endpoint.port), endpoint]));
}

/**
 * Who gets which share of a service's new flows. A group owns weight ÷ total of them, split equally over its
 * endpoints; draining ones get none unless all of the group are draining. A group without endpoints has its
 * share refused (Gateway API, BackendRef.weight). An endpoint in several groups adds its shares up.
 * Empty when every flow is refused.
 */
export function serviceTargets(service: DesiredService): ServiceTarget[] {
  const groups = service.groups.filter((group) => group.weight > 0);
  const targets = new Map<string, ServiceTarget>();
  const add = (name: string, share: number, endpoint?: Endpoint): void => {
    const sum = share + (targets.get(name)?.share ?? 0);
    targets.set(name, { name, share: sum, ...(endpoint === undefined ? {} : { endpoint }) });
  };
  for (const group of groups) {
    const serving = group.endpoints.filter((endpoint) => !endpoint.draining);
    const endpoints = serving.length > 0 ? serving : group.endpoints;
    for (const endpoint of endpoints) {
      add(formatEndpoint(endpoint.address, endpoint.port), group.weight / endpoints.length, endpoint);
    }
    if (endpoints.length === 0) add(REFUSE, group.weight);
  }
  const list = [...targets.values()];
  return list.some((target) => target.endpoint !== undefined) ? list : [];
}
