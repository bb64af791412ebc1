// SPDX-License-Identifier: Apache-2.0

import { run } from "../../controlplane/tasks/command.ts";
import { inNetns } from "../netns/run_command.ts";
import { clusterProgram } from "./programs.ts";

/** How to run kubectl. */
export interface KubectlOptions {
  /** Written to its standard input. */
  readonly input?: string;
  /** Network namespace to run in; the present one by default. */
  readonly netns?: string | undefined;
}

/** Runs kubectl with a kubeconfig file, for its standard output. Throws with its words when it fails. */
export async function kubectl(
  kubeconfig: string,
  args: readonly string[],
  { input, netns }: KubectlOptions = {},
): Promise<string> {
  const argv = inNetns(netns, [clusterProgram("kubectl"), `--kubeconfig=${kubeconfig}`, ...args]);
  const { code, stdout, output } = await run(argv, input === undefined ? {} : { input });
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with code ${code}: ${output.trim()}`);
  return stdout;
}

/** Installs the Gateway API's CustomResourceDefinitions from a folder and waits until they are served. */
export async function installCrds(
  kubeconfig: string,
  folder: string,
  options?: KubectlOptions,
): Promise<void> {
  await kubectl(kubeconfig, ["apply", "--server-side", `--filename=${folder}`], options);
  await kubectl(
    kubeconfig,
    ["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"],
    options,
  );
}
