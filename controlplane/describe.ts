// SPDX-License-Identifier: Apache-2.0

import type { BackendGroup, DesiredDataplane, DesiredService } from "./translate/desired.ts";

/** The whole state for people: each listener's address with its backends, weights and endpoints below it. */
export function describeDataplane({ services }: DesiredDataplane): string[] {
  if (services.length === 0) return ["nothing: no Gateway takes traffic"];
  return services.flatMap((service) => [heading(service), ...service.groups.map(groupLine)]);
}

function heading(service: DesiredService): string {
  const { protocol, address, port, listener, route, affinitySeconds, remoteBackends } = service;
  const affinity = affinitySeconds > 0 ? `, client affinity ${affinitySeconds} s` : "";
  const snat = remoteBackends === "SNAT" ? ", SNAT to other nodes" : "";
  return `${protocol} ${withPort(address, port)}  ${listener}, ${
    route ?? "no route: refused"
  }${affinity}${snat}`;
}

function groupLine({ name, weight, endpoints }: BackendGroup): string {
  const shown = endpoints.map(({ address, port, draining }) =>
    `${withPort(address, port)}${draining ? " (draining)" : ""}`
  );
  return `  weight ${weight}  ${name}  ${shown.length === 0 ? "refused: no endpoints" : shown.join(", ")}`;
}

function withPort(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}
