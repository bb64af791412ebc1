// SPDX-License-Identifier: Apache-2.0

// The status writer for a host without Kubernetes: statuses go back to the
// objects in memory, to lines for people, and to a YAML file.

import type { Condition, KubernetesObject } from "../api/object.ts";
import type { Kind, ObjectKey } from "../api/snapshot.ts";
import { KINDS } from "../api/snapshot.ts";
import { type Clock, systemClock, timestamp } from "../clock.ts";
import { formatNumber } from "../dataplane/format.ts";
import type { Output } from "../output.ts";
import type { Store } from "../store/store.ts";
import type { DesiredStatus, Notice } from "../translate/translation.ts";
import { conditionsOf, isGood, type PlacedCondition } from "./conditions.ts";
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

/** Conditions that became good, said one by one at a time; of more the number is enough, and the file has them all. */
const MOST_GOOD = 500;

/** What became of an object when its status was last put in its place. */
interface Done {
  readonly desired: Status;
  /** With its status. */
  readonly object: KubernetesObject;
  readonly item: StatusItem;
}

/** Writes what differs; see StatusWriter. */
export class ManifestStatusWriter implements StatusWriter {
  readonly #options: ManifestStatusOptions;
  /** By kind and key. */
  #done = new Map<string, Done>();
  #notices = new Set<string>();
  /** Good conditions in the present call. */
  #good = 0;

  constructor(options: ManifestStatusOptions) {
    this.#options = options;
  }

  set(statuses: readonly DesiredStatus[], notices: readonly Notice[]): void {
    const { file, output } = this.#options;
    const before = this.#done;
    this.#done = new Map();
    this.#good = 0;
    const items: StatusItem[] = [];
    for (const desired of statuses) {
      const name = `${desired.kind} ${desired.key}`;
      const done = this.#write(desired, before.get(name));
      if (done === undefined) continue;
      this.#done.set(name, done);
      items.push(done.item);
    }
    file.write(items);
    const more = this.#good - MOST_GOOD;
    if (more > 0) output.log(`${formatNumber(more)} more conditions are as they should be`);
    this.#sayNotices(notices);
  }

  async close(): Promise<void> {
    await this.#options.file.close();
  }

  /** Puts one status in its place; undefined for an object that is gone. */
  #write({ kind, key, status: desired }: DesiredStatus, before: Done | undefined): Done | undefined {
    const { store, setStatus, clock = systemClock } = this.#options;
    const object = store.get(kind, key);
    if (object === undefined) return undefined;
    if (before?.desired === desired && before.object === object) return before;
    const present = (object as { readonly status?: Status }).status;
    const now = timestamp(clock.now());
    const merged = mergeStatus(kind, present, desired, now);
    if (merged !== present) {
      setStatus(kind, key, merged);
      this.#sayChanges(kind, key, object.metadata.namespace, present ?? {}, merged);
    }
    const { name, namespace, generation } = object.metadata;
    const metadata = { name, ...(namespace && { namespace }), ...(generation && { generation }) };
    const item = { apiVersion: KINDS[kind].apiVersion, kind, metadata, status: merged };
    return { desired, object: store.get(kind, key) ?? object, item };
  }

  #sayChanges(
    kind: Kind,
    key: ObjectKey,
    namespace: string | undefined,
    before: Status,
    after: Status,
  ): void {
    const { output, placeOf } = this.#options;
    const known = new Map(
      conditionsOf(before, namespace).map((placed) => [nameOf(placed), placed.condition]),
    );
    const place = placeOf(kind, key);
    for (const placed of conditionsOf(after, namespace)) {
      const { part, condition } = placed;
      if (saysTheSame(known.get(nameOf(placed)), condition)) continue;
      if (isGood(condition) && ++this.#good > MOST_GOOD) continue;
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

/** What tells the conditions of an object apart. */
function nameOf({ part, condition }: PlacedCondition): string {
  return `${part} ${condition.type}`;
}

/** Whether nothing of it changed that is worth a line. */
function saysTheSame(before: Condition | undefined, after: Condition): boolean {
  return before !== undefined && before.status === after.status && before.reason === after.reason &&
    before.message === after.message;
}
