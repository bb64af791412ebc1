// SPDX-License-Identifier: Apache-2.0

import { installPackages } from "../../../controlplane/tasks/debian_packages.ts";
import type { Requirement } from "../../../controlplane/tasks/requirement.ts";
import { programs } from "../../../controlplane/tasks/requirements.ts";
import type { Contender } from "./contender.ts";
import { ownAddresses } from "./local_addresses.ts";
import type { Service } from "./service.ts";

const MODULE = "/usr/lib/nginx/modules/ngx_stream_module.so";

/** No program: Debian keeps it apart from nginx itself. */
const streamModule: Requirement = {
  missing: async () => await Deno.stat(MODULE).then(() => undefined, () => "nginx's stream module"),
  install: () => installPackages([{ program: MODULE, package: "libnginx-mod-stream" }]),
  remedy: () => "apt-get install libnginx-mod-stream",
};

/** nginx's stream module, a worker for each core. */
export const nginx: Contender = {
  name: "nginx",
  title: "nginx stream",
  requirements: [programs([{ program: "nginx", package: "nginx" }]), streamModule],
  balances: true,
  start: async (site) => {
    await ownAddresses(site);
    const file = `${site.folder}/nginx.conf`;
    await Deno.writeTextFile(file, nginxConfig(site.services, site.folder));
    const argv = ["nginx", "-c", file, "-e", "stderr", "-g", "daemon off;"];
    site.run(argv);
  },
};

/** The configuration, in which a listening socket counts as a connection: an upstream and a server for each service, and the defaults for everything else. */
export function nginxConfig(services: readonly Service[], folder: string): string {
  const sections = services.map(({ address, port, protocol, targets, targetPort }, index) => {
    const servers = targets.map((target) => `server ${target}:${targetPort};`).join(" ");
    const udp = protocol === "udp" ? " udp" : "";
    return `  upstream service-${index} { ${servers} }
  server { listen ${address}:${port}${udp}; proxy_pass service-${index}; }`;
  });
  return `load_module ${MODULE};
user root;
worker_processes auto;
pid ${folder}/nginx.pid;
events { worker_connections ${services.length + 4_096}; }
stream {
${sections.join("\n")}
}
`;
}
