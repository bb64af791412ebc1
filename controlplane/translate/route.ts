// SPDX-License-Identifier: Apache-2.0

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import { GATEWAY_GROUP } from "../api/gateway.ts";
import type { IpFamily } from "../api/ip.ts";
import type { L4Route, ParentReference } from "../api/l4_route.ts";
import { type Backend, type BackendSource, resolveBackendRef } from "./backend_ref.ts";
import { condition, type Verdict, yes } from "./conditions.ts";
import type { BackendGroup, Protocol } from "./desired.ts";
import type { Attachment } from "./parent_ref.ts";

/** What a route's rule comes to; the same for each of its parents. */
export interface RouteBackends {
  readonly resolvedRefs: Verdict;
  /** In the order of the rule's backendRefs. */
  readonly backends: readonly Backend[];
  /** Where Services differ in sessionAffinity the longest time, as it is the client that is remembered. */
  readonly affinitySeconds: number;
}

function summary(backends: readonly Backend[]): Verdict {
  const problems = backends.flatMap(({ problem }) => problem ?? []);
  const [first] = problems;
  if (first === undefined) return yes("ResolvedRefs", "All backendRefs are resolved.");
  return { ...first, message: [...new Set(problems.map(({ message }) => message))].join(" ") };
}

/** Resolves the backendRefs of a route. */
export function resolveBackends(route: L4Route, protocol: Protocol, source: BackendSource): RouteBackends {
  const backendRefs = route.spec.rules?.[0]?.backendRefs ?? [];
  const backends = backendRefs.map((ref) => resolveBackendRef(route, ref, protocol, source));
  return {
    resolvedRefs: summary(backends),
    backends,
    affinitySeconds: Math.max(0, ...backends.map((backend) => backend.affinitySeconds)),
  };
}

/**
 * The groups behind an address of that family. A backendRef that does not resolve,
 * or whose Service has no endpoints, keeps its weight, and that share of the
 * flows is refused (TCPRouteRule.backendRefs).
 */
export function backendGroups({ backends }: RouteBackends, family: IpFamily): BackendGroup[] {
  return backends.map(({ name, weight, endpoints }) => ({ name, weight, endpoints: endpoints[family] }));
}

/** The entries of RouteStatus.parents for the parents that are Blixt's, in the order of spec.parentRefs. */
export function routeStatus(
  route: L4Route,
  attachments: readonly { readonly ref: ParentReference; readonly attachment: Attachment }[],
  resolvedRefs: Verdict,
): Record<string, unknown> {
  return {
    parents: attachments.map(({ ref, attachment }) => ({
      parentRef: { ...ref, group: ref.group ?? GATEWAY_GROUP, kind: ref.kind ?? "Gateway" },
      controllerName: CONTROLLER_NAME,
      conditions: [
        condition(route, "Accepted", attachment.accepted),
        condition(route, "ResolvedRefs", resolvedRefs),
      ],
    })),
  };
}
