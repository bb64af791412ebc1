// SPDX-License-Identifier: Apache-2.0

import {
  type Anchor,
  type Attachment,
  type Chain,
  type Hook,
  type Link,
  type LoadedObject,
  ORDER,
} from "./messages.ts";

/** What hangs somewhere: a program of an object, or another's by its id. */
interface Entry {
  readonly hook: Hook;
  readonly ifindex: number;
  object: string;
  readonly program: string;
  readonly programId: number;
}

/** The order of programs at the hooks of a fake loader's interfaces. */
export class FakeChains {
  #entries: Entry[] = [];
  #ids = 1_000;

  /** Puts a program of somebody else before all others, or behind them. */
  putForeign(hook: Hook, ifindex: number, programId: number, order: "first" | "last"): void {
    const entry = { hook, ifindex, object: "", program: "", programId };
    this.#entries = order === "first" ? [entry, ...this.#entries] : [...this.#entries, entry];
  }

  /** Somebody else takes a program off. */
  removeForeign(programId: number): void {
    this.#entries = this.#entries.filter((entry) => entry.programId !== programId);
  }

  /** An object's program was attached. */
  attached(
    object: string,
    { hook, ifindex, program }: Attachment,
    order: number = ORDER.LAST,
    anchor?: Anchor,
  ): void {
    const same = (entry: Entry): boolean => entry.hook === hook && entry.ifindex === ifindex;
    if (this.#entries.some((entry) => same(entry) && entry.object === object && entry.program === program)) {
      return;
    }
    const before = order === ORDER.FIRST || order === ORDER.BEFORE;
    const to = this.#entries.findIndex((entry) =>
      same(entry) && (anchor?.object ? entry.object === anchor.object : entry.programId === anchor?.programId)
    );
    const end = before ? 0 : this.#entries.length;
    const at = to < 0 ? end : before ? to : to + 1;
    this.#entries.splice(at, 0, { hook, ifindex, object, program, programId: ++this.#ids });
  }

  /** An object's programs were taken off, all of them or those named. */
  detached(object: string, attachments?: readonly Attachment[]): void {
    const isGone = (entry: Entry): boolean =>
      attachments === undefined ||
      attachments.some((at) =>
        at.hook === entry.hook && at.ifindex === entry.ifindex && at.program === entry.program
      );
    this.#entries = this.#entries.filter((entry) => entry.object !== object || !isGone(entry));
  }

  /** One object took the place of another. */
  replaced(name: string, by: string): void {
    this.detached(name);
    for (const entry of this.#entries) if (entry.object === by) entry.object = name;
  }

  /** What hangs at a hook, as far as the objects still have it attached. */
  query(hook: Hook, ifindex: number, objects: readonly LoadedObject[]): Chain {
    const isThere = ({ object, program }: Link): boolean =>
      object === "" ||
      objects.some(({ name, attachments }) =>
        name === object &&
        attachments.some((at) => at.hook === hook && at.ifindex === ifindex && at.program === program)
      );
    const here = this.#entries.filter((entry) => entry.hook === hook && entry.ifindex === ifindex);
    const links = here.map(({ programId, object, program }) => ({ programId, object, program }));
    return { links: links.filter(isThere) };
  }
}
