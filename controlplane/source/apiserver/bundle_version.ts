// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "../../api/object.ts";
import { type Clock, systemClock } from "../../clock.ts";
import { Backoff } from "../../backoff.ts";
import type { TranslateOptions } from "../../translate/options.ts";
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
  readonly clock?: Clock;
  readonly random?: () => number;
}

/**
 * Reads which version of the Gateway API's CRDs the cluster has, which goes
 * into GatewayClass conditions. Waits for a server that is away; one that
 * refuses to say, or has none, leaves the version out.
 */
export async function readTranslateOptions(
  { client, trouble, clock = systemClock, random = Math.random }: BundleVersionOptions,
  signal: AbortSignal,
): Promise<TranslateOptions> {
  const backoff = new Backoff(random);
  for (;;) {
    try {
      const crd = await client.json<KubernetesObject>({ path: GATEWAY_CLASS_CRD }, signal);
      trouble.solved("bundle version");
      const bundleVersion = crd.metadata.annotations?.[BUNDLE_VERSION];
      return bundleVersion === undefined ? {} : { bundleVersion };
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof ApiError && (error.code === 403 || error.code === 404)) return {};
      trouble.report("bundle version", (error as Error).message);
      await clock.sleep(backoff.next(), signal);
    }
  }
}
