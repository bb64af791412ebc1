// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Service } from "../api/service.ts";
import type { DesiredLoadBalancer } from "../translate/load_balancer.ts";
import { newService, servicePatch, statusPatchOf } from "./load_balancer_service.ts";

const DESIRED: DesiredLoadBalancer = {
  key: "default/web-blixt",
  owner: { apiVersion: "gateway.networking.k8s.io/v1", kind: "Gateway", name: "web", uid: "u" },
  labels: { team: "blue" },
  annotations: { note: "a" },
  ports: [{ name: "tcp-80", protocol: "TCP", port: 80 }],
  addresses: ["192.0.2.1", "2001:db8::1"],
};
const TOLD = '{"labels":["team"],"annotations":["note"]}';

/** The Service as a server has it, with what it adds. */
function stored(more: Partial<DesiredLoadBalancer> = {}): Service {
  const made = newService({ ...DESIRED, ...more });
  return { ...made, metadata: { ...made.metadata, resourceVersion: "7" } };
}

function labelled(service: Service, labels: Readonly<Record<string, string>>): Service {
  return { ...service, metadata: { ...service.metadata, labels } };
}

Deno.test("newService() is of type LoadBalancer and Blixt's class, without a selector and without ports of nodes", () => {
  assertEquals(newService(DESIRED), {
    apiVersion: "v1",
    kind: "Service",
    metadata: {
      name: "web-blixt",
      namespace: "default",
      ownerReferences: [DESIRED.owner],
      labels: { team: "blue" },
      annotations: { note: "a", "blixt.x-k8s.io/infrastructure": TOLD },
    },
    spec: {
      type: "LoadBalancer",
      loadBalancerClass: "gateway.networking.k8s.io/blixt",
      allocateLoadBalancerNodePorts: false,
      ports: DESIRED.ports,
    },
  });
});

Deno.test("servicePatch() has nothing to say of what was created, with the defaults that a server adds", () => {
  const ports = stored().spec!.ports!.map((port) => ({ ...port, targetPort: port.port }));
  assertEquals(servicePatch({ ...stored(), spec: { ...stored().spec, ports } }, DESIRED), undefined);
});

Deno.test("servicePatch() takes away what the Gateway no longer has, and leaves what others have put there", () => {
  const present = labelled(stored(), { team: "blue", foreign: "stays" });
  assertEquals(servicePatch(present, { ...DESIRED, labels: { tier: "front" }, annotations: {} }), {
    metadata: {
      resourceVersion: "7",
      labels: { tier: "front", team: null },
      annotations: { "blixt.x-k8s.io/infrastructure": '{"labels":["tier"],"annotations":[]}', note: null },
    },
  });
});

Deno.test("servicePatch() puts right what somebody has changed", () => {
  assertEquals(servicePatch(labelled(stored(), { team: "red" }), DESIRED), {
    metadata: { resourceVersion: "7", labels: { team: "blue" } },
  });
});

Deno.test("servicePatch() replaces the ports when they differ", () => {
  const ports = [{ name: "udp-53", protocol: "UDP", port: 53 } as const];
  assertEquals(servicePatch(stored(), { ...DESIRED, ports }), {
    metadata: { resourceVersion: "7" },
    spec: { ports },
  });
});

Deno.test("servicePatch() goes on when its annotation was spoilt", () => {
  for (const text of ["{", "7", '{"labels":1}']) {
    const present = stored();
    const annotations = { ...present.metadata.annotations, "blixt.x-k8s.io/infrastructure": text };
    assertEquals(servicePatch({ ...present, metadata: { ...present.metadata, annotations } }, DESIRED), {
      metadata: { resourceVersion: "7", annotations: { "blixt.x-k8s.io/infrastructure": TOLD } },
    });
  }
});

Deno.test("statusPatchOf() shows the addresses with ipMode Proxy, and takes them away again", () => {
  const ingress = [{ ip: "192.0.2.1", ipMode: "Proxy" }, { ip: "2001:db8::1", ipMode: "Proxy" }];
  const patch = (ingress: unknown): object => ({
    metadata: { resourceVersion: "7" },
    status: { loadBalancer: { ingress } },
  });
  assertEquals(statusPatchOf(stored(), DESIRED), patch(ingress));
  const shown = { ...stored(), status: { loadBalancer: { ingress } } };
  assertEquals(statusPatchOf(shown, DESIRED), undefined);
  assertEquals(statusPatchOf(shown, { ...DESIRED, addresses: [] }), patch([]));
  assertEquals(statusPatchOf(stored(), { ...DESIRED, addresses: [] }), undefined);
});
