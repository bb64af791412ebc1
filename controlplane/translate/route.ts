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
  readonly groups: Readonly<Record<IpFamily, readonly BackendGroup[]>>;
  readonly affinitySeconds: number;
}

function summary(backends: readonly Backend[]): Verdict {
  const problems = backends.flatMap(({ problem }) => problem ?? []);
  const [first] = problems;
  if (first === undefined) return yes("ResolvedRefs", "All backendRefs are resolved.");
  return { ...first, message: [...new Set(problems.map(({ message }) => message))].join(" ") };
}

/**
 * Resolves the backendRefs of a route. One that does not resolve, or whose
 * Service has no endpoints, keeps its weight, and that share of the flows is
 * refused (TCPRouteRule.backendRefs). Where Services differ in sessionAffinity
 * the longest time holds for all, as it is the client that is remembered.
 */
export function resolveBackends(route: L4Route, protocol: Protocol, source: BackendSource): RouteBackends {
  const backendRefs = route.spec.rules?.[0]?.backendRefs ?? [];
  const backends = backendRefs.map((ref) => resolveBackendRef(route, ref, protocol, source));
  const groups = (family: IpFamily): BackendGroup[] =>
    backends.map(({ name, weight, endpoints }) => ({ name, weight, endpoints: endpoints[family] }));
  return {
    resolvedRefs: summary(backends),
    groups: { IPv4: groups("IPv4"), IPv6: groups("IPv6") },
    affinitySeconds: Math.max(0, ...backends.map((backend) => backend.affinitySeconds)),
  };
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
