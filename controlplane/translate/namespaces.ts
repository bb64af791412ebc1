// SPDX-License-Identifier: Apache-2.0

import type { FromNamespaces } from "../api/gateway.ts";
import { type Namespace, NAMESPACE_NAME_LABEL } from "../api/namespace.ts";
import { selectorMatches } from "./label_selector.ts";

/** Finds a Namespace by its name. */
export type NamespaceLookup = (name: string) => Namespace | undefined;

/**
 * Whether an object in namespace `from` may attach to one in namespace `own`
 * (RouteNamespaces and ListenerNamespaces). Without a value `otherwise` holds:
 * Same for routes, None for ListenerSets.
 */
export function namespaceAllowed(
  rule: FromNamespaces | undefined,
  otherwise: "Same" | "None",
  own: string,
  from: string,
  namespaces: NamespaceLookup,
): boolean {
  switch (rule?.from ?? otherwise) {
    case "All":
      return true;
    case "Same":
      return own === from;
    case "Selector":
      // A folder of manifests need not hold Namespaces; the API server labels each with its name.
      return selectorMatches(rule?.selector, {
        ...namespaces(from)?.metadata.labels,
        [NAMESPACE_NAME_LABEL]: from,
      });
    default:
      return false;
  }
}
