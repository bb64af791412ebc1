// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Peers } from "./ends.ts";
import {
  gateway,
  gatewayClassConfig,
  gatewayClassWithConfig,
  snapshotOf,
  statusOf,
  withAddresses,
} from "./translate/testing.ts";
import { translateHere } from "./translate_here.ts";

const CLASS = [gatewayClassWithConfig(), gatewayClassConfig({ addressPools: [{ cidr: "192.0.2.0/28" }] })];
const WEB = gateway("default/web", { addresses: [] });

/** Peers that say what they are told to say. */
function fakePeers(leads: boolean): Peers & { leads: boolean } {
  return {
    leads,
    announced: (services) => services.map(({ address }) => address),
    ready: () => {},
    leave: () => Promise.resolve(),
  };
}

Deno.test("translateHere() announces everything where this control plane is alone", () => {
  const { dataplane } = translateHere({})(snapshotOf(...CLASS, WEB));
  assertEquals([dataplane.services.length, dataplane.announced], [1, undefined]);
});

Deno.test("translateHere() assigns addresses while it leads, and only then", () => {
  const peers = fakePeers(false);
  const translate = translateHere({}, peers);
  const snapshot = snapshotOf(...CLASS, WEB);
  const addresses = (): unknown => statusOf(translate(snapshot), "Gateway", "default/web").addresses;
  assertEquals(addresses(), []);
  peers.leads = true;
  assertEquals(addresses(), [{ type: "IPAddress", value: "192.0.2.4" }]);
  peers.leads = false;
  assertEquals(addresses(), []);
});

Deno.test("translateHere() takes traffic at addresses that another control plane has assigned, and announces its share", () => {
  const snapshot = snapshotOf(...CLASS, withAddresses(WEB, "192.0.2.7"));
  const { dataplane } = translateHere({}, fakePeers(false))(snapshot);
  assertEquals(dataplane.services.map(({ address }) => address), ["192.0.2.7"]);
  assertEquals(dataplane.announced, ["192.0.2.7"]);
});
