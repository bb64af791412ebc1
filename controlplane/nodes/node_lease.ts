// SPDX-License-Identifier: Apache-2.0

// Shows others that this node takes traffic. Changes one Lease of its own.
//
// Rights, in namespace blixt-system: leases create, patch.

import { LEASE_LABEL, microTime, NODE_LEASE, SYSTEM_NAMESPACE } from "../api/lease.ts";
import type { OwnerReference } from "../api/object.ts";
import { shortName } from "../api/short_name.ts";
import { type Clock, monotonicClock } from "../clock.ts";
import type { ApiClient } from "../source/apiserver/api_client.ts";
import { ApiError } from "../source/apiserver/api_error.ts";
import { collectionPath, objectPath } from "../source/apiserver/resource_path.ts";
import type { Trouble } from "../source/apiserver/trouble.ts";

/** Milliseconds between renewals in a small cluster. */
const SHORTEST = 2_000;

/** Milliseconds that each node adds to the interval: everybody hears at most 25 renewals a second. */
const PER_NODE = 40;

/** Renewals that may fail before a node counts as gone. */
const RENEWALS = 3;

/** Characters that a Lease's name may have (a DNS subdomain, RFC 1123). */
const NAME_LENGTH = 253;

/** Milliseconds that giving the Lease back may take. */
const RELEASE_LIMIT = 2_000;

/**
 * Milliseconds between renewals in a cluster of so many nodes: two seconds up
 * to 50 nodes, 10 seconds at 250, so that a node is gone after 6 to 30 seconds.
 */
export function renewalInterval(nodes: number): number {
  return Math.max(SHORTEST, PER_NODE * nodes);
}

/** What keeping a Lease needs. */
export interface NodeLeaseOptions {
  readonly client: ApiClient;
  readonly trouble: Trouble;
  /** Name of this node. */
  readonly node: string;
  /** This node, with which the Lease is to go; absent while it is not known. */
  readonly owner: () => OwnerReference | undefined;
  /** How many nodes live now. */
  readonly nodes: () => number;
  readonly clock?: Clock;
}

/** The Lease of this node. */
export class NodeLease {
  readonly #options: NodeLeaseOptions;
  readonly #clock: Clock;
  readonly #path: string;
  readonly #name: string;

  constructor(options: NodeLeaseOptions) {
    this.#options = options;
    this.#clock = options.clock ?? monotonicClock;
    const prefix = "blixt-node-";
    this.#name = prefix + shortName(options.node, NAME_LENGTH - prefix.length);
    this.#path = objectPath("Lease", SYSTEM_NAMESPACE, this.#name);
  }

  /** Renews until the signal. The Lease stays then: a control plane that is back soon finds its addresses as they were. */
  async run(signal: AbortSignal): Promise<void> {
    const { trouble, nodes, node } = this.#options;
    while (!signal.aborted) {
      const interval = renewalInterval(nodes());
      const leaseDurationSeconds = Math.ceil(RENEWALS * interval / 1_000);
      try {
        const limited = AbortSignal.any([signal, AbortSignal.timeout(interval)]);
        await this.#write({ holderIdentity: node, leaseDurationSeconds }, limited);
        trouble.solved("node lease");
      } catch (error) {
        if (signal.aborted) return;
        trouble.report(
          "node lease",
          `Other nodes cannot be told that this one lives: ${(error as Error).message}`,
        );
      }
      await this.#clock.sleep(interval, signal).catch(() => {});
    }
  }

  /** Tells others that this node takes no more traffic. */
  async release(): Promise<void> {
    await this.#write({ holderIdentity: "" }, AbortSignal.timeout(RELEASE_LIMIT)).catch(() => {});
  }

  async #write(spec: Readonly<Record<string, unknown>>, signal: AbortSignal): Promise<void> {
    const { client, owner } = this.#options;
    const body = {
      metadata: { labels: { [LEASE_LABEL]: NODE_LEASE } },
      spec: { ...spec, renewTime: microTime(this.#clock.now()) },
    };
    try {
      await client.json({
        method: "PATCH",
        path: this.#path,
        contentType: "application/merge-patch+json",
        body,
      }, signal);
    } catch (error) {
      if (!(error instanceof ApiError && error.code === 404)) throw error;
      const own = owner();
      await client.json({
        method: "POST",
        path: collectionPath("Lease", SYSTEM_NAMESPACE),
        body: {
          apiVersion: "coordination.k8s.io/v1",
          kind: "Lease",
          ...body,
          metadata: {
            ...body.metadata,
            name: this.#name,
            namespace: SYSTEM_NAMESPACE,
            ...(own !== undefined && { ownerReferences: [own] }),
          },
        },
      }, signal);
    }
  }
}
