// SPDX-License-Identifier: Apache-2.0

import { readProcess } from "../../controlplane/tasks/process_table.ts";
import { isStillThere } from "./processes.ts";

let runs = 0;

/** The process that made a network namespace, as its name tells. */
export interface Owner {
  readonly pid: number;
  readonly startTime: string;
}

/** A prefix for the network namespaces of one topology, and for temporary folders: no other run, dead or alive, has it. */
export function newRunPrefix(): string {
  const startTime = readProcess(Deno.pid)?.startTime ?? "0";
  return `bx-${Deno.pid}x${startTime}x${runs++}`;
}

/** Who made something with that name; undefined when it is not one of ours. */
export function parseOwner(name: string): Owner | undefined {
  const match = /^bx-(\d+)x(\d+)x\d+-[a-z0-9]+$/.exec(name);
  return match === null ? undefined : { pid: Number(match[1]), startTime: match[2]! };
}

/** Of all names, those of ours whose owner is gone. */
export function findLeftovers(
  names: readonly string[],
  alive: (owner: Owner) => boolean = isStillThere,
): string[] {
  return names.filter((name) => {
    const owner = parseOwner(name);
    return owner !== undefined && !alive(owner);
  });
}
