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
  readonly group: number;
  readonly listener: Listener;
}

/** Protocols that share the port numbers of TCP. */
const OVER_TCP = new Set(["TCP", "HTTP", "HTTPS", "TLS"]);

/** Listeners with equal port space can take the same packet; undefined for a protocol nobody knows. */
function portSpace(listener: Listener): string | undefined {
  if (listener.protocol === "UDP") return `UDP/${listener.port}`;
  return OVER_TCP.has(listener.protocol) ? `TCP/${listener.port}` : undefined;
}

/** TCP and UDP listeners are distinct by port alone; two that Blixt does not serve anyway are left to their own rules. */
function indistinct(a: Listener, b: Listener): boolean {
  return protocolOf(a) !== undefined || protocolOf(b) !== undefined;
}

/** The entry's rival: one before its group, who wins, or one in its group, where nobody wins. */
function rivalOf(entry: Entry, entries: readonly Entry[]): Entry | undefined {
  const rivals = entries.filter((other) =>
    other !== entry && other.group <= entry.group && indistinct(entry.listener, other.listener)
  );
  return rivals.find((rival) => rival.group < entry.group) ?? rivals[0];
}

function conflict(entry: Entry, rival: Entry, groups: readonly ListenerGroup[]): Verdict {
  const { port, protocol } = entry.listener;
  const reason = rival.listener.protocol === protocol ? "ListenerConflict" : "ProtocolConflict";
  const where = groups[rival.group]?.name ?? "";
  const what = `${rival.listener.protocol} listener ${rival.listener.name} of ${where}`;
  return no(reason, `Port ${port} is also that of ${what}; give one of them another port.`);
}

/**
 * The listeners that conflict, each with the reason. Within one object no
 * listener wins (GatewaySpec.listeners, "Handling indistinct Listeners"); across
 * objects the earlier group does: the Gateway, then ListenerSets by age
 * (ListenerSetSpec.listeners).
 */
export function findConflicts(groups: readonly ListenerGroup[]): ReadonlyMap<Listener, Verdict> {
  const spaces = new Map<string, Entry[]>();
  groups.forEach(({ listeners }, group) => {
    for (const listener of listeners) {
      const space = portSpace(listener);
      if (space === undefined) continue;
      const entries = spaces.get(space);
      if (entries === undefined) spaces.set(space, [{ group, listener }]);
      else entries.push({ group, listener });
    }
  });
  const conflicts = new Map<Listener, Verdict>();
  for (const entries of spaces.values()) {
    for (const entry of entries) {
      const rival = rivalOf(entry, entries);
      if (rival !== undefined) conflicts.set(entry.listener, conflict(entry, rival, groups));
    }
  }
  return conflicts;
}
