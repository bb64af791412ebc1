// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** Where Blixt runs and keeps its Leases. */
export const SYSTEM_NAMESPACE = "blixt-system";

/** The label of Blixt's Leases. Its value says what a Lease is for: LEADER_LEASE or NODE_LEASE. */
export const LEASE_LABEL = "blixt.x-k8s.io/lease";
/** Value of LEASE_LABEL: the holder is the control plane that writes. */
export const LEADER_LEASE = "leader";
/** Value of LEASE_LABEL: the holder is a node that takes traffic. */
export const NODE_LEASE = "node";

/** coordination.k8s.io/v1 Lease, as far as Blixt reads it. */
export interface Lease extends KubernetesObject {
  readonly spec?: {
    /** Empty when nobody holds it. */
    readonly holderIdentity?: string;
    readonly leaseDurationSeconds?: number;
    /** RFC 3339 with microseconds (metav1.MicroTime). */
    readonly acquireTime?: string;
    readonly renewTime?: string;
    readonly leaseTransitions?: number;
  };
}

/** metav1.MicroTime: RFC 3339 with six digits after the second. */
export function microTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace("Z", "000Z");
}
