// SPDX-License-Identifier: Apache-2.0

// Fills the store from a folder of YAML and JSON manifests, at once and after
// every change in it.

import type { KubernetesObject } from "../../api/object.ts";
import { type Kind, type ObjectKey } from "../../api/snapshot.ts";
import { type Clock, monotonicClock } from "../../clock.ts";
import { KIND_NAMES, type Store } from "../../store/store.ts";
import { ManifestFiles } from "./files.ts";
import { type FolderContent, ManifestFolder } from "./folder.ts";
import { lineIn, type ManifestObject, objectId } from "./parse.ts";
import { formatProblem, type Problem } from "./problem.ts";
import { folderChanges } from "./watch.ts";

/** What the source needs. */
export interface ManifestSourceOptions {
  readonly folder: string;
  readonly store: Store;
  /** Called once for each problem when it appears. */
  readonly onProblem: (problem: Problem) => void;
  /** Called with the text of a problem that is no more. */
  readonly onSolved?: (problem: Problem) => void;
  readonly clock?: Clock;
}

/** A status with the object it was joined to, so that the same pair gives the same object again. */
interface Joined {
  readonly from: KubernetesObject;
  readonly status: unknown;
  readonly object: KubernetesObject;
}

/** Reads a folder of manifests; statuses written by Blixt are joined to the objects as an API server would. */
export class ManifestSource {
  readonly #options: ManifestSourceOptions;
  readonly #files: ManifestFiles;
  readonly #folder = new ManifestFolder();
  /** By objectId. */
  readonly #statuses = new Map<string, unknown>();
  #objects = new Map<string, ManifestObject>();
  #joined = new Map<string, Joined>();
  #problems = new Map<string, Problem>();
  /** What the store has; undefined while the folder cannot be read. The folder is looked at every second, and mostly the same. */
  #content: FolderContent | undefined;

  constructor(options: ManifestSourceOptions) {
    this.#options = options;
    this.#files = new ManifestFiles(options.folder);
  }

  /** Reads the folder again after every change, until the signal. The first read must have been done. */
  async run(signal: AbortSignal): Promise<void> {
    for await (
      const _ of folderChanges(this.#options.folder, this.#options.clock ?? monotonicClock, signal)
    ) {
      await this.read();
    }
  }

  /** Reads the folder once. A folder that cannot be read is a problem, and the last objects stay. */
  async read(): Promise<void> {
    const { folder, store } = this.#options;
    try {
      const content = this.#folder.update(await this.#files.read());
      if (content === this.#content) return;
      this.#content = content;
      const { objects, problems } = content;
      this.#objects = new Map(objects.map((object) => [object.id, object]));
      this.#report(problems);
    } catch (error) {
      this.#content = undefined;
      const reason = `cannot be read: ${(error as Error).message}`;
      this.#report([...this.#problems.values(), { severity: "error", file: folder, reason }]);
    }
    for (const kind of KIND_NAMES) store.replace(kind, this.#ofKind(kind));
  }

  /** Joins a status to an object, now and whenever its manifest changes. */
  setStatus(kind: Kind, key: ObjectKey, status: unknown): void {
    const id = objectId(kind, key);
    this.#statuses.set(id, status);
    const manifest = this.#objects.get(id);
    if (manifest !== undefined) this.#options.store.set(kind, this.#join(id, manifest.object));
  }

  /** Where an object is defined: "k8s/x.yaml:12". */
  placeOf(kind: Kind, key: ObjectKey): string | undefined {
    const manifest = this.#objects.get(objectId(kind, key));
    return manifest === undefined ? undefined : `${manifest.file}:${lineIn(manifest, [])}`;
  }

  #ofKind(kind: Kind): KubernetesObject[] {
    const objects = [...this.#objects].filter(([, manifest]) => manifest.kind === kind)
      .map(([id, manifest]) => this.#join(id, manifest.object));
    return kind === "Namespace" ? this.#withNamespaces(objects) : objects;
  }

  #join(id: string, from: KubernetesObject): KubernetesObject {
    const status = this.#statuses.get(id);
    if (status === undefined) return from;
    const before = this.#joined.get(id);
    if (before?.from === from && before.status === status) return before.object;
    const object = { ...from, status } as KubernetesObject;
    this.#joined.set(id, { from, status, object });
    return object;
  }

  /** Adds the label that every namespace has, and the namespaces that objects live in without a manifest of their own. */
  #withNamespaces(defined: readonly KubernetesObject[]): KubernetesObject[] {
    const byName = new Map(defined.map((object) => [object.metadata.name, object]));
    for (const { object } of this.#objects.values()) {
      const { namespace } = object.metadata;
      if (namespace === undefined || byName.has(namespace)) continue;
      byName.set(namespace, {
        apiVersion: "v1",
        kind: "Namespace",
        metadata: { name: namespace, generation: 1 },
      });
    }
    return [...byName.values()].map((object) => this.#named(object));
  }

  #named(namespace: KubernetesObject): KubernetesObject {
    const { name, labels } = namespace.metadata;
    const present = this.#options.store.get("Namespace", name);
    const metadata = { ...namespace.metadata, labels: { ...labels, "kubernetes.io/metadata.name": name } };
    const same = present !== undefined && JSON.stringify(present.metadata) === JSON.stringify(metadata);
    return same ? present : { ...namespace, metadata };
  }

  #report(problems: readonly Problem[]): void {
    const before = this.#problems;
    this.#problems = new Map(problems.map((problem) => [formatProblem(problem), problem]));
    for (const [text, problem] of before) if (!this.#problems.has(text)) this.#options.onSolved?.(problem);
    for (const [text, problem] of this.#problems) if (!before.has(text)) this.#options.onProblem(problem);
  }
}
