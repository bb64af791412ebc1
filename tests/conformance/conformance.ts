// SPDX-License-Identifier: Apache-2.0

import { dirname } from "@std/path";
import { paths } from "../../controlplane/tasks/paths.ts";
import { step } from "../../controlplane/tasks/progress.ts";
import { ensure } from "../../controlplane/tasks/requirement.ts";
import { requireRoot, runTask } from "../../controlplane/tasks/run_task.ts";
import { bringUp, takeDown } from "../cluster/cluster.ts";
import type { ClusterSite } from "../cluster/site.ts";
import { buildImages, imageRequirements } from "../images/build_images.ts";
import { Background } from "../netns/background.ts";
import { outliveInterrupt, runOnInterrupt } from "../netns/interrupt.ts";
import { clusterRequirements } from "../requirements.ts";
import { type ConformanceOptions, parseConformanceOptions, USAGE } from "./conformance_options.ts";
import { install } from "./install.ts";
import { buildSuite, serverRequirements, suiteProgram, writeServerImages } from "./programs.ts";
import { parseResult, parseUnsupported, plainLine, type TestResult } from "./results.ts";

/** Name of the cluster. */
const CLUSTER = "conformance";

/** Everything that the suite writes. */
const LOG = `${paths.logs}/conformance.log`;

/** Milliseconds that the suite may take. */
const PATIENCE = 20 * 60_000;

/** Runs the suite from the client outside the cluster and gives the results of the tests that are about Blixt. */
async function runSuite(site: ClusterSite, { report, flags }: ConformanceOptions): Promise<TestResult[]> {
  await Deno.mkdir(dirname(report), { recursive: true });
  const argv = [
    suiteProgram,
    "-test.v",
    "-test.run=TestConformance",
    `-conformance-options-file=${import.meta.dirname}/options.yaml`,
    `-report-output=${report}`,
    ...flags,
  ];
  const { netns } = site.layout.client;
  await using suite = new Background(argv, { netns, env: { KUBECONFIG: site.clientKubeconfig } });
  // A failed suite is a result; its own code says no more than its lines.
  await suite.finish(PATIENCE).catch((error: Error) => {
    if (!error.message.includes("ended with code 1\n")) throw error;
  });
  await Deno.mkdir(paths.logs, { recursive: true });
  await Deno.writeTextFile(LOG, suite.lines.join("\n") + "\n");
  const unsupported = new Set(suite.lines.map(parseUnsupported));
  const results = suite.lines.map(parseResult).filter((result) => result !== undefined);
  return results.filter(({ name }) => !unsupported.has(name));
}

async function conformance(options: ConformanceOptions): Promise<number> {
  requireRoot("conformance");
  await ensure([...clusterRequirements, ...imageRequirements, ...serverRequirements]);
  await buildImages();
  await writeServerImages();
  await step("building the suite", buildSuite);
  await takeDown(CLUSTER);
  const forget = runOnInterrupt(() => takeDown(CLUSTER));
  try {
    const site = await bringUp({ name: CLUSTER, nodes: options.nodes, proxy: options.proxy }, step);
    await step("installing Blixt", () => install(site.kubeconfig));
    const results = await step("running the suite", () => runSuite(site, options));
    for (const { outcome, name, seconds } of results) console.log(`${outcome} ${name} (${seconds} s)`);
    console.log(`\nlog: ${LOG}\nreport: ${options.report}\n${plainLine(results)}`);
    const passed = results.filter(({ outcome }) => outcome === "PASS").length;
    return passed > 0 && results.every(({ outcome }) => outcome !== "FAIL") ? 0 : 1;
  } finally {
    await outliveInterrupt();
    forget();
    if (!options.keep) await takeDown(CLUSTER);
  }
}

if (import.meta.main) {
  const folder = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  await runTask(async () => {
    if (Deno.args.includes("--help")) return console.log(USAGE);
    return await conformance(parseConformanceOptions(Deno.args, folder));
  });
}
