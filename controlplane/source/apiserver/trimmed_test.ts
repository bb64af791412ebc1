// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { KubernetesObject } from "../../api/object.ts";
import { trimmed } from "./trimmed.ts";

/** As the API server gives it. */
const object = (
  kind: string,
  metadata: Record<string, unknown>,
  rest: Record<string, unknown>,
): KubernetesObject =>
  ({
    apiVersion: "v1",
    kind,
    metadata: { name: "a", uid: "1", ...metadata },
    ...rest,
  }) as unknown as KubernetesObject;

Deno.test("trimmed() leaves out managedFields and kubectl's copy, and keeps all else of an object", () => {
  const kept = { resourceVersion: "7", labels: { app: "echo" } };
  const spec = { spec: { ports: [{ port: 80 }] }, status: { loadBalancer: {} } };
  const copy = { "kubectl.kubernetes.io/last-applied-configuration": "{}" };
  const full = object("Service", { ...kept, managedFields: [{}], annotations: { ...copy, mine: "1" } }, spec);
  assertEquals(trimmed(full), object("Service", { ...kept, annotations: { mine: "1" } }, spec));
  assertEquals(trimmed(object("Service", kept, spec)), object("Service", kept, spec));
});

Deno.test("trimmed() leaves what is not trimmed as it came", () => {
  const full = object("Service", { managedFields: [{}] }, {});
  trimmed(full);
  assertEquals(full, object("Service", { managedFields: [{}] }, {}));
});

Deno.test("trimmed() keeps of a Node's status the addresses", () => {
  const addresses = [{ type: "InternalIP", address: "192.0.2.1" }];
  const node = (status: Record<string, unknown>): KubernetesObject =>
    object("Node", { labels: { zone: "a" } }, { spec: { podCIDR: "10.0.0.0/24" }, status });
  const left = (rest: Record<string, unknown>): KubernetesObject =>
    object("Node", { labels: { zone: "a" } }, rest);
  assertEquals(trimmed(node({ addresses, images: [{ names: ["big"] }] })), left({ status: { addresses } }));
  assertEquals(trimmed(node({ images: [] })), left({}));
});
