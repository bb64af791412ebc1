// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** The label that the API server gives every namespace: its name. */
export const NAMESPACE_NAME_LABEL = "kubernetes.io/metadata.name";

/** v1 Namespace: only its metadata is read. */
export type Namespace = KubernetesObject;
