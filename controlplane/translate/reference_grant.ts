// SPDX-License-Identifier: Apache-2.0

import type { ReferenceGrant } from "../api/reference_grant.ts";

/** The object that refers. */
export interface ReferenceFrom {
  readonly group: string;
  readonly kind: string;
  readonly namespace: string;
}

/** The object referred to, in the namespace of the grants. */
export interface ReferenceTo {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
}

/**
 * Whether one of the grants of the target's namespace allows the reference:
 * one of its `from` and one of its `to` must match (ReferenceGrantSpec; the
 * entries of each list are alternatives, and grants add up).
 */
export function isGranted(grants: readonly ReferenceGrant[], from: ReferenceFrom, to: ReferenceTo): boolean {
  return grants.some(({ spec }) =>
    (spec.from ?? []).some((entry) =>
      entry.group === from.group && entry.kind === from.kind && entry.namespace === from.namespace
    ) &&
    (spec.to ?? []).some((entry) =>
      entry.group === to.group && entry.kind === to.kind &&
      (entry.name === undefined || entry.name === "" || entry.name === to.name)
    )
  );
}
