// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** ReferenceGrant: lets objects of other namespaces refer to objects of its own. */
export interface ReferenceGrant extends KubernetesObject {
  readonly spec: {
    readonly from?: readonly { readonly group: string; readonly kind: string; readonly namespace: string }[];
    /** Every object of the kind when the name is absent. */
    readonly to?: readonly { readonly group: string; readonly kind: string; readonly name?: string }[];
  };
}
