// SPDX-License-Identifier: Apache-2.0

import type { Kind, ObjectKey } from "../api/snapshot.ts";
import type { DesiredDataplane } from "./desired.ts";
import type { DesiredLoadBalancer } from "./load_balancer.ts";

/** The own part of an object's status, as it should be. */
export interface DesiredStatus {
  readonly kind: Kind;
  readonly key: ObjectKey;
  /**
   * GatewayClass: conditions, supportedFeatures. Gateway: addresses, listeners,
   * conditions, attachedListenerSets. ListenerSet: listeners, conditions.
   * Routes: parents. Without lastTransitionTime; that is the writer's.
   */
  readonly status: Readonly<Record<string, unknown>>;
}

/** Something a user should know that no condition of an object can say. */
export interface Notice {
  readonly kind: Kind;
  readonly key: ObjectKey;
  /** CamelCase, as an Event's reason. */
  readonly reason: string;
  readonly message: string;
}

/** The answer to a snapshot. */
export interface Translation {
  readonly dataplane: DesiredDataplane;
  /** One for each object whose status Blixt owns, sorted by kind and key. */
  readonly statuses: readonly DesiredStatus[];
  readonly notices: readonly Notice[];
  /** The Services that stand for Gateways, sorted by Gateway. */
  readonly loadBalancers: readonly DesiredLoadBalancer[];
}
