// SPDX-License-Identifier: Apache-2.0

/** What the translation is told besides the objects. */
export interface TranslateOptions {
  /**
   * Whether Gateways get new addresses from the pool; true when absent. False on
   * control planes that do not write status: they read the assignment.
   */
  readonly assignAddresses?: boolean;
  /** Name of the node that the dataplane is on; absent where there are no nodes, as with manifests. */
  readonly node?: string;
  /** The bundle version of the cluster's Gateway API CRDs; absent where there are none, as with manifests. */
  readonly bundleVersion?: string;
  /** How many services, one for each listener and address, the dataplane has room for; unlimited when absent. */
  readonly maxServices?: number;
  /** How many listeners may take traffic; unlimited when absent. */
  readonly maxListeners?: number;
}
