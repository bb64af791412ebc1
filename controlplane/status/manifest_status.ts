// SPDX-License-Identifier: Apache-2.0

// The status writer for a host without Kubernetes: statuses go back to the
// objects in memory, to lines for people, and to a YAML file.

import type { Kind, ObjectKey } from "../api/snapshot.ts";
import { KINDS } from "../api/snapshot.ts";
import { type Clock, systemClock, timestamp } from "../clock.ts";
import { equal } from "../equal.ts";
import type { Output } from "../output.ts";
import type { Store } from "../store/store.ts";
import type { DesiredStatus, Notice } from "../translate/translation.ts";
import { conditionsOf, type PlacedCondition } from "./conditions.ts";
import { mergeStatus, type Status } from "./merge.ts";
import type { StatusFile, StatusItem } from "./status_file.ts";
import type { StatusWriter } from "./status_writer.ts";

/** What the writer needs. */
export interface ManifestStatusOptions {
  readonly store: Store;
  /** Joins a status to its object. */
  readonly setStatus: (kind: Kind, key: ObjectKey, status: Status) => void;
  /** File and line of an object. */
  readonly placeOf: (kind: Kind, key: ObjectKey) => string | undefined;
  readonly file: StatusFile;
  readonly output: Output;
  readonly clock?: Clock;
}

/** Writes what differs; see StatusWriter. */
export class ManifestStatusWriter implements StatusWriter {
  readonly #options: ManifestStatusOptions;
  #notices = new Set<string>();

  constructor(options: ManifestStatusOptions) {
    this.#options = options;
  }

  set(statuses: readonly DesiredStatus[], notices: readonly Notice[]): void {
    const { file } = this.#options;
    file.write(statuses.map((desired) => this.#write(desired)).filter((item) => item !== undefined));
    this.#sayNotices(notices);
  }

  async close(): Promise<void> {
    await this.#options.file.close();
  }

  /** Puts one status in its place, and returns the item for the file. */
  #write({ kind, key, status: desired }: DesiredStatus): StatusItem | undefined {
    const { store, setStatus, clock = systemClock } = this.#options;
    const object = store.get(kind, key);
    if (object === undefined) return undefined;
    const present = (object as { readonly status?: Status }).status;
    const now = timestamp(clock.now());
    const merged = mergeStatus(kind, present, desired, now);
    if (merged !== present) {
      setStatus(kind, key, merged);
      this.#sayChanges(kind, key, object.metadata.namespace, present ?? {}, merged);
    }
    const { name, namespace, generation } = object.metadata;
    const metadata = { name, ...(namespace && { namespace }), ...(generation && { generation }) };
    return { apiVersion: KINDS[kind].apiVersion, kind, metadata, status: merged };
  }

  #sayChanges(
    kind: Kind,
    key: ObjectKey,
    namespace: string | undefined,
    before: Status,
    after: Status,
  ): void {
    const { output, placeOf } = this.#options;
    const known = conditionsOf(before, namespace).map(spoken);
    const place = placeOf(kind, key);
    for (const { part, condition } of conditionsOf(after, namespace)) {
      const said = spoken({ part, condition });
      if (known.some((one) => equal(one, said))) continue;
      output.say({ type: "status", object: `${kind} ${key}`, part, condition, ...(place && { place }) });
    }
  }

  #sayNotices(notices: readonly Notice[]): void {
    const { output, placeOf } = this.#options;
    const before = this.#notices;
    this.#notices = new Set();
    for (const { kind, key, reason, message } of notices) {
      const place = placeOf(kind, key);
      const text = `${place === undefined ? "" : `${place}: `}${kind} ${key}: ${reason}: ${message}`;
      this.#notices.add(text);
      if (!before.has(text)) output.say({ type: "notice", text });
    }
  }
}

/** What of a condition is worth a line when it changes. */
function spoken({ part, condition: { type, status, reason, message } }: PlacedCondition): unknown {
  return { part, type, status, reason, message };
}
