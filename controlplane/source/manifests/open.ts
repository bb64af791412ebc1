// SPDX-License-Identifier: Apache-2.0

import type { SourceConfig } from "../../cli.ts";
import type { Ends } from "../../ends.ts";
import type { Output } from "../../output.ts";
import { ManifestStatusWriter } from "../../status/manifest_status.ts";
import { StatusFile } from "../../status/status_file.ts";
import { objectKey } from "../../api/snapshot.ts";
import type { Store } from "../../store/store.ts";
import { formatProblem } from "./problem.ts";
import { ManifestSource } from "./source.ts";

/** Reads the folder for the first time; the statuses of the last run, with the addresses they hold, are taken over. */
export async function openManifests(
  config: SourceConfig & { readonly type: "manifests" },
  store: Store,
  output: Output,
): Promise<Ends> {
  const folder = await Deno.stat(config.folder).catch((error: Error) => {
    throw new Error(`The folder of manifests cannot be read: ${error.message}`, { cause: error });
  });
  if (!folder.isDirectory) {
    throw new Error(`${config.folder} is no folder; --manifests takes a folder of YAML files`);
  }

  const source = new ManifestSource({
    folder: config.folder,
    store,
    onProblem: (problem) => output.say({ type: problem.severity, text: formatProblem(problem) }),
    onSolved: (problem) => output.log(`solved: ${formatProblem(problem)}`),
  });
  const file = new StatusFile(config.statusFile, (text) => output.say({ type: "error", text }));
  for (const item of await file.read()) source.setStatus(item.kind, objectKey(item), item.status);
  await source.read();
  output.log(`Statuses are in ${config.statusFile}`);
  const status = new ManifestStatusWriter({
    store,
    setStatus: (kind, key, value) => source.setStatus(kind, key, value),
    placeOf: (kind, key) => source.placeOf(kind, key),
    file,
    output,
  });
  const { node } = config;
  const options = node === undefined ? {} : { node };
  return {
    status,
    run: (signal) => source.run(signal),
    translateOptions: () => Promise.resolve(() => options),
  };
}
