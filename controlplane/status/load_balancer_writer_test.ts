// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Service } from "../api/service.ts";
import { ManualClock } from "../manual_clock.ts";
import { ApiClient } from "../source/apiserver/api_client.ts";
import { type Exchange, ScriptedServer } from "../source/apiserver/scripted_server.ts";
import { Trouble } from "../source/apiserver/trouble.ts";
import { Store } from "../store/store.ts";
import type { DesiredLoadBalancer } from "../translate/load_balancer.ts";
import { newService } from "./load_balancer_service.ts";
import { LoadBalancerWriter } from "./load_balancer_writer.ts";

const DESIRED: DesiredLoadBalancer = {
  key: "default/web-blixt",
  owner: {
    apiVersion: "gateway.networking.k8s.io/v1",
    kind: "Gateway",
    name: "web",
    uid: "u",
    controller: true,
  },
  labels: {},
  annotations: {},
  ports: [{ name: "tcp-80", protocol: "TCP", port: 80 }],
  addresses: ["192.0.2.1"],
};
const INGRESS = [{ ip: "192.0.2.1", ipMode: "Proxy" }];
const PATH = "/api/v1/namespaces/default/services";

/** The Service as a server has it. */
function stored(resourceVersion: string, more: Partial<Service> = {}): Service {
  const made = newService(DESIRED);
  return { ...made, metadata: { ...made.metadata, uid: "s", resourceVersion }, ...more };
}

const shown = (resourceVersion: string): Service =>
  stored(resourceVersion, { status: { loadBalancer: { ingress: INGRESS } } });

const creation: Exchange = { request: `POST ${PATH}`, body: newService(DESIRED), json: stored("1") };
const showing: Exchange = {
  request: `PATCH ${PATH}/web-blixt/status`,
  body: { metadata: { resourceVersion: "1" }, status: { loadBalancer: { ingress: INGRESS } } },
  json: shown("2"),
};

interface Fixture {
  readonly store: Store;
  readonly writer: LoadBalancerWriter;
  readonly clock: ManualClock;
  readonly log: string[];
}

/** Runs a writer against the script, which it must have asked for at the end of the body, and nothing more. */
async function withWriter(
  script: readonly Exchange[],
  body: (fixture: Fixture) => Promise<void> | void,
  mayWrite = (): boolean => true,
): Promise<void> {
  await using server = new ScriptedServer(script);
  const client = new ApiClient({ url: server.url, credentials: () => Promise.resolve({ headers: {} }) });
  const store = new Store();
  const clock = new ManualClock();
  const log: string[] = [];
  const trouble = new Trouble((line) => log.push(line));
  const writer = new LoadBalancerWriter({ client, store, clock, trouble, mayWrite, random: () => 0 });
  const stop = new AbortController();
  const running = writer.run(stop.signal);
  try {
    await body({ store, writer, clock, log });
    if (script.length > 0) await server.finished();
    await new Promise((resolve) => setTimeout(resolve, 30));
    assertEquals(server.unexpected, []);
  } finally {
    stop.abort();
    await running;
    client.close();
  }
}

/** Lets real answers come in until the condition holds, at most two seconds. */
async function until(holds: () => boolean): Promise<void> {
  for (let turn = 0; turn < 400 && !holds(); turn++) await new Promise((resolve) => setTimeout(resolve, 5));
  assertEquals(holds(), true, "the condition holds within two seconds");
}

const versionIn = (store: Store): string | undefined =>
  store.get("Service", DESIRED.key)?.metadata.resourceVersion;

Deno.test("LoadBalancerWriter creates a Service, then shows its addresses, then is content", async () => {
  await withWriter([creation, showing], async ({ store, writer }) => {
    writer.set([DESIRED]);
    await until(() => versionIn(store) === "1");
    writer.set([DESIRED]);
    await until(() => versionIn(store) === "2");
    writer.set([DESIRED]);
  });
});

Deno.test("LoadBalancerWriter creates nothing in a namespace that is being deleted", async () => {
  await withWriter([], ({ store, writer }) => {
    const metadata = { name: "default", deletionTimestamp: "2026-01-01T00:00:00Z" };
    store.set("Namespace", { apiVersion: "v1", kind: "Namespace", metadata });
    writer.set([DESIRED]);
  });
});

Deno.test("LoadBalancerWriter writes nothing while another leads, and compares everything once it leads itself", async () => {
  let leads = false;
  await withWriter([creation], async ({ writer, store }) => {
    const list = [DESIRED];
    writer.set(list);
    await new Promise((resolve) => setTimeout(resolve, 30));
    leads = true;
    writer.set(list);
    await until(() => versionIn(store) === "1");
  }, () => leads);
});

/** The deletion of what `shown("7")` made, and of no other version or namesake. */
const DELETION = {
  request: `DELETE ${PATH}/web-blixt`,
  body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid: "s", resourceVersion: "7" } },
  json: {},
};

Deno.test("LoadBalancerWriter deletes its Service of a Gateway that is gone, and only that version of it", async () => {
  await withWriter([DELETION], ({ store, writer }) => {
    store.set("Service", shown("7"));
    writer.set([]);
  });
});

Deno.test("LoadBalancerWriter replaces the Service of a former Gateway of the same name", async () => {
  await withWriter([DELETION], ({ store, writer }) => {
    store.set("Service", shown("7"));
    writer.set([{ ...DESIRED, owner: { ...DESIRED.owner, uid: "another" } }]);
  });
});

Deno.test("LoadBalancerWriter deletes its Service that has another type or no owner now, to make it anew", async () => {
  const { metadata, spec } = shown("7");
  const { ownerReferences: _, ...ownerless } = metadata;
  for (
    const edited of [{ ...shown("7"), spec: { ports: spec!.ports! } }, { ...shown("7"), metadata: ownerless }]
  ) {
    await withWriter([DELETION], ({ store, writer }) => {
      store.set("Service", edited);
      writer.set([DESIRED]);
    });
  }
});

Deno.test("LoadBalancerWriter never touches a Service that it has not made", async () => {
  const foreign: Service[] = [
    { ...shown("7"), metadata: { ...shown("7").metadata, annotations: {} }, spec: { type: "LoadBalancer" } },
    { ...stored("7"), metadata: { name: "web-blixt", namespace: "default", resourceVersion: "7" } },
    { ...stored("7"), metadata: { name: "mine", namespace: "default", resourceVersion: "7" } },
  ];
  await withWriter([], async ({ store, writer }) => {
    for (const service of foreign) {
      store.set("Service", service);
      writer.set([]);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    writer.set([]);
  });
  await withWriter([], ({ store, writer }) => {
    store.set("Service", foreign[1]!);
    writer.set([DESIRED]);
  });
});

Deno.test("LoadBalancerWriter tries again after an error, which it tells once, and says when it is over", async () => {
  const refused: Exchange = { ...creation, status: 500, json: { message: "no" } };
  await withWriter([refused, refused, creation], async ({ writer, clock, log, store }) => {
    writer.set([DESIRED]);
    for (let turn = 0; turn < 2; turn++) {
      await until(() => clock.sleeping === 1);
      await clock.advance(1_000);
    }
    await until(() => versionIn(store) === "1");
    const sentence = `Service default/web-blixt cannot be written: API server refused POST ${PATH}: no (500)`;
    await until(() => log.length === 2);
    assertEquals(log, [sentence, `Over: ${sentence}`]);
  });
});

Deno.test("LoadBalancerWriter says nothing of a conflict, for the watch brings what has changed", async () => {
  const conflict: Exchange = { ...showing, status: 409, json: { message: "changed" } };
  await withWriter([conflict, { ...showing }], async ({ store, writer, clock, log }) => {
    store.set("Service", stored("1"));
    writer.set([DESIRED]);
    await until(() => clock.sleeping === 1);
    await clock.advance(1_000);
    await until(() => versionIn(store) === "2");
    assertEquals(log, []);
  });
});
