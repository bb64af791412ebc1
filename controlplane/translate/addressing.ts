// SPDX-License-Identifier: Apache-2.0

// The second stage, where Gateways meet: who has which address, and who which
// port of an address that several have.

import { equal } from "../equal.ts";
import type { ObjectKey } from "../api/snapshot.ts";
import { type AddressAnswer, type AddressRequest, addressRequest, assignAddresses } from "./addresses.ts";
import { agedOf, compareText } from "./age.ts";
import type { GatewayModels } from "./gateway_models.ts";
import type { Graph, Memo } from "./graph.ts";
import type { ListenerModel } from "./listeners.ts";
import type { Objects } from "./objects.ts";
import type { TranslateOptions } from "./options.ts";
import { type LostPorts, portName, type PortRequest, settlePorts } from "./ports.ts";

/** The answer for a Gateway that asked for nothing. */
const NO_ADDRESSES: AddressAnswer = { addresses: [], unusable: [], unassigned: [] };
const NO_LOST_PORTS: LostPorts = {};

/** Addresses and ports of Gateways, by key. */
export class Addressing {
  /** The addresses of a Gateway. */
  readonly addresses: Memo<AddressAnswer>;
  /** The ports that a Gateway loses to older ones. */
  readonly lostPorts: Memo<LostPorts>;
  readonly #objects: Objects;
  readonly #models: GatewayModels;
  readonly #fromPool: boolean;
  readonly #addressRequest: Memo<AddressRequest | undefined>;
  readonly #allAddresses: Memo<ReadonlyMap<ObjectKey, AddressAnswer>>;
  readonly #sharers: Memo<readonly ObjectKey[]>;
  readonly #portRequest: Memo<PortRequest | undefined>;
  readonly #allLostPorts: Memo<ReadonlyMap<ObjectKey, LostPorts>>;

  constructor(graph: Graph, objects: Objects, models: GatewayModels, options: TranslateOptions) {
    this.#objects = objects;
    this.#models = models;
    this.#fromPool = options.assignAddresses ?? true;
    // Memos with `equal` keep a change to one Gateway from reaching the others that it makes no difference to.
    this.#addressRequest = graph.memo((key) => this.#requestAddresses(key), equal);
    this.#allAddresses = graph.memo(() => this.#assignAddresses());
    this.addresses = graph.memo((key) => this.#allAddresses("").get(key) ?? NO_ADDRESSES, equal);
    this.#sharers = graph.memo(() => this.#findSharers(), equal);
    this.#portRequest = graph.memo((key) => this.#requestPorts(key), equal);
    this.#allLostPorts = graph.memo(() => this.#settlePorts());
    this.lostPorts = graph.memo((key) => this.#allLostPorts("").get(key) ?? NO_LOST_PORTS, equal);
  }

  #requestAddresses(key: ObjectKey): AddressRequest | undefined {
    const gateway = this.#objects.get("Gateway", key);
    const classModel = this.#models.classOf(key);
    if (gateway === undefined || classModel === undefined) return undefined;
    return addressRequest(gateway, classModel.addresses, this.#models.eligible(key));
  }

  #assignAddresses(): ReadonlyMap<ObjectKey, AddressAnswer> {
    return answerAll(
      this.#objects.gatewayKeys(),
      this.#addressRequest,
      (requests) =>
        assignAddresses(requests, { fromPool: this.#fromPool, ofNodes: this.#objects.addressesOfNodes() }),
    );
  }

  /** Gateways that share an address with another: only they can lose ports. */
  #findSharers(): readonly ObjectKey[] {
    const firsts = new Map<string, ObjectKey>();
    const sharers = new Set<ObjectKey>();
    for (const [key, { addresses }] of this.#allAddresses("")) {
      for (const address of addresses) {
        const first = firsts.get(address);
        if (first === undefined) firsts.set(address, key);
        else sharers.add(first).add(key);
      }
    }
    return [...sharers].sort(compareText);
  }

  #requestPorts(key: ObjectKey): PortRequest | undefined {
    const model = this.#models.gateway(key);
    if (model === undefined) return undefined;
    const eligible = this.#models.eligible(key);
    const portsOf = (listeners: readonly ListenerModel[]): string[] =>
      listeners.filter(({ accepted }) => eligible && accepted.status === "True").map(({ listener }) =>
        portName(listener)
      );
    return {
      ...agedOf(model.gateway.metadata),
      addresses: this.addresses(key).addresses,
      own: portsOf(model.listeners),
      others: [...model.sets.values()].flatMap(portsOf),
    };
  }

  #settlePorts(): ReadonlyMap<ObjectKey, LostPorts> {
    return answerAll(this.#sharers(""), this.#portRequest, settlePorts);
  }
}

/** Asks for all keys at once: decide answers in the order of the requests. */
function answerAll<Q, A>(
  keys: readonly ObjectKey[],
  request: (key: ObjectKey) => Q | undefined,
  decide: (requests: readonly Q[]) => readonly A[],
): ReadonlyMap<ObjectKey, A> {
  const asked = keys.flatMap((key) => {
    const found = request(key);
    return found === undefined ? [] : [{ key, request: found }];
  });
  const answers = decide(asked.map((each) => each.request));
  return new Map(asked.map(({ key }, index) => [key, answers[index] as A]));
}
