// SPDX-License-Identifier: Apache-2.0

// This control plane among those of all nodes: whether it is the one that
// writes, and which addresses its node announces. Both go by Leases in
// namespace blixt-system.
//
// Rights there: leases list, watch, get, create, patch. Besides, nodes list,
// watch: a node's Lease goes with its Node.

import { abortable } from "../abortable.ts";
import { LEADER_LEASE, type Lease, LEASE_LABEL, NODE_LEASE, SYSTEM_NAMESPACE } from "../api/lease.ts";
import type { KubernetesObject, OwnerReference } from "../api/object.ts";
import type { ObjectKey } from "../api/snapshot.ts";
import { type Clock, monotonicClock } from "../clock.ts";
import { Elector, LEADER_LEASE_NAME } from "../election/elector.ts";
import type { ApiClient } from "../source/apiserver/api_client.ts";
import { Reflector, type ReflectorTarget } from "../source/apiserver/reflector.ts";
import type { Trouble } from "../source/apiserver/trouble.ts";
import type { DesiredDataplane, DesiredService } from "../translate/desired.ts";
import { LiveNodes } from "./live_nodes.ts";
import { NodeLease } from "./node_lease.ts";
import { Ownership } from "./owner.ts";

/**
 * Milliseconds that a control plane whose kernel has not taken everything yet
 * leaves the election to others: the leader says of all nodes what it sees of its own.
 */
const HOLD_BACK = 10_000;

/** What membership needs. */
export interface MembershipOptions {
  readonly client: ApiClient;
  readonly trouble: Trouble;
  /** Name of this node. */
  readonly node: string;
  /** This node's object, as far as it is known. */
  readonly nodeObject: () => KubernetesObject | undefined;
  /** Resolves once everything is known that a former leader may have written. */
  readonly catchUp: (signal: AbortSignal) => Promise<void>;
  /** Told when `leads` or `announced` may answer otherwise than before. */
  readonly onChange: () => void;
  readonly onWatchEnd?: (kind: string) => void;
  readonly log: (line: string) => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** What the control plane has to know of the others. */
export class Membership implements ReflectorTarget<"Lease"> {
  readonly #elector: Elector;
  readonly #lease: NodeLease;
  readonly #live: LiveNodes;
  readonly #reflector: Reflector<"Lease">;
  readonly #ownership: Ownership;
  readonly #ready = Promise.withResolvers<void>();
  readonly #clock: Clock;
  #isReady = false;

  constructor(options: MembershipOptions) {
    const { client, trouble, node, nodeObject, catchUp, onChange, onWatchEnd, log, clock, random } = options;
    const time = { ...(clock && { clock }), ...(random && { random }) };
    this.#clock = clock ?? monotonicClock;
    this.#ownership = new Ownership(node);
    this.#live = new LiveNodes({ onChange, ...time });
    this.#lease = new NodeLease({
      client,
      trouble,
      node,
      owner: () => ownerReference(nodeObject()),
      nodes: () => this.#live.names?.length ?? 1,
      ...time,
    });
    this.#elector = new Elector({
      client,
      trouble,
      // Two processes on one node are two candidates: the old one may not have ended yet.
      identity: `${node}_${crypto.randomUUID()}`,
      prepare: catchUp,
      onChange: (leading) => {
        log(
          leading
            ? "This control plane leads: it writes statuses"
            : "This control plane does not lead any more",
        );
        onChange();
      },
      ...time,
    });
    this.#reflector = new Reflector({
      kind: "Lease",
      namespace: SYSTEM_NAMESPACE,
      labelSelector: `${LEASE_LABEL} in (${LEADER_LEASE},${NODE_LEASE})`,
      client,
      store: this,
      trouble,
      ...(onWatchEnd && { onWatchEnd }),
      ...time,
    });
  }

  /** Whether this control plane, and no other, assigns addresses and writes. */
  get leads(): boolean {
    return this.#elector.isLeading;
  }

  /** Names of the nodes that have Blixt, the same list until one comes or goes. */
  get equipped(): readonly string[] {
    return this.#live.equipped;
  }

  /** What of these services' addresses this node announces. */
  announced(services: readonly DesiredService[]): NonNullable<DesiredDataplane["announced"]> {
    const nodes = this.#live.names;
    return nodes === undefined ? "unchanged" : this.#ownership.addresses(services, nodes);
  }

  /** Everything is in the kernel: from now on this node can take addresses. */
  ready(): void {
    this.#isReady = true;
    this.#ready.resolve();
  }

  /** Takes part until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const ready = abortable(this.#ready.promise, signal).catch(() => {});
    const waited = new AbortController();
    const late = this.#clock.sleep(HOLD_BACK, AbortSignal.any([signal, waited.signal])).catch(() => {});
    await Promise.all([
      this.#reflector.run(signal),
      this.#live.run(signal),
      ready.then(() => this.#lease.run(signal)),
      Promise.race([ready, late]).then(() => {
        waited.abort();
        return signal.aborted ? undefined : this.#elector.run(signal);
      }),
    ]);
  }

  /** This node takes no more traffic, which others learn at once. */
  async leave(): Promise<void> {
    if (this.#isReady) await this.#lease.release();
  }

  replace(_kind: "Lease", leases: readonly KubernetesObject[]): void {
    this.#elector.observe(leases.find(isLeaderLease));
    this.#live.replace(leases.filter((lease) => !isLeaderLease(lease)));
  }

  set(_kind: "Lease", lease: KubernetesObject): void {
    if (isLeaderLease(lease)) this.#elector.observe(lease);
    else this.#live.set(lease);
  }

  delete(_kind: "Lease", key: ObjectKey): void {
    const name = key.slice(key.indexOf("/") + 1);
    if (name === LEADER_LEASE_NAME) this.#elector.observe(undefined);
    else this.#live.delete(name);
  }

  markSynced(): void {}
}

function isLeaderLease(lease: KubernetesObject): lease is Lease {
  return lease.metadata.name === LEADER_LEASE_NAME;
}

function ownerReference(node: KubernetesObject | undefined): OwnerReference | undefined {
  const { name, uid } = node?.metadata ?? {};
  return name === undefined || uid === undefined ? undefined : { apiVersion: "v1", kind: "Node", name, uid };
}
