// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { FAMILIES } from "../netns/addresses.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { sendFlows, startServer } from "../netns/traffic.ts";
import { Testbed } from "./testbed.ts";

const GRANT = `apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata:
  name: routes-of-default
  namespace: elsewhere
spec:
  from:
    - group: gateway.networking.k8s.io
      kind: TCPRoute
      namespace: default
  to:
    - group: ""
      kind: Service
`;

networkTest("a Service in another namespace gets traffic while a ReferenceGrant permits it", async () => {
  await using testbed = await Testbed.create({
    prepare: async (manifests) => {
      for (const file of ["echo-stable.yaml", "echo-canary.yaml"]) {
        await manifests.edit(file, /^metadata:\n/, "metadata:\n  namespace: elsewhere\n");
      }
      await manifests.edit("tcp-route.yaml", /^( +)port: 7000$/, "$1port: 7000\n$1namespace: elsewhere");
      await manifests.write("grant.yaml", GRANT);
    },
  });
  const { blixt, manifests, topology } = testbed;
  const answered = async (): Promise<number[]> => {
    const reports = FAMILIES.map((family) => sendFlows(topology, { protocol: "tcp", family, flows: 50 }));
    return (await Promise.all(reports)).map((report) => report.answered);
  };
  assertEquals(await answered(), [50, 50]);
  await blixt.apply(() => manifests.remove("grant.yaml"));
  assertEquals(await answered(), [0, 0]);
  await blixt.apply(() => manifests.write("grant.yaml", GRANT));
  assertEquals(await answered(), [50, 50]);
});

networkTest("a named target port is a different number on each backend", async () => {
  await using testbed = await Testbed.create({
    backends: 2,
    prepare: async (manifests) => {
      await manifests.edit("echo-stable.yaml", /targetPort: 9000$/, "targetPort: echo");
      await manifests.edit("echo-stable.yaml", /^ +- addresses: \[".*12"\]\n/, "");
      await manifests.edit("echo-canary.yaml", /service-name: echo-canary$/, "service-name: echo-stable");
      // Only its EndpointSlices are wanted: b2 on another port, under the same Service.
      await manifests.edit("echo-canary.yaml", /^apiVersion: v1\n[^]*?---\n/, "");
      await manifests.edit("echo-canary.yaml", /port: 9000$/, "port: 9001");
      await manifests.edit("echo-canary.yaml", /\b(10\.244\.0\.|fd00:10:244::)13\b/, "$112");
    },
  });
  const { topology } = testbed;
  await using _server = await startServer(topology.backends[1]!, 9001);
  for (const family of FAMILIES) {
    const { backends, failures } = await sendFlows(topology, { protocol: "tcp", family, flows: 100 });
    // The other backendRef of the route names a Service that is not there: its share of 20 % is refused.
    assertEquals([Object.keys(backends), Object.keys(failures)], [["b1", "b2"], ["ConnectionRefused"]]);
  }
});
