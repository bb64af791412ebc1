// SPDX-License-Identifier: Apache-2.0

import { programs } from "../../../controlplane/tasks/requirements.ts";
import type { Contender } from "./contender.ts";
import { ownAddresses } from "./local_addresses.ts";
import { type Service, TARGETS } from "./service.ts";

/** HAProxy in TCP mode, a thread for each core. */
export const haproxy: Contender = {
  name: "haproxy",
  title: "HAProxy TCP",
  requirements: [programs([{ program: "haproxy", package: "haproxy" }])],
  balances: true,
  noUdp: "HAProxy forwards no UDP",
  start: async (site) => {
    await ownAddresses(site);
    const file = `${site.folder}/haproxy.cfg`;
    await Deno.writeTextFile(file, haproxyConfig(site.services));
    site.run(["haproxy", "-db", "-f", file]);
  },
};

/** The configuration: a section for each TCP service, and the defaults for everything else but time-outs. */
export function haproxyConfig(services: readonly Service[]): string {
  const sections = services.filter(({ protocol }) => protocol === "tcp").map((service, index) =>
    `listen service-${index}
  bind ${service.address}:${service.port}
${
      service.targets.map((target) =>
        `  server ${
          TARGETS.find(({ address }) => address === target)?.name ?? target
        } ${target}:${service.targetPort}`
      ).join("\n")
    }`
  );
  return `global
  nbthread ${navigator.hardwareConcurrency}
  maxconn 2000
defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
${sections.join("\n")}
`;
}
