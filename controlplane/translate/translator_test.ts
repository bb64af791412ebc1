// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertStrictEquals, assertThrows } from "@std/assert";
import fc from "fast-check";
import type { KubernetesObject } from "../api/object.ts";
import { emptySnapshot, type Snapshot } from "../api/snapshot.ts";
import {
  backend,
  endpointSlice,
  gateway,
  gatewayClass,
  gatewayClassConfig,
  gatewayClassWithConfig,
  routes,
  snapshotOf,
  tcpRoute,
} from "./testing.ts";
import { anyEdit, anyObjects, edited } from "./testing_worlds.ts";
import { translate } from "./translate.ts";
import { Translator } from "./translator.ts";

/** The snapshot with one object put in. */
function put(snapshot: Snapshot, object: KubernetesObject): Snapshot {
  const { kind, metadata: { namespace, name } } = object;
  const key = namespace === undefined ? name : `${namespace}/${name}`;
  return edited(snapshot, [{ kind: kind as keyof Snapshot, key, object }]);
}

for (const options of [{ node: "here" }, { maxServices: 3 }, { assignAddresses: false }]) {
  Deno.test(`Translator answers what translate() does, edit after edit, with ${JSON.stringify(options)}`, () => {
    const history = fc.tuple(anyObjects, fc.array(fc.array(anyEdit, { maxLength: 3 }), { maxLength: 12 }));
    fc.assert(
      fc.property(history, ([objects, steps]) => {
        const translator = new Translator(options);
        let snapshot = snapshotOf(...objects);
        assertEquals(translator.translate(snapshot), translate(snapshot, options));
        for (const edits of steps) {
          snapshot = edited(snapshot, edits);
          assertEquals(translator.translate(snapshot), translate(snapshot, options));
        }
      }),
      { numRuns: 150 },
    );
  });
}

const TWO = snapshotOf(
  gatewayClass(),
  gateway("default/web"),
  gateway("default/alt", { addresses: [{ value: "192.0.2.2" }] }),
  tcpRoute("default/echo"),
  tcpRoute("default/other", { parentRefs: [{ name: "alt" }], backendRefs: [{ name: "other", port: 80 }] }),
  ...backend("default/echo", "10.0.0.1"),
  ...backend("default/other", "10.0.0.2"),
);

Deno.test("Translator answers the same lists for the same snapshot", () => {
  const translator = new Translator();
  const first = translator.translate(TWO);
  const second = translator.translate(TWO);
  assertStrictEquals(second.statuses, first.statuses);
  assertStrictEquals(second.dataplane.services, first.dataplane.services);
  assertStrictEquals(second.notices, first.notices);
});

Deno.test("Translator leaves the parts as they are that a changed EndpointSlice does not reach", () => {
  const translator = new Translator();
  const before = translator.translate(TWO);
  const after = translator.translate(put(TWO, endpointSlice("default/echo", { endpoints: ["10.0.0.9"] })));
  assertEquals(routes(after), ["192.0.2.1 TCP 80 -> 1*10.0.0.9:8080", "192.0.2.2 TCP 80 -> 1*10.0.0.2:8080"]);
  assertStrictEquals(after.statuses, before.statuses);
  assert(after.dataplane.services[0] !== before.dataplane.services[0]);
  assertStrictEquals(after.dataplane.services[1], before.dataplane.services[1]);
});

Deno.test("Translator answers the same objects when statuses come back to what they are about", () => {
  const translator = new Translator();
  const before = translator.translate(TWO);
  const told = before.statuses.reduce((snapshot, { kind, key, status }) => {
    return put(snapshot, { ...snapshot[kind].get(key)!, status } as KubernetesObject);
  }, TWO);
  const after = translator.translate(told);
  assertEquals(after, translate(told));
  assertStrictEquals(after.statuses, before.statuses);
  assertStrictEquals(after.dataplane.services, before.dataplane.services);
});

Deno.test("Translator does not change a list that it has given out", () => {
  const translator = new Translator();
  const before = translator.translate(TWO);
  const copy = structuredClone(before);
  translator.translate(put(TWO, endpointSlice("default/echo", { endpoints: [] })));
  translator.translate(emptySnapshot());
  assertEquals(before, copy);
});

Deno.test("Translator answers nothing for nothing, whatever was there before", () => {
  const translator = new Translator();
  translator.translate(TWO);
  assertEquals(translator.translate(emptySnapshot()), {
    dataplane: { services: [] },
    statuses: [],
    notices: [],
    loadBalancers: [],
  });
  assertEquals(translator.translate(TWO), translate(TWO));
});

Deno.test("Translator lets an address and port pass from one Gateway to another", () => {
  const translator = new Translator();
  const taken = put(
    TWO,
    gateway("default/alt", { addresses: [{ value: "192.0.2.1" }] }, {
      creationTimestamp: "2000-01-01T00:00:00Z",
    }),
  );
  for (const snapshot of [TWO, taken, TWO]) assertEquals(translator.translate(snapshot), translate(snapshot));
});

Deno.test("Translator goes on after a snapshot that it could not translate", () => {
  const translator = new Translator();
  translator.translate(TWO);
  // No source lets such an object through.
  const broken = {
    ...gateway("default/web"),
    spec: { gatewayClassName: "blixt", listeners: 7 },
  } as unknown as KubernetesObject;
  assertThrows(() => translator.translate(put(TWO, broken)));
  assertEquals(translator.translate(TWO), translate(TWO));
});

Deno.test("Translator does not walk over ten thousand Gateways for one changed EndpointSlice", () => {
  const gateways = Array.from(
    { length: 10_000 },
    (_, index) => gateway(`default/gw-${index}`, { addresses: [] }),
  );
  const snapshot = snapshotOf(
    gatewayClassWithConfig(),
    gatewayClassConfig({ addressPools: [{ cidr: "10.64.0.0/16" }] }),
    ...gateways,
    tcpRoute("default/echo", { parentRefs: [{ name: "gw-0" }] }),
    ...backend("default/echo", "10.0.0.1"),
  );
  const translator = new Translator();
  const start = performance.now();
  translator.translate(snapshot);
  const all = performance.now() - start;
  const edits = Array.from(
    { length: 20 },
    (_, index) => endpointSlice("default/echo", { endpoints: [`10.0.1.${index}`] }),
  );
  const times = edits.map((edit) => {
    const next = put(snapshot, edit);
    const begin = performance.now();
    translator.translate(next);
    return performance.now() - begin;
  });
  // A walk would take about as long as the first translation; the shortest time is free of the machine's noise.
  assert(Math.min(...times) < all / 50, `${Math.min(...times)} ms after ${all} ms`);
});
