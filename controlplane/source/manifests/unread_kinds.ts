// SPDX-License-Identifier: Apache-2.0

// Kinds that Blixt does not read: those that ordinarily lie beside Gateways in
// a folder are passed over quietly, all others are likely mistakes.

import { KINDS } from "../../api/snapshot.ts";
import { nearest } from "./nearest.ts";
import { OLDER_VERSIONS } from "./schemas.ts";
import { alternatives } from "./schema.ts";

/** Core kinds (apiVersion v1) that manifests for a workload contain. */
const CORE_KINDS = [
  "ConfigMap",
  "Endpoints",
  "LimitRange",
  "PersistentVolume",
  "PersistentVolumeClaim",
  "Pod",
  "PodTemplate",
  "ReplicationController",
  "ResourceQuota",
  "Secret",
  "ServiceAccount",
];

/** Groups of Kubernetes itself and of what commonly ships beside it. */
const QUIET_GROUPS = [
  "admissionregistration.k8s.io",
  "apiextensions.k8s.io",
  "apps",
  "autoscaling",
  "batch",
  "coordination.k8s.io",
  "kustomize.config.k8s.io",
  "monitoring.coreos.com",
  "networking.k8s.io",
  "policy",
  "rbac.authorization.k8s.io",
  "scheduling.k8s.io",
  "storage.k8s.io",
];

/** Kinds of the Gateway API that are not about layer 4. */
const OTHER_GATEWAY_KINDS = ["HTTPRoute", "GRPCRoute", "TLSRoute", "BackendTLSPolicy"];

/** How to report an object that Blixt does not read. */
export function unreadKind(
  apiVersion: string,
  kind: string,
): { severity: "error" | "notice"; reason: string } {
  const group = apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "";
  if (Object.hasOwn(KINDS, kind)) return wrongVersion(apiVersion, kind as keyof typeof KINDS);
  if (group === "" && CORE_KINDS.includes(kind)) {
    const wayOut = kind === "Endpoints" ? "; write an EndpointSlice" : "";
    return { severity: "notice", reason: `ignored: Blixt does not read ${kind} objects${wayOut}` };
  }
  if (QUIET_GROUPS.includes(group)) {
    return { severity: "notice", reason: `ignored: Blixt does not read ${kind} objects` };
  }
  if (group === "gateway.networking.k8s.io" && OTHER_GATEWAY_KINDS.includes(kind)) {
    return {
      severity: "notice",
      reason: `ignored: Blixt works at layer 4 and does not read ${kind} objects`,
    };
  }
  const hint = nearest(kind, Object.keys(KINDS));
  return {
    severity: "error",
    reason: `unknown kind ${kind} in ${apiVersion}${hint === undefined ? "" : `; did you mean ${hint}?`}`,
  };
}

function wrongVersion(apiVersion: string, kind: keyof typeof KINDS): { severity: "error"; reason: string } {
  const versions = [KINDS[kind].apiVersion, ...(OLDER_VERSIONS[kind] ?? [])];
  return { severity: "error", reason: `apiVersion is ${apiVersion}, must be ${alternatives(versions)}` };
}
