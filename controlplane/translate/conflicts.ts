// SPDX-License-Identifier: Apache-2.0

import type { Listener } from "../api/gateway.ts";
import { no, type Verdict } from "./conditions.ts";
import { protocolOf } from "./route_kinds.ts";

/** The listeners of a Gateway or of one ListenerSet, with the object's name for people. */
export interface ListenerGroup {
  readonly name: string;
  readonly listeners: readonly Listener[];
}

interface Entry {
  readonly group: ListenerGroup;
  readonly listener: Listener;
  /** Indexes of group and listener. */
  readonly place: readonly [number, number];
}

/** Protocols that share the port numbers of TCP. */
const OVER_TCP: ReadonlySet<string> = new Set(["TCP", "HTTP", "HTTPS", "TLS"]);

/** Listeners of one port space can take the same packet; undefined for a protocol nobody knows. */
function portSpace(listener: Listener): string | undefined {
  if (listener.protocol === "UDP") return `UDP/${listener.port}`;
  return OVER_TCP.has(listener.protocol) ? `TCP/${listener.port}` : undefined;
}

/** Two of one port space are distinct only by what TCP and UDP do not have, so neither may be one of these. */
function indistinct(a: Listener, b: Listener): boolean {
  return protocolOf(a) !== undefined || protocolOf(b) !== undefined;
}

/** The first entry that this one is not distinct from. */
function rivalOf(entry: Entry, entries: readonly Entry[]): Entry | undefined {
  return entries.find((other) => other !== entry && indistinct(entry.listener, other.listener));
}

function conflict({ listener }: Entry, rival: Entry): Verdict {
  const reason = rival.listener.protocol === listener.protocol ? "ListenerConflict" : "ProtocolConflict";
  const what = `${rival.listener.protocol} listener ${rival.listener.name} of ${rival.group.name}`;
  return no(reason, `Port ${listener.port} is also that of ${what}; give one of them another port.`);
}

function byPortSpace(groups: readonly ListenerGroup[]): Iterable<readonly Entry[]> {
  const spaces = new Map<string, Entry[]>();
  for (const [groupIndex, group] of groups.entries()) {
    for (const [index, listener] of group.listeners.entries()) {
      const space = portSpace(listener);
      if (space === undefined) continue;
      const entry: Entry = { group, listener, place: [groupIndex, index] };
      const entries = spaces.get(space);
      if (entries === undefined) spaces.set(space, [entry]);
      else entries.push(entry);
    }
  }
  return spaces.values();
}

/**
 * Why listeners conflict, by group and listener; undefined for those that do not.
 * Within one object no listener wins (GatewaySpec.listeners, "Handling indistinct
 * Listeners"); across objects the earlier group does: the Gateway, then
 * ListenerSets by age (ListenerSetSpec.listeners).
 */
export function findConflicts(
  groups: readonly ListenerGroup[],
): readonly (readonly (Verdict | undefined)[])[] {
  const conflicts = groups.map(({ listeners }) => listeners.map((): Verdict | undefined => undefined));
  for (const entries of byPortSpace(groups)) {
    if (entries.length === 1) continue;
    // Entries of earlier groups: these win.
    const settled: Entry[] = [];
    for (const own of Map.groupBy(entries, ({ group }) => group).values()) {
      for (const entry of own) {
        const rival = rivalOf(entry, settled) ?? rivalOf(entry, own);
        const [group, listener] = entry.place;
        if (rival !== undefined) conflicts[group]![listener] = conflict(entry, rival);
      }
      settled.push(...own);
    }
  }
  return conflicts;
}
