// SPDX-License-Identifier: Apache-2.0

import { ipBytes16, parseIp } from "../api/ip.ts";
import type { Kind, Snapshot } from "../api/snapshot.ts";
import { type Answer, answerFor, NOTHING } from "./answer.ts";
import { Derivation, type TranslateOptions } from "./derivation.ts";
import type { DesiredService } from "./desired.ts";
import type { Roots } from "./graph.ts";
import { refText } from "./object_ref.ts";
import { Sorted } from "./sorted.ts";
import type { DesiredStatus, Notice, Translation } from "./translation.ts";

/** Kinds whose objects get a status from Blixt. */
const OWN_KINDS: ReadonlySet<Kind> = new Set<Kind>([
  "GatewayClass",
  "Gateway",
  "ListenerSet",
  "TCPRoute",
  "UDPRoute",
]);

/** The keys of what one object contributed. */
interface Contribution {
  readonly services: readonly string[];
  readonly notices: readonly string[];
}

/**
 * Translates one snapshot after another, and works only on what the difference
 * between them reaches. The answers are those of translate(), and parts that are the
 * same as before are the same objects.
 */
export class Translator {
  readonly #derivation: Derivation;
  /** The part of the answer that comes from each object of an own kind, by refText. */
  readonly #answers: Roots<Answer>;
  readonly #contributions = new Map<string, Contribution>();
  readonly #statuses = new Sorted<DesiredStatus>();
  readonly #services = new Sorted<DesiredService>();
  readonly #notices = new Sorted<Notice>();
  /** Objects that are to be looked at, and whether they exist; they stay here when a translation fails. */
  readonly #pending = new Map<string, boolean>();

  constructor(options: TranslateOptions = {}) {
    const derivation = new Derivation(options);
    this.#derivation = derivation;
    this.#answers = derivation.graph.roots((object) => answerFor(derivation, object, options));
  }

  /** The translation of the snapshot. */
  translate(snapshot: Snapshot): Translation {
    for (const { kind, key, after } of this.#derivation.objects.update(snapshot)) {
      if (OWN_KINDS.has(kind)) this.#pending.set(refText({ kind, key }), after !== undefined);
    }
    for (const [object, exists] of this.#pending) if (!exists) this.#answers.drop(object);
    for (const object of this.#answers.stale()) this.#pending.set(object, true);
    const answers = new Map<string, Answer>();
    for (const [object, exists] of this.#pending) {
      answers.set(object, exists ? this.#answers.get(object) : NOTHING);
    }
    // What is gone goes first, for an address and port may pass from one object to another.
    for (const [object, answer] of answers) this.#remove(object, answer);
    for (const [object, answer] of answers) this.#put(object, answer);
    this.#pending.clear();
    return {
      dataplane: { services: this.#services.list() },
      statuses: this.#statuses.list(),
      notices: this.#notices.list(),
    };
  }

  /** Removes what an object contributed and no longer does. */
  #remove(object: string, { status, services, notices }: Answer): void {
    const before = this.#contributions.get(object);
    const keys = new Set([...services.map(serviceKey), ...notices.map(noticeKey)]);
    for (const key of before?.services ?? []) if (!keys.has(key)) this.#services.delete(key);
    for (const key of before?.notices ?? []) if (!keys.has(key)) this.#notices.delete(key);
    if (status === undefined) this.#statuses.delete(object);
  }

  #put(object: string, { status, services, notices }: Answer): void {
    const contribution = { services: services.map(serviceKey), notices: notices.map(noticeKey) };
    services.forEach((service) => this.#services.set(serviceKey(service), service));
    notices.forEach((notice) => this.#notices.set(noticeKey(notice), notice));
    if (status !== undefined) this.#statuses.set(object, status);
    if (services.length + notices.length > 0) this.#contributions.set(object, contribution);
    else this.#contributions.delete(object);
  }
}

/** Orders services by address, IPv4 first, then port, then protocol. */
function serviceKey({ address, port, protocol }: DesiredService): string {
  const parsed = parseIp(address);
  const bytes = parsed === undefined ? "" : ipBytes16(parsed).toHex();
  return `${parsed?.family ?? ""} ${bytes} ${String(port).padStart(5, "0")} ${protocol}`;
}

function noticeKey({ kind, key, reason, message }: Notice): string {
  return `${kind} ${key} ${reason} ${message}`;
}
