// SPDX-License-Identifier: Apache-2.0

// The third stage: how Gateways, ListenerSets and their listeners fare with the
// addresses and ports they got.

import type { ObjectKey } from "../api/snapshot.ts";
import { equal } from "../equal.ts";
import type { Addressing } from "./addressing.ts";
import { agedOf } from "./age.ts";
import { overCapacity, type Size } from "./capacity.ts";
import { no } from "./conditions.ts";
import { gatewayAccepted, type GatewayOutcome, gatewayProgrammed } from "./gateway.ts";
import type { GatewayModels } from "./gateway_models.ts";
import type { Graph, Memo } from "./graph.ts";
import {
  type AcceptedListener,
  acceptListener,
  type ListenerModel,
  type ListenerOutcome,
  programListener,
} from "./listeners.ts";
import {
  listenerSetAccepted,
  type ListenerSetOutcome,
  listenerSetProgrammed,
  notAllowed,
} from "./listener_set.ts";
import type { Objects } from "./objects.ts";
import type { TranslateOptions } from "./options.ts";
import { portName } from "./ports.ts";

/** A Gateway's outcome and those of the ListenerSets it admits. */
export interface MergedOutcome extends GatewayOutcome {
  readonly sets: ReadonlyMap<ObjectKey, ListenerSetOutcome>;
}

/** Outcomes by the key of the Gateway or ListenerSet. */
export class Outcomes {
  /** How a Gateway fares, if it is ours. */
  readonly gateway: Memo<MergedOutcome | undefined>;
  /** How a ListenerSet fares, if its Gateway is ours. */
  readonly listenerSet: Memo<ListenerSetOutcome | undefined>;
  readonly #objects: Objects;
  readonly #models: GatewayModels;
  readonly #addressing: Addressing;
  readonly #limit: Size;
  readonly #unlimited: Memo<MergedOutcome | undefined>;
  readonly #size: Memo<Size>;
  readonly #allOverCapacity: Memo<ReadonlySet<ObjectKey>>;
  readonly #overCapacity: Memo<boolean>;

  constructor(
    graph: Graph,
    objects: Objects,
    models: GatewayModels,
    addressing: Addressing,
    options: TranslateOptions,
  ) {
    this.#objects = objects;
    this.#models = models;
    this.#addressing = addressing;
    this.#limit = { listeners: options.maxListeners ?? Infinity, services: options.maxServices ?? Infinity };
    const isLimited = Math.min(this.#limit.listeners, this.#limit.services) < Infinity;
    this.#unlimited = graph.memo((key) => this.#fare(key));
    this.#size = graph.memo((key) => measure(this.#unlimited(key)), equal);
    this.#allOverCapacity = graph.memo(() => this.#measure());
    this.#overCapacity = graph.memo((key) => this.#allOverCapacity("").has(key));
    // Without a limit Gateways do not depend on each other's size.
    this.gateway = !isLimited ? this.#unlimited : graph.memo((key) => {
      const outcome = this.#unlimited(key);
      return outcome !== undefined && this.#overCapacity(key)
        ? withoutResources(outcome, this.#limit)
        : outcome;
    });
    this.listenerSet = graph.memo((key) => this.#listenerSet(key));
  }

  #fare(key: ObjectKey): MergedOutcome | undefined {
    const model = this.#models.gateway(key);
    if (model === undefined) return undefined;
    const addresses = this.#addressing.addresses(key);
    const lost = this.#addressing.lostPorts(key);
    const accept = (models: readonly ListenerModel[]): AcceptedListener[] =>
      models.map((listener) => acceptListener(listener, lost[portName(listener.listener)]));
    const own = accept(model.listeners);
    const accepted = gatewayAccepted(model.gateway, own);
    const around = { gatewayAccepted: accepted, hasAddress: addresses.addresses.length > 0 };
    const listeners = own.map((listener) => programListener(listener, { ...around, inListenerSet: false }));
    const programmed = gatewayProgrammed(accepted, addresses, listeners);
    const sets = new Map([...model.sets].map(([set, models]) => {
      const listeners = accept(models).map((listener) =>
        programListener(listener, { ...around, inListenerSet: true })
      );
      const setAccepted = listenerSetAccepted(accepted, listeners);
      const setProgrammed = listenerSetProgrammed(setAccepted, programmed, listeners);
      return [set, { accepted: setAccepted, programmed: setProgrammed, listeners }] as const;
    }));
    return { accepted, programmed, addresses, listeners, attachedListenerSets: countAccepted(sets), sets };
  }

  #listenerSet(key: ObjectKey): ListenerSetOutcome | undefined {
    const gatewayKey = this.#models.gatewayOf(key);
    const gateway = gatewayKey === undefined ? undefined : this.#objects.get("Gateway", gatewayKey);
    if (gatewayKey === undefined || gateway === undefined) return undefined;
    return this.gateway(gatewayKey)?.sets.get(key) ?? notAllowed(gateway);
  }

  #measure(): ReadonlySet<ObjectKey> {
    const requests = this.#objects.gatewayKeys().flatMap((key) => {
      const gateway = this.#objects.get("Gateway", key);
      return gateway === undefined ? [] : [{ key, ...agedOf(gateway.metadata), ...this.#size(key) }];
    });
    const over = overCapacity(requests, this.#limit);
    return new Set(requests.filter((_, index) => over.has(index)).map(({ key }) => key));
  }
}

function allListeners({ listeners, sets }: MergedOutcome): readonly ListenerOutcome[] {
  return [...listeners, ...[...sets.values()].flatMap((set) => set.listeners)];
}

function measure(outcome: MergedOutcome | undefined): Size {
  if (outcome === undefined) return { listeners: 0, services: 0 };
  const { length } = allListeners(outcome).filter(({ programmed }) => programmed.status === "True");
  return { listeners: length, services: length * outcome.addresses.addresses.length };
}

function countAccepted(sets: ReadonlyMap<ObjectKey, ListenerSetOutcome>): number {
  return [...sets.values()].filter(({ accepted }) => accepted.status === "True").length;
}

/** The outcome of a Gateway for which the dataplane has no room. */
function withoutResources(outcome: MergedOutcome, limit: Size): MergedOutcome {
  const size = measure(outcome);
  const limited = (["listeners", "services"] as const).filter((name) => limit[name] < Infinity);
  const needs = limited.map((name) => `${size[name]} of ${limit[name]} ${name}`).join(" and ");
  const options = limited.map((name) => `--${name}`).join(" and ");
  const programmed = no(
    "NoResources",
    `The Gateway needs ${needs}, one service for each listener and address, and older Gateways leave fewer; ` +
      `remove listeners or Gateways, or raise ${options}.`,
  );
  const stop = (listeners: readonly ListenerOutcome[]): ListenerOutcome[] =>
    listeners.map((listener) =>
      listener.programmed.status === "True"
        ? { ...listener, programmed: no("Pending", programmed.message) }
        : listener
    );
  const sets = [...outcome.sets].map(([key, set]) => {
    const listeners = stop(set.listeners);
    return [key, {
      ...set,
      listeners,
      programmed: listenerSetProgrammed(set.accepted, programmed, listeners),
    }] as const;
  });
  return { ...outcome, programmed, listeners: stop(outcome.listeners), sets: new Map(sets) };
}
