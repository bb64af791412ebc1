// SPDX-License-Identifier: Apache-2.0

import { programs } from "../../../controlplane/tasks/requirements.ts";
import type { Contender } from "./contender.ts";
import type { Service } from "./service.ts";

/** DNAT through one verdict map for all services, as kube-proxy's nftables mode has it. */
export const nftables: Contender = {
  name: "nftables",
  title: "nftables DNAT",
  requirements: [programs([{ program: "nft", package: "nftables" }])],
  balances: true,
  start: async ({ topology, services }) => {
    await topology.host.run(["nft", "-f", "-"], { input: nftablesRules(services), timeout: 120_000 });
  },
};

/**
 * The rules: a chain for each service, which a map finds by address, protocol and port; there a random number chooses
 * the chain of an endpoint, which does the DNAT. What kube-proxy has beside (marks for masquerade, firewalls) is left
 * out: it could only cost more.
 */
export function nftablesRules(services: readonly Service[]): string {
  const elements = services.map(({ address, port, protocol }, index) =>
    `${address} . ${protocol} . ${port} : goto service-${index}`
  );
  const chains = services.flatMap(({ protocol, targets, targetPort }, index) => [
    ...targets.map((target, endpoint) =>
      `chain endpoint-${index}-${endpoint} { meta l4proto ${protocol} dnat to ${target}:${targetPort}; }`
    ),
    `chain service-${index} { numgen random mod ${targets.length} vmap { ${
      targets.map((_, endpoint) => `${endpoint} : goto endpoint-${index}-${endpoint}`).join(", ")
    } }; }`,
  ]);
  return `table ip kube-proxy {
${chains.join("\n")}
map service-ips {
  type ipv4_addr . inet_proto . inet_service : verdict
  elements = { ${elements.join(",\n")} }
}
chain services { ip daddr . meta l4proto . th dport vmap @service-ips; }
chain nat-prerouting {
  type nat hook prerouting priority dstnat
  jump services
}
}
`;
}
