// SPDX-License-Identifier: Apache-2.0

import type { Kind, Snapshot } from "../api/snapshot.ts";
import { type Answer, answerFor, NOTHING, sameAnswer } from "./answer.ts";
import { Derivation } from "./derivation.ts";
import type { TranslateOptions } from "./options.ts";
import type { DesiredService } from "./desired.ts";
import type { Roots } from "./graph.ts";
import type { DesiredLoadBalancer } from "./load_balancer.ts";
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

/**
 * Translates one snapshot after another, and works only on what the difference
 * between them reaches. The answers are those of translate(), and parts that are the
 * same as before are the same objects.
 */
export class Translator {
  readonly #derivation: Derivation;
  /** The part of the answer that comes from each object of an own kind, by refText. */
  readonly #answers: Roots<Answer>;
  /** What is in the whole now from each object. */
  readonly #contributions = new Map<string, Answer>();
  readonly #statuses = new Sorted<DesiredStatus>();
  readonly #services = new Sorted<DesiredService>();
  readonly #notices = new Sorted<Notice>();
  readonly #loadBalancers = new Sorted<DesiredLoadBalancer>();
  /** Objects that are to be looked at, and whether they exist; they stay here when a translation fails. */
  readonly #pending = new Map<string, boolean>();

  constructor(options: TranslateOptions = {}) {
    const derivation = new Derivation(options);
    this.#derivation = derivation;
    this.#answers = derivation.graph.roots((object) => answerFor(derivation, object, options), sameAnswer);
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
      const answer = exists ? this.#answers.get(object) : NOTHING;
      if (this.#contributions.get(object) !== answer) answers.set(object, answer);
    }
    // What is gone goes first, for an address and port may pass from one object to another.
    for (const [object, answer] of answers) this.#remove(object, answer);
    for (const [object, answer] of answers) this.#put(object, answer);
    this.#pending.clear();
    const nodes = this.#derivation.objects.nodeAddresses();
    return {
      dataplane: { services: this.#services.list(), ...(nodes !== undefined && { nodes }) },
      statuses: this.#statuses.list(),
      notices: this.#notices.list(),
      loadBalancers: this.#loadBalancers.list(),
    };
  }

  /** Removes what an object contributed and no longer does. */
  #remove(object: string, after: Answer): void {
    const before = this.#contributions.get(object);
    if (before === undefined) return;
    for (const key of before.services.keys()) if (!after.services.has(key)) this.#services.delete(key);
    for (const key of before.notices.keys()) if (!after.notices.has(key)) this.#notices.delete(key);
    if (after.status === undefined) this.#statuses.delete(object);
    if (after.loadBalancer === undefined) this.#loadBalancers.delete(object);
  }

  #put(object: string, answer: Answer): void {
    for (const [key, service] of answer.services) this.#services.set(key, service);
    for (const [key, notice] of answer.notices) this.#notices.set(key, notice);
    if (answer.status !== undefined) this.#statuses.set(object, answer.status);
    if (answer.loadBalancer !== undefined) this.#loadBalancers.set(object, answer.loadBalancer);
    if (answer === NOTHING) this.#contributions.delete(object);
    else this.#contributions.set(object, answer);
  }
}
