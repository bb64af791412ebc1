// SPDX-License-Identifier: Apache-2.0

import { parseAllDocuments } from "yaml";
import { runOrThrow } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { clusterProgram } from "../cluster/programs.ts";

/** An object as kustomize prints it. */
export interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  // deno-lint-ignore no-explicit-any -- tests look into objects of every shape
  readonly [field: string]: any;
}

/** A folder of the repository with a kustomization: "k8s" or one of "k8s/overlays". */
export async function render(folder: string): Promise<Rendered[]> {
  const text = await runOrThrow([clusterProgram("kubectl"), "kustomize", `${paths.repository}/${folder}`]);
  return parseAllDocuments(text).map((document) => document.toJS());
}

/** The only object of a kind. Throws when there is none, or another. */
export function only(objects: readonly Rendered[], kind: string): Rendered {
  const [object, ...others] = objects.filter((one) => one.kind === kind);
  if (object === undefined || others.length > 0) {
    throw new Error(`${others.length + 1} objects of kind ${kind}`);
  }
  return object;
}
