// SPDX-License-Identifier: Apache-2.0

// `deno task image`: both images as archives, without a container engine.

import { step } from "../../controlplane/tasks/progress.ts";
import { ensure, type Requirement } from "../../controlplane/tasks/requirement.ts";
import { buildRequirements } from "../../controlplane/tasks/requirements.ts";
import { runTask } from "../../controlplane/tasks/run_task.ts";
import { writeImage } from "./archive.ts";
import { archiveOf, buildControlPlane, buildStaticLoader, describeImage } from "./images.ts";
import { muslTarget } from "./musl_target.ts";

/** What building the images takes. */
export const imageRequirements: readonly Requirement[] = [...buildRequirements, muslTarget];

/** Builds both images; returns their archives. */
export async function buildImages(): Promise<string[]> {
  await step("building the control plane's image", async () => {
    await buildControlPlane();
    await writeImage(await describeImage("controlplane"), archiveOf("controlplane"));
  });
  await step("building the loader's image", async () => {
    await buildStaticLoader();
    await writeImage(await describeImage("loader"), archiveOf("loader"));
  });
  return [archiveOf("controlplane"), archiveOf("loader")];
}

if (import.meta.main) {
  await runTask(async () => {
    await ensure(imageRequirements);
    console.log((await buildImages()).join("\n"));
  });
}
