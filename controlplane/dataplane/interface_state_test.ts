// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { fakeInterface } from "../loader/fake_network.ts";
import { type Attachment, HOOK } from "../loader/messages.ts";
import { devicesOf } from "./devices.ts";
import { type InterfaceState, interfaceStates } from "./interface_state.ts";
import { earlyAttachment } from "./xdp.ts";

const lo = fakeInterface(1, "lo", { type: 772 });
const eth0 = fakeInterface(2, "eth0");
const uplink = fakeInterface(3, "veth3", { kind: "veth", defaultRoute: true });
const pod = fakeInterface(4, "veth4", { kind: "veth" });
const all = [lo, eth0, uplink, pod];

const ingress = (ifindex: number): Attachment => ({ program: "ingress", hook: HOOK.TCX_INGRESS, ifindex });

function states(xdp: readonly number[], refused: Readonly<Record<number, string>> = {}): InterfaceState[] {
  const attachments = [...[2, 3, 4].map(ingress), ...xdp.map(earlyAttachment)];
  const refusals = Object.entries(refused).map(([ifindex, error]) => (
    { attachment: earlyAttachment(Number(ifindex)), error }
  ));
  const links = [{ programId: 57, object: "", program: "" }, {
    programId: 9,
    object: "blixt",
    program: "ingress",
  }];
  return interfaceStates(all, { attachments, refused: refusals }, devicesOf(all), new Map([[2, { links }]]));
}

function reasons(xdp: readonly number[], refused: Readonly<Record<number, string>> = {}): string[] {
  return states(xdp, refused).map(({ name, xdp, reason }) => `${name} ${xdp}: ${reason}`);
}

Deno.test("interfaceStates() has every interface that Blixt knows, and what hangs there", () => {
  const [first, second, third, ...more] = states([2]);
  assertEquals(more, []);
  assertEquals(first, {
    ifindex: 2,
    name: "eth0",
    outward: true,
    tcx: true,
    xdp: true,
    programs: "program 57, ingress",
    reason: "its driver has XDP",
  });
  assertEquals([second?.outward, second?.tcx, second?.xdp], [true, true, false]);
  assertEquals([third?.outward, third?.reason], [false, "faces no clients"]);
});

Deno.test("interfaceStates() says why XDP is used or not, as was chosen, refused or told", () => {
  const slow = "with XDP a veth takes TCP segments one by one";
  assertEquals(reasons([2]).slice(0, 2), ["eth0 true: its driver has XDP", `veth3 false: ${slow}`]);
  assertEquals(reasons([]).slice(0, 2), [
    "eth0 false: switched off by --xdp off",
    `veth3 false: ${slow}`,
  ]);
  assertEquals(reasons([2, 3])[1], "veth3 true: switched on by --xdp on");
  assertEquals(reasons([], { 2: "its driver has no XDP" })[0], "eth0 false: its driver has no XDP");
});

Deno.test("interfaceStates() takes the refusal of another program for none of XDP", () => {
  const refused = [{ attachment: ingress(2), error: "no room" }];
  const [first] = interfaceStates(
    all,
    { attachments: [earlyAttachment(2)], refused },
    devicesOf(all),
    new Map(),
  );
  assertEquals([first?.tcx, first?.reason], [false, "its driver has XDP"]);
});

Deno.test("interfaceStates() has loopback where a service has an address of the host's own", () => {
  const at = (inside: boolean): readonly [string, boolean, string][] =>
    interfaceStates(
      [lo, eth0],
      { attachments: [1, 2].map(ingress), refused: [] },
      devicesOf([lo, eth0], [], inside),
      new Map(),
    )
      .map(({ name, tcx, reason }) => [name, tcx, reason]);
  assertEquals(at(true)[0], ["lo", true, "faces no clients"]);
  assertEquals(at(false).map(([name]) => name), ["eth0"]);
});
