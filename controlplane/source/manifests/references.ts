// SPDX-License-Identifier: Apache-2.0

// References from one manifest to another that is not there. The conditions
// of a status say this too where they can; here the user gets file and line,
// and hears of objects that get no status at all for want of a Gateway.

import { GATEWAY_GROUP } from "../../api/gateway.ts";
import { KINDS } from "../../api/snapshot.ts";
import { nearest } from "./nearest.ts";
import { lineIn, type ManifestObject, objectId } from "./parse.ts";
import type { Problem } from "./problem.ts";
import type { Path } from "./schema.ts";

interface Reference {
  readonly path: Path;
  readonly group: string;
  readonly kind: string;
  readonly namespace: string | undefined;
  readonly name: string;
  /** Of a backendRef: a port of the Service. */
  readonly port?: number | undefined;
}

/** A reference of the Gateway API, with the defaults of the schema filled in. */
interface ObjectReference {
  readonly group: string;
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly port?: number;
}

/** The fields that hold references, of all kinds together. */
interface Spec {
  readonly gatewayClassName?: string;
  readonly parametersRef?: ObjectReference;
  readonly parentRef?: ObjectReference;
  readonly parentRefs?: readonly ObjectReference[];
  readonly rules?: readonly { readonly backendRefs: readonly ObjectReference[] }[];
  readonly ports?: readonly { readonly port: number }[];
}

/** An EndpointSlice belongs to the Service that this label names. */
const SERVICE_LABEL = "kubernetes.io/service-name";

/** Missing objects for which a likely name is looked for: that means to compare with all names of the kind. */
const MOST_HINTS = 20;

/** What references are looked up in. */
interface Defined {
  readonly byId: ReadonlyMap<string, ManifestObject>;
  hints: number;
}

/** One error for each reference to an object, or a Service's port, that no manifest defines. */
export function referenceProblems(objects: readonly ManifestObject[]): Problem[] {
  const byId = new Map(objects.map((object) => [object.id, object]));
  const defined: Defined = { byId, hints: 0 };
  return objects.flatMap((object) =>
    referencesOf(object).flatMap((reference) => {
      const reason = whatIsMissing(reference, defined);
      if (reason === undefined) return [];
      const { file, id } = object;
      const { path } = reference;
      return [{ severity: "error" as const, file, line: lineIn(object, path), object: id, path, reason }];
    })
  );
}

function referencesOf({ kind, object }: ManifestObject): Reference[] {
  const { namespace, labels } = object.metadata;
  const spec = specOf(object);
  const to = (reference: ObjectReference, path: Path): Reference => ({
    ...reference,
    path,
    namespace: reference.namespace ?? namespace,
    port: undefined,
  });
  switch (kind) {
    case "GatewayClass":
      return spec.parametersRef === undefined ? [] : [to(spec.parametersRef, ["spec", "parametersRef"])];
    case "Gateway":
      return [{
        path: ["spec", "gatewayClassName"],
        group: GATEWAY_GROUP,
        kind: "GatewayClass",
        namespace: undefined,
        name: spec.gatewayClassName ?? "",
      }];
    case "ListenerSet":
      return spec.parentRef === undefined ? [] : [to(spec.parentRef, ["spec", "parentRef"])];
    case "TCPRoute":
    case "UDPRoute":
      return [
        ...(spec.parentRefs ?? []).map((parent, index) => to(parent, ["spec", "parentRefs", index])),
        ...(spec.rules ?? []).flatMap((rule, ruleIndex) =>
          rule.backendRefs.map((backend, index) => ({
            ...to(backend, ["spec", "rules", ruleIndex, "backendRefs", index]),
            port: backend.port,
          }))
        ),
      ];
    case "EndpointSlice": {
      const name = labels?.[SERVICE_LABEL];
      return name === undefined
        ? []
        : [{ path: ["metadata", "labels", SERVICE_LABEL], group: "", kind: "Service", namespace, name }];
    }
    default:
      return [];
  }
}

function whatIsMissing(reference: Reference, defined: Defined): string | undefined {
  const { byId } = defined;
  const { kind, namespace, name, port } = reference;
  if (!isReadHere(reference)) return undefined; // The route's conditions say InvalidKind.
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  const target = byId.get(objectId(kind, key));
  if (target === undefined) {
    const hint = ++defined.hints <= MOST_HINTS ? nearest(key, keysOf(kind, byId)) : undefined;
    return `${kind} ${key} is in no manifest${hint === undefined ? "" : `; did you mean ${hint}?`}`;
  }
  const ports = specOf(target.object).ports?.map((one) => one.port) ?? [];
  if (port !== undefined && !ports.includes(port)) {
    const present = ports.length === 0 ? "it has none" : `it has ${ports.join(", ")}`;
    return `${kind} ${key} has no port ${port}; ${present}`;
  }
  return undefined;
}

function keysOf(kind: string, byId: ReadonlyMap<string, ManifestObject>): string[] {
  return [...byId.values()].filter((object) => object.kind === kind).map(({ key }) => key);
}

function isReadHere({ group, kind }: Reference): boolean {
  if (!Object.hasOwn(KINDS, kind)) return false;
  const { apiVersion } = KINDS[kind as keyof typeof KINDS];
  return group === (apiVersion.includes("/") ? apiVersion.slice(0, apiVersion.indexOf("/")) : "");
}

function specOf(object: object): Spec {
  return (object as { readonly spec?: Spec }).spec ?? {};
}
