// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { collectionPath, objectPath } from "./resource_path.ts";

Deno.test("collectionPath() knows the core group and the others", () => {
  assertEquals(collectionPath("Service"), "/api/v1/services");
  assertEquals(collectionPath("EndpointSlice"), "/apis/discovery.k8s.io/v1/endpointslices");
  assertEquals(collectionPath("Gateway"), "/apis/gateway.networking.k8s.io/v1/gateways");
});

Deno.test("collectionPath() can be of one namespace", () => {
  assertEquals(
    collectionPath("Lease", "blixt-system"),
    "/apis/coordination.k8s.io/v1/namespaces/blixt-system/leases",
  );
});

Deno.test("objectPath() places an object in its namespace, or in none", () => {
  assertEquals(
    objectPath("TCPRoute", "default", "echo"),
    "/apis/gateway.networking.k8s.io/v1/namespaces/default/tcproutes/echo",
  );
  assertEquals(
    objectPath("GatewayClass", undefined, "blixt"),
    "/apis/gateway.networking.k8s.io/v1/gatewayclasses/blixt",
  );
});
