// SPDX-License-Identifier: Apache-2.0

/**
 * `deno task demo`: builds a client, a host and three backends as network
 * namespaces, runs `deno task start` on the host with the manifests of
 * k8s/samples/bare-host, sends real traffic, and shows what becomes of it.
 */

import { buildAll } from "../../controlplane/tasks/build.ts";
import { findLauncher, watchLauncher } from "../../controlplane/tasks/launcher.ts";
import { ensure } from "../../controlplane/tasks/requirement.ts";
import { demoRequirements } from "../../controlplane/tasks/requirements.ts";
import { requireRoot, runTask } from "../../controlplane/tasks/run_task.ts";
import { Blixt } from "../netns/blixt.ts";
import { interrupt, outliveInterrupt, runOnInterrupt } from "../netns/interrupt.ts";
import { ManifestFolder } from "../netns/manifest_folder.ts";
import { Topology } from "../netns/topology.ts";
import { startServers } from "../netns/traffic.ts";
import { Checks } from "./checks.ts";
import type { DemoContext, Step } from "./context.ts";
import { Counters } from "./counters.ts";
import { Monitor } from "./monitor.ts";
import { picture } from "./picture.ts";
import { consoleScreen, type Screen } from "./screen.ts";
import { checksums } from "./steps/checksums.ts";
import { endpoints } from "./steps/endpoints.ts";
import { forward } from "./steps/forward.ts";
import { kill } from "./steps/kill.ts";
import { refusal } from "./steps/refusal.ts";
import { stop } from "./steps/stop.ts";
import { weights } from "./steps/weights.ts";

const STEPS: readonly Step[] = [forward, weights, endpoints, refusal, kill, checksums, stop];

async function demo(): Promise<number> {
  requireRoot("demo");
  await ensure(demoRequirements);
  await buildAll();
  const screen = consoleScreen();
  const checks = new Checks(screen);
  const title = screen.paint("Blixt: from a Gateway manifest to forwarded packets", "bold");
  screen.print("", title, "", ...picture(), "");
  await checks.attempt("the demo came to its end", () => play(screen, checks));
  screen.print("", checks.summary);
  return checks.failed === 0 ? 0 : 1;
}

/** Builds the stage, plays all steps and takes everything down again. */
async function play(screen: Screen, checks: Checks): Promise<void> {
  await using manifests = await ManifestFolder.copyOf("bare-host");
  await using topology = await Topology.create();
  runOnInterrupt(() => Promise.resolve(screen.close("\ninterrupted: cleaning up")));
  await startServers(topology);
  screen.print(`deno task start --manifests ${manifests.path}`);
  const blixt = await Blixt.start(topology.host, { manifests: manifests.path });
  screen.print(...blixt.program.lines.filter((line) => line.startsWith("ready")));

  const counters = await Counters.open(topology, manifests);
  const monitor = new Monitor(() => counters.read(), screen);
  const context: DemoContext = { topology, manifests, blixt, checks, monitor, screen };
  for (const [index, step] of STEPS.entries()) {
    screen.print("", screen.paint(`${index + 1}  ${step.title}`, "bold"));
    await checks.attempt("the step came to its end", () => step.run(context));
  }
  await context.blixt.program.stop();
}

// npx passes no SIGTERM on, so that the end of what started this process is its own.
watchLauncher(findLauncher(Deno.pid), new AbortController().signal).then(() => interrupt(143));
await runTask(() => demo().finally(outliveInterrupt));
