// SPDX-License-Identifier: Apache-2.0

// How a version of the object takes over whose maps are others than those in the kernel: it is loaded beside the old
// one under NEXT_NAME, gets copies of what the control plane wrote, is programmed, and hangs behind the old one, which
// passes on what it does not know. Then the old one's addresses are taken from it, so that every new flow is the new
// one's while the old one forwards the flows it has. Those cannot get more: they are copied, and the old one goes. At no
// moment does a packet meet a program that does not know its flow.
//
// Killed on the way: with nothing attached the new version is thrown away and loaded again; else the rest is done.

import type { LoaderClient } from "../loader/client.ts";
import { type Attachment, HOOK, type LoadedObject, type LoadRequest, ORDER } from "../loader/messages.ts";
import { NEXT_NAME, OBJECT_NAME } from "./kernel.ts";
import type { ObjectFile } from "./object.ts";
import { decodeNote, describeMaps, encodeNote, type ObjectNote } from "./object_note.ts";
import { type MapCopy, type MapShape, planUpgrade, type UpgradePlan } from "./upgrade_plan.ts";

/** Milliseconds for a Load or a Copy: the verifier and the allocation of large maps take time. */
const TIMEOUT = 120_000;

/** Deletions in one Apply. */
const BATCH = 10_000;

/** What is loaded. */
export interface Version {
  /** The ELF file. */
  readonly object: Uint8Array;
  /** The same, read. */
  readonly file: ObjectFile;
  /** max_entries by map, where it differs from the object's. */
  readonly maxEntries: Readonly<Record<string, number>>;
}

/** An object that is loaded, under OBJECT_NAME or, while an old version still forwards, under NEXT_NAME. */
export interface Loading {
  readonly loaded: LoadedObject;
  /** How it came there, for people. */
  readonly manner: string;
}

interface CallOptions {
  readonly signal: AbortSignal;
  readonly timeout: number;
}

/** Loads a version; when its maps are others than those in the kernel, beside the old one. */
export class Upgrade {
  readonly #client: LoaderClient;
  readonly #log: (line: string) => void;
  readonly #options: CallOptions;

  constructor(client: LoaderClient, log: (line: string) => void, signal: AbortSignal) {
    this.#client = client;
    this.#log = log;
    this.#options = { signal, timeout: TIMEOUT };
  }

  /** Loads a version, after it has finished what an earlier control plane began. */
  async begin(version: Version): Promise<Loading> {
    const old = await this.#settle();
    const next = { maps: shapes(version), note: describeMaps(version.file) };
    const note = encodeNote(next.note);
    const plan = old === undefined
      ? { kind: "same" } as const
      : planUpgrade({ maps: old.maps, note: decodeNote(old.note) }, next);
    if (plan.kind === "beside") return await this.#beside(version, plan, note);
    if (plan.kind === "anew") {
      this.#log(`Maps ${plan.changed.join(", ")} are not those of this version: all connections begin anew`);
      await this.#client.unload(OBJECT_NAME, this.#options);
    }
    const { object, maxEntries } = version;
    const loaded = await this.#client.load({ name: OBJECT_NAME, object, maxEntries, note }, this.#options);
    const adopted = loaded.maps.some((map) => map.adopted);
    return { loaded, manner: adopted ? "took over what was there" : "began with empty maps" };
  }

  /** Lets the version beside the old one, which is programmed by now, take its place. */
  async finish(): Promise<LoadedObject> {
    const { objects } = await this.#client.probe(this.#options);
    const old = objects.find(({ name }) => name === OBJECT_NAME);
    const next = objects.find(({ name }) => name === NEXT_NAME);
    if (old !== undefined && next !== undefined) {
      await this.#attachBeside(old, next);
      await this.#drain(old);
      const plan = planUpgrade(
        { maps: old.maps, note: decodeNote(old.note) },
        { maps: next.maps, note: decodeNote(next.note) ?? {} as ObjectNote },
      );
      // Twice, since a flow may go from a map that is not copied yet to one that was; no flow goes more than once.
      if (plan.kind === "beside") await this.#copy([...plan.last, ...plan.last], true);
    }
    return await this.#client.replace({ name: OBJECT_NAME, by: NEXT_NAME }, this.#options);
  }

  /** Brings an upgrade that was cut short to an end; returns what forwards then. */
  async #settle(): Promise<LoadedObject | undefined> {
    const { objects } = await this.#client.probe(this.#options);
    const old = objects.find(({ name }) => name === OBJECT_NAME);
    const next = objects.find(({ name }) => name === NEXT_NAME);
    if (next === undefined) return old;
    // Attached only when it was programmed, so it can forward.
    if (old === undefined || next.attachments.length > 0) return await this.finish();
    await this.#client.unload(NEXT_NAME, this.#options);
    return old;
  }

  async #beside(
    { object, maxEntries }: Version,
    plan: Extract<UpgradePlan, { kind: "beside" }>,
    note: Uint8Array,
  ): Promise<Loading> {
    const request: LoadRequest = { name: NEXT_NAME, object, maxEntries, note, adoptFrom: OBJECT_NAME };
    let loaded = await this.#client.load({ ...request, adopt: plan.adopt }, this.#options);
    const leftOut = await this.#copy(plan.first, false);
    if (leftOut.length > 0) {
      // Half of what refers to one another is worse than nothing; the flows are copied and end with their backends.
      this.#log(`Maps ${leftOut.join(", ")} hold more than the limits allow now: all connections begin anew`);
      await this.#client.unload(NEXT_NAME, this.#options);
      loaded = await this.#client.load(request, this.#options);
    }
    const manner = `moves to maps that differ from those that were there: ${plan.changed.join(", ")}`;
    return { loaded, manner };
  }

  /** Copies maps from the old version to the next; returns those that have no room for everything. */
  async #copy(copies: readonly MapCopy[], keep: boolean): Promise<string[]> {
    const leftOut: string[] = [];
    for (const { map, key, value } of copies) {
      const [from, to] = [{ object: OBJECT_NAME, map }, { object: NEXT_NAME, map }];
      const result = await this.#client.copy({ from, to, key, value, keep }, this.#options);
      if (result.leftOut > 0) leftOut.push(map);
    }
    return leftOut;
  }

  /** XDP has one program an interface: there the link is swapped in the end. */
  async #attachBeside(old: LoadedObject, next: LoadedObject): Promise<void> {
    const isTcx = ({ hook }: Attachment): boolean => hook === HOOK.TCX_INGRESS || hook === HOOK.TCX_EGRESS;
    const attachments = old.attachments.filter((attachment) =>
      isTcx(attachment) && next.programs.some(({ name }) => name === attachment.program)
    );
    const request = { name: NEXT_NAME, attachments, order: ORDER.AFTER, anchor: { object: OBJECT_NAME } };
    const results = await this.#client.attach(request, this.#options);
    for (const { error } of results) if (error !== "") this.#log(`Not beside the old version: ${error}`);
  }

  /** The old version knows no address any more: packets of no flow pass it. */
  async #drain(old: LoadedObject): Promise<void> {
    let { generation } = old;
    let operations: { map: string; delete: { key: Uint8Array } }[] = [];
    const write = async (): Promise<void> => {
      if (operations.length === 0) return;
      await this.#client.apply({ name: OBJECT_NAME, generation: ++generation, operations }, this.#options);
      operations = [];
    };
    for await (const { key } of this.#client.dump({ name: OBJECT_NAME, map: "addresses" }, this.#options)) {
      operations.push({ map: "addresses", delete: { key } });
      if (operations.length >= BATCH) await write();
    }
    await write();
  }
}

/** Shapes of the maps as they will be. */
function shapes({ file, maxEntries }: Version): MapShape[] {
  return [...file.maps.values()].map(({ name, type, keySize, valueSize, maxEntries: own }) => ({
    name,
    type,
    keySize,
    valueSize,
    maxEntries: maxEntries[name] ?? own,
  }));
}
