// SPDX-License-Identifier: Apache-2.0

// Short sentences about large states.

import { equal } from "./equal.ts";
import type { DesiredDataplane, DesiredService } from "./translate/desired.ts";
import type { Translation } from "./translate/translation.ts";

/** "2 Gateways, 3 listeners, 2 routes, 6 backends": listeners that take traffic, backends each counted once. */
export function summarise({ statuses, dataplane }: Translation): string {
  const ofKind = (...kinds: readonly string[]): number =>
    statuses.filter(({ kind }) => kinds.includes(kind)).length;
  return [
    count(ofKind("Gateway"), "Gateway"),
    count(dataplane.services.length, "listener"),
    count(ofKind("TCPRoute", "UDPRoute"), "route"),
    count(backendsOf(dataplane.services).size, "backend"),
  ].join(", ");
}

/** Names of changed listeners that are told one by one; more are only counted. */
const MOST_NAMES = 3;

/** "TCP 192.0.2.1:80 changed to 3 backends, UDP 192.0.2.1:53 removed". */
export function summariseChange(before: DesiredDataplane, after: DesiredDataplane): string {
  const old = new Map(before.services.map((service) => [placeOf(service), service]));
  const changes: string[] = [];
  for (const service of after.services) {
    const place = placeOf(service);
    const present = old.get(place);
    old.delete(place);
    if (present !== undefined && (present === service || equal(present, service))) continue;
    const backends = count(backendsOf([service]).size, "backend");
    changes.push(`${place} ${present === undefined ? "added with" : "changed to"} ${backends}`);
  }
  for (const place of old.keys()) changes.push(`${place} removed`);
  const { announced } = after;
  if (Array.isArray(announced) && !equal(announced, before.announced)) {
    changes.push(`${count(announced.length, "address", "addresses")} announced by this node`);
  }
  if (changes.length === 0) return "nothing changed";
  const more = changes.length - MOST_NAMES;
  const shown = changes.slice(0, MOST_NAMES).join(", ");
  return more > 0 ? `${shown} and ${more} more` : shown;
}

function placeOf({ protocol, address, port }: DesiredService): string {
  return `${protocol} ${address.includes(":") ? `[${address}]` : address}:${port}`;
}

function backendsOf(services: readonly DesiredService[]): Set<string> {
  return new Set(
    services.flatMap(({ groups }) =>
      groups.flatMap(({ endpoints }) => endpoints.map(({ address, port }) => `${address} ${port}`))
    ),
  );
}

function count(number: number, noun: string, nouns = `${noun}s`): string {
  return `${number} ${number === 1 ? noun : nouns}`;
}
