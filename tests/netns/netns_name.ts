// SPDX-License-Identifier: Apache-2.0

import { readProcess } from "../../controlplane/tasks/process_table.ts";
import { isStillThere } from "./processes.ts";

let runs = 0;

/** The process that made a network namespace, as its name tells. */
export interface Owner {
  readonly pid: number;
  readonly startTime: string;
}

/** A prefix for the network namespaces of one topology: no other run, dead or alive, has it. */
export function newRunPrefix(): string {
  const startTime = readProcess(Deno.pid)?.startTime ?? "0";
  return `bx-${Deno.pid}x${startTime}x${runs++}`;
}

/** Who made a network namespace; undefined when the name is not one of ours. */
export function parseOwner(netns: string): Owner | undefined {
  const match = /^bx-(\d+)x(\d+)x\d+-[a-z0-9]+$/.exec(netns);
  return match === null ? undefined : { pid: Number(match[1]), startTime: match[2]! };
}

/** Of all network namespaces, those of ours whose owner is gone. */
export function findLeftovers(
  netns: readonly string[],
  alive: (owner: Owner) => boolean = isStillThere,
): string[] {
  return netns.filter((name) => {
    const owner = parseOwner(name);
    return owner !== undefined && !alive(owner);
  });
}
