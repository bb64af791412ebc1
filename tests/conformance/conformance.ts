// SPDX-License-Identifier: Apache-2.0

import { basename, dirname } from "@std/path";
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
import { type ConformanceOptions, parseConformanceOptions, type Part, USAGE } from "./conformance_options.ts";
import { install } from "./install.ts";
import { buildSuite, serverRequirements, suiteProgram, writeServerImages } from "./programs.ts";
import { parseResult, parseUnsupported, plainLine, type TestResult } from "./results.ts";

/** Name of the cluster. */
const CLUSTER = "conformance";

/** Milliseconds that one part may take. */
const PATIENCE = 20 * 60_000;

/** A part of the run. */
interface PartSettings {
  /** What is said while it runs. */
  readonly step: string;
  /** The function of conformance_test.go. */
  readonly test: string;
  /** Flag that takes the report's file. */
  readonly reportFlag: string;
  /** The report's file, which stands beside the official one under a name of its own. */
  readonly report: (official: string) => string;
}

const settingsOf: Readonly<Record<Part, PartSettings>> = {
  official: {
    step: "running the suite",
    test: "TestConformance",
    reportFlag: "-report-output",
    report: (official) => official,
  },
  proposed: {
    step: "running the proposed tests",
    test: "TestProposed",
    reportFlag: "-proposed-report",
    report: (official) => `${dirname(official)}/proposed-${basename(official)}`,
  },
};

/** What a part came to. */
interface PartResult {
  /** Of the tests that are about Blixt. */
  readonly results: readonly TestResult[];
  /** File with everything that it wrote. */
  readonly log: string;
  readonly report: string;
}

/** Runs a part from the client outside the cluster. */
async function runPart(
  part: Part,
  site: ClusterSite,
  { report, flags }: ConformanceOptions,
): Promise<PartResult> {
  const settings = settingsOf[part];
  const file = settings.report(report);
  await Deno.mkdir(dirname(file), { recursive: true });
  const { client, fabric, nodes } = site.layout;
  const argv = [
    suiteProgram,
    "-test.v",
    `-test.run=^${settings.test}$`,
    `-conformance-options-file=${import.meta.dirname}/options.yaml`,
    `${settings.reportFlag}=${file}`,
    `-fabric=${fabric.netns}`,
    `-nodes=${nodes.map(({ name, netns }) => `${name}=${netns}`).join(",")}`,
    ...flags,
  ];
  await using suite = new Background(argv, {
    netns: client.netns,
    env: { KUBECONFIG: site.clientKubeconfig },
  });
  // A failed suite is a result; its own code says no more than its lines.
  await suite.finish(PATIENCE).catch((error: Error) => {
    if (!error.message.includes("ended with code 1\n")) throw error;
  });
  await Deno.mkdir(paths.logs, { recursive: true });
  const log = `${paths.logs}/conformance-${part}.log`;
  await Deno.writeTextFile(log, suite.lines.join("\n") + "\n");
  const unsupported = new Set(suite.lines.map(parseUnsupported));
  const results = suite.lines.map(parseResult).filter((result) => result !== undefined);
  return { results: results.filter(({ name }) => !unsupported.has(name)), log, report: file };
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
    const parts: PartResult[] = [];
    for (const part of options.parts) {
      const result = await step(settingsOf[part].step, () => runPart(part, site, options));
      parts.push(result);
      for (const { outcome, name, seconds } of result.results) {
        console.log(`${outcome} ${name} (${seconds} s)`);
      }
    }
    const results = parts.flatMap(({ results }) => results);
    const files = parts.flatMap(({ log, report }) => [`log: ${log}`, `report: ${report}`]);
    console.log(`\n${files.join("\n")}\n${plainLine(results)}`);
    // A part without a result has not begun.
    const whole = parts.every(({ results }) => results.some(({ outcome }) => outcome === "PASS"));
    return whole && results.every(({ outcome }) => outcome !== "FAIL") ? 0 : 1;
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
