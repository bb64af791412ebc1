// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStringIncludes } from "@std/assert";
import type { ParametersReference } from "../api/gateway_class.ts";
import type { GatewayClassConfig } from "../api/gateway_class_config.ts";
import { SUPPORTED_FEATURES } from "./supported_features.ts";
import {
  gateway,
  gatewayClass,
  gatewayClassConfig,
  gatewayClassWithConfig,
  listener,
  listenerSet,
  routes,
  statusOf,
  translated,
  verdict,
  withAddresses,
} from "./testing.ts";

Deno.test("A GatewayClass of Blixt is Accepted and lists its features", () => {
  const status = statusOf(translated([gatewayClass()]), "GatewayClass", "blixt");
  assertEquals(verdict(status.conditions, "Accepted"), "True Accepted");
  assertEquals(status.supportedFeatures, SUPPORTED_FEATURES.map((name) => ({ name })));
  assertEquals(status.conditions[0].observedGeneration, 1);
});

Deno.test("A GatewayClass of another controller gets no status, nor do its Gateways", () => {
  const other = gatewayClass({ controllerName: "example.com/other" });
  assertEquals(translated([other, gateway("default/web")]).statuses, []);
});

Deno.test("A GatewayClass of any name is Blixt's by its controllerName", () => {
  const translation = translated([
    gatewayClass({}, "fast"),
    gateway("default/web", { gatewayClassName: "fast" }),
  ]);
  assertEquals(translation.statuses.map(({ kind }) => kind), ["Gateway", "GatewayClass"]);
});

Deno.test("A GatewayClass is Accepted with a valid GatewayClassConfig", () => {
  const translation = translated([
    gatewayClassWithConfig(),
    gatewayClassConfig({ addressPools: [{ cidr: "192.0.2.0/24" }] }),
  ]);
  assertEquals(
    verdict(statusOf(translation, "GatewayClass", "blixt").conditions, "Accepted"),
    "True Accepted",
  );
});

const GOOD: ParametersReference = { group: "blixt.x-k8s.io", kind: "GatewayClassConfig", name: "pool" };
const BAD: readonly [string, ParametersReference, string][] = [
  ["that does not exist", { ...GOOD, name: "gone" }, "GatewayClassConfig gone"],
  [
    "of another kind",
    { group: "", kind: "ConfigMap", name: "pool", namespace: "default" },
    "not a ConfigMap of the core group",
  ],
  ["of another group", { ...GOOD, group: "example.com" }, "of group example.com"],
  ["with a namespace", { ...GOOD, namespace: "default" }, "must have no namespace"],
  ["whose ranges are wrong", GOOD, "spec.addressPools[0]"],
];

for (const [what, parametersRef, part] of BAD) {
  Deno.test(`A GatewayClass is not Accepted: InvalidParameters for a parametersRef ${what}`, () => {
    const config = gatewayClassConfig({ addressPools: [{ cidr: "nonsense" }] });
    const { conditions } = statusOf(
      translated([gatewayClass({ parametersRef }), config]),
      "GatewayClass",
      "blixt",
    );
    assertEquals(verdict(conditions, "Accepted"), "False InvalidParameters");
    assertStringIncludes(conditions[0].message, part);
  });
}

for (const remoteBackends of ["snat", "", 1] as unknown[]) {
  Deno.test(`A GatewayClass is not Accepted: InvalidParameters for remoteBackends ${JSON.stringify(remoteBackends)}`, () => {
    const config = gatewayClassConfig({ remoteBackends } as NonNullable<GatewayClassConfig["spec"]>);
    const { conditions } = statusOf(translated([gatewayClassWithConfig(), config]), "GatewayClass", "blixt");
    assertEquals(verdict(conditions, "Accepted"), "False InvalidParameters");
    assertStringIncludes(
      conditions[0].message,
      "GatewayClassConfig pool is not valid: spec.remoteBackends is ",
    );
    assertStringIncludes(conditions[0].message, "but must be Direct or SNAT.");
  });
}

/** How the services of a Gateway of that class reach other nodes. */
function remoteBackendsWith(...objects: Parameters<typeof translated>[0]): unknown[] {
  return translated([gateway("default/web"), ...objects]).dataplane.services.map((each) =>
    each.remoteBackends
  );
}

Deno.test("A GatewayClassConfig says how backends on other nodes are reached: Direct unless told otherwise", () => {
  assertEquals(remoteBackendsWith(gatewayClass()), [undefined]);
  const config = (spec: NonNullable<GatewayClassConfig["spec"]>): unknown[] =>
    remoteBackendsWith(gatewayClassWithConfig(), gatewayClassConfig(spec));
  assertEquals(config({}), [undefined]);
  assertEquals(config({ remoteBackends: "Direct" }), [undefined]);
  assertEquals(config({ remoteBackends: "SNAT" }), ["SNAT"]);
});

Deno.test("A GatewayClassConfig that is wrong elsewhere leaves backends on other nodes reached as it says", () => {
  const config = gatewayClassConfig({ remoteBackends: "SNAT", addressPools: [{ cidr: "nonsense" }] });
  const web = withAddresses(gateway("default/web"), "192.0.2.1");
  const { dataplane } = translated([gatewayClassWithConfig(), config, web]);
  assertEquals(dataplane.services.map((each) => each.remoteBackends), ["SNAT"]);
});

Deno.test("A GatewayClassConfig's remoteBackends is for ListenerSets too, and for no other class", () => {
  const set = listenerSet("default/more", { listeners: [listener({ name: "more", port: 81 })] });
  const own = gateway("default/web", { allowedListeners: { namespaces: { from: "Same" } } });
  const other = gateway("default/other", { gatewayClassName: "plain", addresses: [{ value: "192.0.2.9" }] });
  const { dataplane } = translated([
    gatewayClassWithConfig(),
    gatewayClass({}, "plain"),
    gatewayClassConfig({ remoteBackends: "SNAT" }),
    own,
    set,
    other,
  ]);
  assertEquals(dataplane.services.map((each) => [each.address, each.port, each.remoteBackends]), [
    ["192.0.2.1", 80, "SNAT"],
    ["192.0.2.1", 81, "SNAT"],
    ["192.0.2.9", 80, undefined],
  ]);
});

Deno.test("A GatewayClass without parametersRef has the pool of the GatewayClassConfig called default", () => {
  const pool = gatewayClassConfig({ addressPools: [{ cidr: "192.0.2.7/32" }] }, "default");
  const web = gateway("default/web", { addresses: [] });
  assertEquals(routes(translated([gatewayClass(), web, pool])), ["192.0.2.7 TCP 80 -> refused"]);
  const named = gatewayClassConfig({ addressPools: [{ cidr: "192.0.2.8/32" }] });
  assertEquals(routes(translated([gatewayClassWithConfig(), named, web, pool])), [
    "192.0.2.8 TCP 80 -> refused",
  ]);
});

Deno.test("A GatewayClass without parametersRef is not Accepted: InvalidParameters when the default is wrong", () => {
  const pool = gatewayClassConfig({ addressPools: [{ cidr: "nonsense" }] }, "default");
  const { conditions } = statusOf(translated([gatewayClass(), pool]), "GatewayClass", "blixt");
  assertEquals(verdict(conditions, "Accepted"), "False InvalidParameters");
  assertStringIncludes(conditions[0].message, "GatewayClassConfig default is not valid");
});

Deno.test("Gateways of a GatewayClass that is no longer Accepted keep the addresses they hold, and get no new ones", () => {
  const translation = translated([
    gatewayClassWithConfig("gone"),
    withAddresses(gateway("default/old", { addresses: [] }), "192.0.2.7"),
    gateway("default/new", { addresses: [] }),
    withAddresses(gateway("default/static", { addresses: [{ value: "192.0.2.8" }] }), "192.0.2.8"),
    gateway("default/late", { addresses: [{ value: "192.0.2.9" }] }),
  ]);
  const programmed = (name: string): string | undefined =>
    verdict(statusOf(translation, "Gateway", `default/${name}`).conditions, "Programmed");
  assertEquals(programmed("old"), "True Programmed");
  assertEquals(programmed("static"), "True Programmed");
  assertEquals(programmed("new"), "False AddressNotAssigned");
  assertEquals(programmed("late"), "False AddressNotUsable");
  assertEquals(routes(translation), ["192.0.2.7 TCP 80 -> refused", "192.0.2.8 TCP 80 -> refused"]);
});

Deno.test("A GatewayClass has SupportedVersion True for the bundles Blixt was made for", () => {
  for (const bundleVersion of ["v1.6.0", "v1.6.3", "v1.7.0-rc.1"]) {
    const { conditions } = statusOf(translated([gatewayClass()], { bundleVersion }), "GatewayClass", "blixt");
    assertEquals(verdict(conditions, "SupportedVersion"), "True SupportedVersion");
  }
});

Deno.test("A GatewayClass stays Accepted with other bundles, and SupportedVersion is False", () => {
  for (const bundleVersion of ["v1.5.1", "v2.0.0", "v1.60.0", ""]) {
    const { conditions } = statusOf(translated([gatewayClass()], { bundleVersion }), "GatewayClass", "blixt");
    assertEquals(verdict(conditions, "SupportedVersion"), "False UnsupportedVersion");
    assertEquals(verdict(conditions, "Accepted"), "True Accepted");
  }
});

Deno.test("A GatewayClass has no SupportedVersion where the bundle is not known", () => {
  const { conditions } = statusOf(translated([gatewayClass()]), "GatewayClass", "blixt");
  assertEquals(verdict(conditions, "SupportedVersion"), undefined);
});
