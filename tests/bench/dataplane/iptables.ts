// SPDX-License-Identifier: Apache-2.0

import { programs } from "../../../controlplane/tasks/requirements.ts";
import type { Contender } from "./contender.ts";
import type { Service } from "./service.ts";

/** DNAT through a list of rules with a chain for each service, as kube-proxy's iptables mode has it. */
export const iptables: Contender = {
  name: "iptables",
  title: "iptables DNAT",
  requirements: [programs([{ program: "iptables-restore", package: "iptables" }])],
  balances: true,
  start: async ({ topology, services }) => {
    const input = iptablesRules(services);
    await topology.host.run(["iptables-restore", "--wait"], { input, timeout: 300_000 });
  },
};

/**
 * The rules for iptables-restore: KUBE-SERVICES names every service in a rule of its own, statistic mode random gives
 * each endpoint its share. kube-proxy's masquerade marks are left out: they could only cost more.
 */
export function iptablesRules(services: readonly Service[]): string {
  const chains = [":KUBE-SERVICES - [0:0]"];
  const list: string[] = [];
  const rules: string[] = [];
  services.forEach(({ address, port, protocol, targets, targetPort }, index) => {
    const name = `KUBE-SVC-${index}`;
    chains.push(`:${name} - [0:0]`);
    list.push(`-A KUBE-SERVICES -d ${address}/32 -p ${protocol} -m ${protocol} --dport ${port} -j ${name}`);
    targets.forEach((target, endpoint) => {
      const left = targets.length - endpoint;
      const chance = left === 1 ? "" : ` -m statistic --mode random --probability ${(1 / left).toFixed(11)}`;
      chains.push(`:KUBE-SEP-${index}-${endpoint} - [0:0]`);
      rules.push(`-A ${name}${chance} -j KUBE-SEP-${index}-${endpoint}`);
      rules.push(
        `-A KUBE-SEP-${index}-${endpoint} -p ${protocol} -m ${protocol} -j DNAT --to-destination ${target}:${targetPort}`,
      );
    });
  });
  return ["*nat", ...chains, "-A PREROUTING -j KUBE-SERVICES", ...list, ...rules, "COMMIT", ""].join("\n");
}
