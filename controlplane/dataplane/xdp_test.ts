// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertMatch } from "@std/assert";
import { fakeInterface } from "../loader/fake_network.ts";
import { HOOK } from "../loader/messages.ts";
import { earlyAttachment, isEarly, xdpChoice } from "./xdp.ts";

const eth0 = fakeInterface(2, "eth0");
const veth = fakeInterface(3, "veth3", { kind: "veth" });
const bridge = fakeInterface(4, "br0", { kind: "bridge" });

Deno.test("xdpChoice() of auto takes hardware, and neither veths nor other interfaces of software", () => {
  const all = [eth0, veth, bridge];
  assertEquals(all.map((device) => xdpChoice(device, all, "auto").wanted), [true, false, false]);
  assertMatch(xdpChoice(veth, all, "auto").reason, /veth takes TCP segments one by one/);
  assertMatch(xdpChoice(bridge, all, "auto").reason, /a bridge has no driver/);
});

Deno.test("xdpChoice() of auto leaves the interface below a VLAN alone, and no other", () => {
  const vlan = fakeInterface(5, "eth0.7", { kind: "vlan", link: 2 });
  const other = fakeInterface(6, "eth1");
  const all = [eth0, vlan, other, { ...veth, link: 6 }];
  const choice = xdpChoice(eth0, all, "auto");
  assertEquals(choice.wanted, false);
  assertMatch(choice.reason, /tags of VLAN eth0\.7/);
  assertEquals(xdpChoice(other, all, "auto").wanted, true);
});

Deno.test("xdpChoice() of on and off is the same for every interface", () => {
  for (const device of [eth0, veth, bridge]) {
    assertEquals(xdpChoice(device, [device], "on"), { wanted: true, reason: "switched on by --xdp on" });
    assertEquals(xdpChoice(device, [device], "off").wanted, false);
  }
});

Deno.test("earlyAttachment() is in the driver, and isEarly() knows it from the others", () => {
  const early = earlyAttachment(2);
  assertEquals(early, { program: "early", hook: HOOK.XDP_DRIVER, ifindex: 2 });
  assertEquals(isEarly(early), true);
  assertEquals(isEarly({ ...early, program: "ingress" }), false);
  assertEquals(isEarly({ ...early, hook: HOOK.XDP_GENERIC }), false);
});
