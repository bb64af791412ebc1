// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type LostPorts, portName, type PortRequest, settlePorts } from "./ports.ts";
import { at, listener } from "./testing.ts";

function ask(
  name: string,
  age: number,
  addresses: readonly string[],
  own: readonly string[],
  others: readonly string[] = [],
): PortRequest {
  return { namespace: "default", name, creationTimestamp: at(-age), addresses, own, others };
}

function settle(...requests: PortRequest[]): readonly LostPorts[] {
  return settlePorts(requests);
}

Deno.test("settlePorts() gives everything to Gateways that do not meet", () => {
  assertEquals(settle(ask("a", 1, ["x"], ["TCP/80"]), ask("b", 0, ["y"], ["TCP/80"])), [{}, {}]);
  assertEquals(settle(ask("a", 1, ["x"], ["TCP/80"]), ask("b", 0, ["x"], ["UDP/80", "TCP/81"])), [{}, {}]);
});

Deno.test("settlePorts() gives a port of a shared address to the older Gateway", () => {
  assertEquals(settle(ask("young", 0, ["x"], ["TCP/80"]), ask("old", 1, ["x"], ["TCP/80"])), [
    { "TCP/80": "Gateway default/old" },
    {},
  ]);
});

Deno.test("settlePorts() goes by name between Gateways of one age", () => {
  assertEquals(
    settle(ask("b", 0, ["x"], ["TCP/80"]), ask("a", 0, ["x"], ["TCP/80"])).map((lost) => "TCP/80" in lost),
    [
      true,
      false,
    ],
  );
});

Deno.test("settlePorts() takes a port lost on one address from all, and leaves it to others there", () => {
  assertEquals(
    settle(
      ask("first", 3, ["x"], ["TCP/80"]),
      ask("second", 2, ["x", "y"], ["TCP/80", "TCP/81"]),
      ask("third", 1, ["y"], ["TCP/80"]),
    ),
    [{}, { "TCP/80": "Gateway default/first" }, {}],
  );
});

Deno.test("settlePorts() counts the ports of ListenerSets", () => {
  assertEquals(
    settle(ask("old", 1, ["x"], ["TCP/80"], ["TCP/81"]), ask("young", 0, ["x"], ["TCP/82"], ["TCP/81"])),
    [{}, { "TCP/81": "Gateway default/old" }],
  );
});

Deno.test("settlePorts() gives nothing to a Gateway that is left without a port of its own", () => {
  assertEquals(
    settle(
      ask("first", 3, ["x"], ["TCP/80"]),
      ask("second", 2, ["x"], ["TCP/80"], ["TCP/81"]),
      ask("third", 1, ["x"], ["TCP/81"]),
    ),
    [{}, { "TCP/80": "Gateway default/first" }, {}],
  );
});

Deno.test("settlePorts() lets a Gateway that is not accepted, and so asks for none, take none", () => {
  assertEquals(settle(ask("old", 1, ["x"], [], []), ask("young", 0, ["x"], ["TCP/80"])), [{}, {}]);
});

Deno.test("portName() is made of protocol and port", () => {
  assertEquals(portName(listener({ protocol: "UDP", port: 53 })), "UDP/53");
});
