// SPDX-License-Identifier: Apache-2.0

import type { Listener } from "./gateway.ts";
import type { KubernetesObject } from "./object.ts";

/** gateway.networking.k8s.io/v1 ListenerSet: more listeners for a Gateway. */
export interface ListenerSet extends KubernetesObject {
  readonly spec: {
    readonly parentRef: {
      readonly group?: string;
      readonly kind?: string;
      /** The ListenerSet's own when absent. */
      readonly namespace?: string;
      readonly name: string;
    };
    readonly listeners: readonly Listener[];
  };
}
