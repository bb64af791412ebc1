// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { ApiServer } from "./api_server.ts";

const gatewayClass = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: blixt }
spec: { controllerName: gateway.networking.k8s.io/blixt }
`;

Deno.test("ApiServer keeps objects of the Gateway API over a restart", async () => {
  await using server = await ApiServer.start();
  await server.kubectl(["apply", "--filename=-"], gatewayClass);
  await server.restart();
  const name = await server.kubectl(["get", "gatewayclass", "blixt", "--output=jsonpath={.metadata.name}"]);
  assertEquals(name, "blixt");
});

Deno.test("ApiServer answers nobody while it is suspended", async () => {
  await using server = await ApiServer.start({ crds: false });
  await server.suspend();
  const error = await assertRejects(() => server.kubectl(["get", "namespaces"]), Error);
  assertStringIncludes(error.message, "refused");
});

Deno.test("ApiServer.kubectl() fails with what kubectl says", async () => {
  await using server = await ApiServer.start({ crds: false });
  const error = await assertRejects(() => server.kubectl(["get", "gateways"]), Error);
  assertStringIncludes(error.message, `the server doesn't have a resource type "gateways"`);
});

Deno.test("ApiServer runs beside another one, each with its own objects", async () => {
  await using first = await ApiServer.start({ crds: false });
  await using second = await ApiServer.start({ crds: false });
  await first.kubectl(["create", "namespace", "only-in-first"]);
  await assertRejects(() => second.kubectl(["get", "namespace", "only-in-first"]), Error, "not found");
});
