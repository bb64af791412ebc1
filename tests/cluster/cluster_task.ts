// SPDX-License-Identifier: Apache-2.0

import { step } from "../../controlplane/tasks/progress.ts";
import { ensure } from "../../controlplane/tasks/requirement.ts";
import { requireRoot, runTask } from "../../controlplane/tasks/run_task.ts";
import { outliveInterrupt, runOnInterrupt } from "../netns/interrupt.ts";
import { clusterRequirements } from "../requirements.ts";
import { bringUp, statusOf, takeDown } from "./cluster.ts";
import { type ClusterOptions, parseClusterCommand, USAGE } from "./cluster_options.ts";
import { inNetns } from "../netns/run_command.ts";
import { kubectl } from "./kubectl.ts";
import { clusterProgram } from "./programs.ts";
import type { ClusterSite } from "./site.ts";

async function up(options: ClusterOptions): Promise<void> {
  await ensure(clusterRequirements);
  const forget = runOnInterrupt(() => takeDown(options.name));
  try {
    console.log(howToUse(await bringUp(options, step)));
  } finally {
    await outliveInterrupt();
    forget();
  }
}

function howToUse({ kubeconfig, clientKubeconfig, layout }: ClusterSite): string {
  const { netns } = layout.client;
  return `The cluster is up.

  export KUBECONFIG=${kubeconfig}
  alias kubectl=${clusterProgram("kubectl")}

A client outside the cluster, at ${layout.client.ipv4} and ${layout.client.ipv6}:

  ${inNetns(netns, ["env", `KUBECONFIG=${clientKubeconfig}`, "bash"]).join(" ")}`;
}

/** Prints what there is of a cluster; 0 when all of it runs. */
async function status(name: string): Promise<number> {
  const status = await statusOf(name);
  if (status === undefined) {
    console.log(`There is no cluster ${name}; deno task cluster up makes one.`);
    return 1;
  }
  for (const { name, pid } of status.running) console.log(`${name} runs as process ${pid}`);
  for (const { name, log } of status.ended) console.log(`${name} has ended, see ${log}`);
  if (!status.whole) return 1;
  console.log(`\n${await kubectl(status.site.kubeconfig, ["get", "nodes", "--output=wide"])}`);
  console.log(howToUse(status.site));
  return 0;
}

if (import.meta.main) {
  await runTask(async () => {
    if (Deno.args.includes("--help")) return console.log(USAGE);
    const { action, options } = parseClusterCommand(Deno.args);
    requireRoot("cluster");
    if (action === "status") return await status(options.name);
    if (action === "up") return await up(options);
    await takeDown(options.name);
  });
}
