// SPDX-License-Identifier: Apache-2.0

import { abortable } from "../../abortable.ts";
import type { KubernetesObject } from "../../api/object.ts";
import { type Clock, monotonicClock } from "../../clock.ts";
import { Backoff } from "../../backoff.ts";
import type { ApiClient } from "./api_client.ts";
import { ApiError } from "./api_error.ts";
import type { Trouble } from "./trouble.ts";

const GATEWAY_CLASS_CRD =
  "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/gatewayclasses.gateway.networking.k8s.io";

const BUNDLE_VERSION = "gateway.networking.k8s.io/bundle-version";

/** What is needed to ask. */
export interface BundleVersionOptions {
  readonly client: ApiClient;
  readonly trouble: Trouble;
  /** Called when the version is another than before. */
  readonly onChange?: () => void;
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * Which version of the Gateway API's CRDs the cluster has, which goes into
 * GatewayClass conditions. CRDs may come after Blixt, and be upgraded under it:
 * whoever sees a sign of that calls look().
 */
export class BundleVersion {
  readonly #options: BundleVersionOptions;
  #value: string | undefined;
  #news = Promise.withResolvers<void>();

  constructor(options: BundleVersionOptions) {
    this.#options = options;
  }

  /** As of the last look; undefined where the server has no CRDs, or refuses to say. */
  get value(): string | undefined {
    return this.#value;
  }

  /** Asks the server; waits for one that is away. */
  async read(signal: AbortSignal): Promise<void> {
    const value = await this.#ask(signal);
    if (value === this.#value) return;
    this.#value = value;
    this.#options.onChange?.();
  }

  /** The version may be another: it is asked for again. */
  look(): void {
    this.#news.resolve();
  }

  /** Looks again whenever it is told to, until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await abortable(this.#news.promise, signal);
        this.#news = Promise.withResolvers();
        await this.read(signal);
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  async #ask(signal: AbortSignal): Promise<string | undefined> {
    const { client, trouble, clock = monotonicClock, random = Math.random } = this.#options;
    const backoff = new Backoff(random);
    for (;;) {
      try {
        const crd = await client.json<KubernetesObject>({ path: GATEWAY_CLASS_CRD }, signal);
        trouble.solved("bundle version");
        return crd.metadata.annotations?.[BUNDLE_VERSION];
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ApiError && (error.code === 403 || error.code === 404)) return undefined;
        trouble.report("bundle version", (error as Error).message);
        await clock.sleep(backoff.next(), signal);
      }
    }
  }
}
