// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** NodeAddress. */
export interface NodeAddress {
  /** "InternalIP", "ExternalIP", "Hostname", … */
  readonly type: string;
  readonly address: string;
}

/** v1 Node, as far as Blixt reads it. */
export interface Node extends KubernetesObject {
  readonly status?: { readonly addresses?: readonly NodeAddress[] | null };
  /** True where no Blixt is there, so that nothing is sent to it; put in by translateHere(), for the API server knows not. */
  readonly withoutBlixt?: boolean;
}
