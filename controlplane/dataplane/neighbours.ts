// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import { type Chain, HOOK, type Link } from "../loader/messages.ts";
import { OBJECT_NAME } from "./kernel.ts";

/** An interface, as far as messages name it. */
interface Named {
  readonly ifindex: number;
  readonly name: string;
}

/** The programs at the TCX ingress hook of each interface, by ifindex. */
export async function readChains(
  client: LoaderClient,
  ifindices: readonly number[],
  signal?: AbortSignal,
): Promise<ReadonlyMap<number, Chain>> {
  if (ifindices.length === 0) return new Map();
  const chains = await client.query({ hook: HOOK.TCX_INGRESS, ifindices }, { signal });
  return new Map(ifindices.map((ifindex, i) => [ifindex, chains[i] ?? { links: [] }]));
}

/** Others' programs that run before ours: what they redirect, drop or pass, Blixt never sees. */
export function foreignBefore({ links }: Chain): readonly Link[] {
  const own = links.findIndex(({ object }) => object === OBJECT_NAME);
  return own < 0 ? [] : links.slice(0, own).filter(({ object }) => object === "");
}

/** The order in which programs run, for people. */
export function describeChain({ links }: Chain): string {
  return links.map(({ object, program, programId }) =>
    object === "" ? `program ${programId}` : object === OBJECT_NAME ? program : `${object}/${program}`
  ).join(", ");
}

/** Says once of each interface whose programs run before Blixt's, and again when others do. */
export class NeighbourWatch {
  readonly #log: (line: string) => void;
  #said = new Map<number, string>();

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /** Looks at all interfaces that have the program. */
  update(interfaces: readonly Named[], chains: ReadonlyMap<number, Chain>): void {
    const said = new Map<number, string>();
    for (const { ifindex, name } of interfaces) {
      const before = foreignBefore(chains.get(ifindex) ?? { links: [] });
      if (before.length === 0) continue;
      const ids = before.map(({ programId }) => programId).join(", ");
      said.set(ifindex, ids);
      if (this.#said.get(ifindex) === ids) continue;
      const programs = before.length === 1 ? "Another's program runs" : "Others' programs run";
      this.#log(
        `${programs} before Blixt on interface ${name} (id ${ids}): what they take, Blixt does not see; ` +
          `--order first puts Blixt before them where it is attached anew`,
      );
    }
    this.#said = said;
  }
}
