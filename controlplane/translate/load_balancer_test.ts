// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import type { Gateway } from "../api/gateway.ts";
import type { KubernetesObject, OwnerReference } from "../api/object.ts";
import type { Service } from "../api/service.ts";
import { type DesiredLoadBalancer, generatedFor, isGenerated, loadBalancerName } from "./load_balancer.ts";
import { gateway, gatewayClass, listener, listenerSet, service, translated } from "./testing.ts";

const NAME = /^[a-z]([-a-z0-9]{0,61}[a-z0-9])?$/;

/** Gateway default/web with a uid. */
function web(spec: Partial<Gateway["spec"]> = {}): Gateway {
  return gateway("default/web", spec, { uid: "u" });
}

function of(...objects: KubernetesObject[]): readonly DesiredLoadBalancer[] {
  return translated([gatewayClass(), ...objects]).loadBalancers;
}

Deno.test("loadBalancerName() is the Gateway's name with a suffix, where a Service may be called so", () => {
  assertEquals(loadBalancerName("web"), "web-blixt");
  assertEquals(loadBalancerName("a".repeat(57)), `${"a".repeat(57)}-blixt`);
});

Deno.test("loadBalancerName() makes a Service's name of any that a Gateway may have, another for each", () => {
  const names = [
    "a".repeat(58),
    `${"a".repeat(252)}1`,
    `${"a".repeat(252)}2`,
    "a.b",
    "a-b",
    "1.2.3",
    "1-2-3",
  ];
  const made = names.map(loadBalancerName);
  for (const name of made) assert(NAME.test(name), name);
  assertEquals(new Set(made).size, names.length);
});

Deno.test("translate() wants a Service with the Gateway's addresses and the ports of its listeners and ListenerSets", () => {
  const listeners = [
    listener({ name: "udp", protocol: "UDP", port: 53 }),
    listener(),
    listener({ name: "dns", port: 53 }),
  ];
  const set = listenerSet("default/set", { listeners: [listener({ name: "more", port: 81 })] });
  const [only] = of(web({ listeners, allowedListeners: { namespaces: { from: "Same" } } }), set);
  assertEquals(only, {
    key: "default/web-blixt",
    owner: {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      name: "web",
      uid: "u",
      controller: true,
    },
    labels: {
      "gateway.networking.k8s.io/gateway-name": "web",
      "gateway.networking.k8s.io/gateway-class-name": "blixt",
    },
    annotations: {},
    ports: [
      { name: "tcp-53", protocol: "TCP", port: 53 },
      { name: "udp-53", protocol: "UDP", port: 53 },
      { name: "tcp-80", protocol: "TCP", port: 80 },
      { name: "tcp-81", protocol: "TCP", port: 81 },
    ],
    addresses: ["192.0.2.1"],
  });
});

Deno.test("translate() puts the Gateway's infrastructure labels and annotations on its Service", () => {
  const infrastructure = { labels: { team: "blue" }, annotations: { note: "a text" } };
  const [only] = of(web({ infrastructure }));
  assertEquals(only?.labels["team"], "blue");
  assertEquals(only?.annotations, { note: "a text" });
});

Deno.test("translate() wants the Service before an address is assigned", () => {
  assertEquals(of(web({ addresses: [] })).map(({ addresses }) => addresses), [[]]);
});

Deno.test("translate() shortens a label's value that is too long", () => {
  const name = "a".repeat(253);
  const [only] = of(gateway(`default/${name}`, {}, { uid: "u" }));
  assertEquals(only?.labels["gateway.networking.k8s.io/gateway-name"]?.length, 63);
});

Deno.test("translate() wants no Service for a Gateway that is not accepted, not Blixt's, or in no cluster", () => {
  assertEquals(of(web({ listeners: [listener({ protocol: "HTTP" })] })), []);
  assertEquals(of(web({ gatewayClassName: "other" })), []);
  assertEquals(of(gateway("default/web")), []);
});

Deno.test("translate() leaves a Service of somebody else alone that has the name, and says so", () => {
  const objects = [gatewayClass(), web(), service("default/web-blixt", { type: "LoadBalancer" })];
  const { loadBalancers, notices } = translated(objects);
  assertEquals(loadBalancers, []);
  assertEquals(notices, [{
    kind: "Gateway",
    key: "default/web",
    reason: "ServiceNameTaken",
    message:
      "Service default/web-blixt is not Blixt's, so Gateway web gets none of its own; rename or delete that one.",
  }]);
});

/** A Service with the owner, class and annotation of one that Blixt has made, or others in their place. */
function marked(spec: object, owner?: object, annotation?: string): Service {
  const made = service("default/x", spec);
  const annotations = annotation === undefined ? {} : { "blixt.x-k8s.io/infrastructure": annotation };
  const ownerReferences = owner === undefined ? [] : [owner as OwnerReference];
  return { ...made, metadata: { ...made.metadata, annotations, ownerReferences } };
}

const OURS = { type: "LoadBalancer", loadBalancerClass: "gateway.networking.k8s.io/blixt" };
const OWNER = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  name: "web",
  uid: "u",
  controller: true,
};

Deno.test("generatedFor() goes by type, class and owner alone", () => {
  assertEquals(generatedFor(marked(OURS, OWNER)), OWNER);
  assertEquals(generatedFor(marked({ ...OURS, type: "ClusterIP" }, OWNER, "{}")), undefined);
  assertEquals(generatedFor(marked({ ...OURS, loadBalancerClass: "example.com/other" }, OWNER)), undefined);
  assertEquals(generatedFor(marked(OURS, { ...OWNER, kind: "Deployment" }, "{}")), undefined);
  assertEquals(generatedFor(marked(OURS, { ...OWNER, controller: false })), undefined);
  assertEquals(generatedFor(marked(OURS)), undefined);
});

Deno.test("isGenerated() knows a Service again from which one of class, owner and annotation was taken", () => {
  const plain = { type: "ClusterIP" };
  assertEquals(
    [
      marked(OURS, OWNER, "{}"),
      marked(OURS, OWNER),
      marked(OURS, undefined, "{}"),
      marked(plain, OWNER, "{}"),
    ]
      .map(isGenerated),
    [true, true, true, true],
  );
  assertEquals(
    [
      marked(plain),
      marked(OURS),
      marked(plain, OWNER),
      marked(plain, undefined, "{}"),
      marked(OURS, { ...OWNER, controller: false }),
      marked(OURS, { ...OWNER, apiVersion: "example.com/v1" }),
    ].map(isGenerated),
    [false, false, false, false, false, false],
  );
});
