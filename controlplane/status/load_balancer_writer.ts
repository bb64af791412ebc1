// SPDX-License-Identifier: Apache-2.0

// Keeps the Services that stand for Gateways. Observes Services, and changes
// those that it has made itself, which isGenerated tells; all others it leaves
// alone whatever they are called.
//
// Rights, in all namespaces: services list, watch, create, patch, delete;
// services/status patch.

import type { KubernetesObject } from "../api/object.ts";
import type { Service } from "../api/service.ts";
import type { ObjectKey, Snapshot } from "../api/snapshot.ts";
import { type Clock, systemClock } from "../clock.ts";
import { Backoff } from "../backoff.ts";
import type { ApiClient } from "../source/apiserver/api_client.ts";
import { ApiError } from "../source/apiserver/api_error.ts";
import { collectionPath, objectPath } from "../source/apiserver/resource_path.ts";
import { trimmed } from "../source/apiserver/trimmed.ts";
import type { Trouble } from "../source/apiserver/trouble.ts";
import type { Store } from "../store/store.ts";
import { type DesiredLoadBalancer, generatedFor, isGenerated } from "../translate/load_balancer.ts";
import { newService, servicePatch, statusPatchOf } from "./load_balancer_service.ts";
import { WorkQueue } from "./work_queue.ts";

/** Writes under way at the same time, at most. */
const WORKERS = 4;

/** Milliseconds for one write. */
const WRITE_LIMIT = 30_000;

const MERGE_PATCH = "application/merge-patch+json";

/** What the writer needs. */
export interface LoadBalancerWriterOptions {
  readonly client: ApiClient;
  readonly store: Store;
  readonly trouble: Trouble;
  /** Whether this process is the one that writes; asked before every write. */
  readonly mayWrite: () => boolean;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/** Creates, changes and deletes Services until they are as desired. */
export class LoadBalancerWriter {
  readonly #options: LoadBalancerWriterOptions;
  readonly #stop = new AbortController();
  readonly #queue: WorkQueue;
  readonly #backoffs = new Map<ObjectKey, Backoff>();
  /** The Service that was last found to be as desired. */
  readonly #settled = new WeakMap<DesiredLoadBalancer, KubernetesObject>();
  #list: readonly DesiredLoadBalancer[] = [];
  #desired: ReadonlyMap<ObjectKey, DesiredLoadBalancer> = new Map();
  /** The Services that were last compared with the present list. */
  #compared: Snapshot["Service"] | undefined;

  constructor(options: LoadBalancerWriterOptions) {
    this.#options = options;
    this.#queue = new WorkQueue(this.#stop.signal, options.clock ?? systemClock);
  }

  /** All Services as they should be from now on; what is the same already costs a look. */
  set(list: readonly DesiredLoadBalancer[]): void {
    const services = this.#options.store.snapshot().Service;
    if (list === this.#list && services === this.#compared) return;
    if (list !== this.#list) this.#desired = new Map(list.map((desired) => [desired.key, desired]));
    this.#list = list;
    this.#compared = this.#options.mayWrite() ? services : undefined;
    if (this.#compared === undefined) return;
    for (const [key, desired] of this.#desired) {
      const service = services.get(key);
      if (service === undefined || this.#settled.get(desired) !== service) this.#queue.add(key);
    }
    for (const [key, service] of services) {
      if (!this.#desired.has(key) && isGenerated(service)) this.#queue.add(key);
    }
  }

  /** Writes until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => this.#stop.abort();
    if (signal.aborted) stop();
    signal.addEventListener("abort", stop, { once: true });
    await Promise.all(Array.from({ length: WORKERS }, () => this.#work()));
  }

  async #work(): Promise<void> {
    for (let key = await this.#queue.take(); key !== undefined; key = await this.#queue.take()) {
      const { trouble, mayWrite, random = Math.random } = this.#options;
      const who = `Service ${key}`;
      try {
        if (mayWrite()) await this.#write(key, this.#desired.get(key));
        this.#backoffs.delete(key);
        trouble.solved(who);
      } catch (error) {
        if (!this.#stop.signal.aborted) {
          // Another was faster: the watch brings what it did.
          const isConflict = error instanceof ApiError && (error.code === 409 || error.code === 404);
          if (!isConflict) trouble.report(who, `${who} cannot be written: ${(error as Error).message}`);
          const backoff = this.#backoffs.get(key) ?? new Backoff(random);
          this.#backoffs.set(key, backoff);
          this.#queue.addAfter(key, backoff.next());
        }
      } finally {
        this.#queue.done(key);
      }
    }
  }

  /** Brings one Service a step closer to what is desired; its change in the store brings the next step. */
  async #write(key: ObjectKey, desired: DesiredLoadBalancer | undefined): Promise<void> {
    const present = this.#options.store.get("Service", key) as Service | undefined;
    if (present === undefined) {
      const namespace = key.slice(0, key.indexOf("/"));
      if (desired !== undefined && !this.#options.store.isTerminating(namespace)) await this.#create(desired);
      return;
    }
    if (!isGenerated(present)) return;
    // Type, class and owner cannot be changed on every Service, so one with others makes way for a new one.
    if (desired === undefined || generatedFor(present)?.uid !== desired.owner.uid) {
      return await this.#delete(present);
    }
    const patch = servicePatch(present, desired);
    if (patch !== undefined) return await this.#patch(present, "", patch);
    const status = statusPatchOf(present, desired);
    if (status !== undefined) return await this.#patch(present, "/status", status);
    this.#settled.set(desired, present);
  }

  async #create(desired: DesiredLoadBalancer): Promise<void> {
    const service = newService(desired);
    const path = collectionPath("Service", service.metadata.namespace);
    this.#keep(
      undefined,
      await this.#options.client.json<Service>({ method: "POST", path, body: service }, this.#limit()),
    );
  }

  async #patch(present: Service, subresource: string, patch: object): Promise<void> {
    const { namespace, name } = present.metadata;
    const path = objectPath("Service", namespace, name) + subresource;
    const request = { method: "PATCH", path, contentType: MERGE_PATCH, body: patch } as const;
    this.#keep(present, await this.#options.client.json<Service>(request, this.#limit()));
  }

  async #delete({ metadata: { namespace, name, uid, resourceVersion } }: Service): Promise<void> {
    await this.#options.client.json({
      method: "DELETE",
      path: objectPath("Service", namespace, name),
      body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid, resourceVersion } },
    }, this.#limit());
  }

  /** Puts an answer in the store, unless the watch was faster; the change brings the next step. */
  #keep(before: Service | undefined, after: Service): void {
    const { store } = this.#options;
    const { namespace, name } = after.metadata;
    if (store.get("Service", `${namespace}/${name}`) !== before) return;
    store.set("Service", trimmed({ ...after, apiVersion: "v1", kind: "Service" }));
  }

  #limit(): AbortSignal {
    return AbortSignal.any([this.#stop.signal, AbortSignal.timeout(WRITE_LIMIT)]);
  }
}
