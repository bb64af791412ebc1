// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { RouteGroupKind } from "../api/gateway.ts";
import { protocolOf, routeKinds } from "./route_kinds.ts";
import { listener } from "./testing.ts";

const GROUP = "gateway.networking.k8s.io";

function kindsOf(
  protocol: string,
  kinds?: RouteGroupKind[],
): { supported: string[]; invalid: readonly string[] } {
  const { supported, invalid } = routeKinds(
    listener({ protocol, ...(kinds === undefined ? {} : { allowedRoutes: { kinds } }) }),
  );
  return { supported: supported.map(({ group, kind }) => `${group}/${kind}`), invalid };
}

Deno.test("routeKinds() follows the protocol when no kinds are named", () => {
  assertEquals(kindsOf("TCP"), { supported: [`${GROUP}/TCPRoute`], invalid: [] });
  assertEquals(kindsOf("UDP", []), { supported: [`${GROUP}/UDPRoute`], invalid: [] });
  for (const protocol of ["HTTP", "HTTPS", "TLS", "example.com/x", "tcp"]) {
    assertEquals(kindsOf(protocol), { supported: [], invalid: [] });
  }
});

Deno.test("routeKinds() keeps a supported kind that is named, with or without its group", () => {
  assertEquals(kindsOf("TCP", [{ kind: "TCPRoute" }]).supported, [`${GROUP}/TCPRoute`]);
  assertEquals(kindsOf("TCP", [{ group: GROUP, kind: "TCPRoute" }]).supported, [`${GROUP}/TCPRoute`]);
});

Deno.test("routeKinds() leaves out kinds that are named and not supported, and names them", () => {
  assertEquals(kindsOf("TCP", [{ kind: "UDPRoute" }]), { supported: [], invalid: ["UDPRoute"] });
  assertEquals(kindsOf("TCP", [{ kind: "HTTPRoute" }, { kind: "TCPRoute" }]), {
    supported: [`${GROUP}/TCPRoute`],
    invalid: ["HTTPRoute"],
  });
  assertEquals(
    kindsOf("TCP", [{ group: "example.com", kind: "TCPRoute" }, { group: "", kind: "TCPRoute" }]),
    {
      supported: [],
      invalid: ["TCPRoute of group example.com", "TCPRoute of the core group"],
    },
  );
  assertEquals(kindsOf("HTTP", [{ kind: "HTTPRoute" }]), { supported: [], invalid: ["HTTPRoute"] });
});

Deno.test("protocolOf() knows TCP and UDP", () => {
  assertEquals(["TCP", "UDP", "TLS"].map((protocol) => protocolOf(listener({ protocol }))), [
    "TCP",
    "UDP",
    undefined,
  ]);
});
