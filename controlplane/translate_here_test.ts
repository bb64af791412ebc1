// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Peers } from "./ends.ts";
import {
  endpointSlice,
  gateway,
  gatewayClassConfig,
  gatewayClassWithConfig,
  node,
  service,
  snapshotOf,
  statusOf,
  tcpRoute,
  withAddresses,
} from "./translate/testing.ts";
import { translateHere } from "./translate_here.ts";

const CLASS = [gatewayClassWithConfig(), gatewayClassConfig({ addressPools: [{ cidr: "192.0.2.0/28" }] })];
const WEB = gateway("default/web", { addresses: [] });

/** Peers that say what they are told to say. */
function fakePeers(leads: boolean): Peers & { leads: boolean } {
  return {
    leads,
    equipped: ["there"],
    announced: (services) => services.map(({ address }) => address),
    ready: () => {},
    leave: () => Promise.resolve(),
  };
}

Deno.test("translateHere() announces everything where this control plane is alone", () => {
  const { dataplane } = translateHere(() => ({}))(snapshotOf(...CLASS, WEB));
  assertEquals([dataplane.services.length, dataplane.announced], [1, undefined]);
});

Deno.test("translateHere() assigns addresses while it leads, and only then", () => {
  const peers = fakePeers(false);
  const translate = translateHere(() => ({}), peers);
  const snapshot = snapshotOf(...CLASS, WEB);
  const addresses = (): unknown => statusOf(translate(snapshot), "Gateway", "default/web").addresses;
  assertEquals(addresses(), []);
  peers.leads = true;
  assertEquals(addresses(), [{ type: "IPAddress", value: "192.0.2.4" }]);
  peers.leads = false;
  assertEquals(addresses(), []);
});

Deno.test("translateHere() goes by the options as they are at each translation", () => {
  const options: { bundleVersion?: string } = {};
  const translate = translateHere(() => options);
  const snapshot = snapshotOf(...CLASS);
  const supported = (): unknown =>
    statusOf(translate(snapshot), "GatewayClass", "blixt").conditions
      .find(({ type }: { type: string }) => type === "SupportedVersion")?.status;
  assertEquals(supported(), undefined);
  options.bundleVersion = "v1.5.0";
  assertEquals(supported(), "False");
  options.bundleVersion = "v1.6.3";
  assertEquals(supported(), "True");
});

Deno.test("translateHere() takes traffic at addresses that another control plane has assigned, and announces its share", () => {
  const snapshot = snapshotOf(...CLASS, withAddresses(WEB, "192.0.2.7"));
  const { dataplane } = translateHere(() => ({}), fakePeers(false))(snapshot);
  assertEquals(dataplane.services.map(({ address }) => address), ["192.0.2.7"]);
  assertEquals(dataplane.announced, ["192.0.2.7"]);
});

Deno.test("translateHere() knows the nodes of endpoints that have Blixt, and no others", () => {
  const endpoints = ["there", "bare"].map((nodeName, index) => ({
    addresses: [`10.0.0.${index}`],
    nodeName,
  }));
  const snapshot = snapshotOf(
    ...CLASS,
    gateway("default/web"),
    tcpRoute("default/echo"),
    service("default/echo"),
    endpointSlice("default/echo", { endpoints }),
    node("there", "10.9.0.2"),
    node("bare", "10.9.0.3"),
  );
  const translate = translateHere(() => ({ node: "here" }), fakePeers(true));
  const [first, again] = [translate(snapshot), translate(snapshot)];
  const nodes = first.dataplane.services.flatMap(({ groups }) => groups.flatMap((group) => group.endpoints))
    .map(({ node }) => node);
  assertEquals(nodes, ["10.9.0.2", undefined]);
  assertEquals(again.dataplane.services === first.dataplane.services, true);
});
