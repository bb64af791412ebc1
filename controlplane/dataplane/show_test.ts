// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { formatState, stateToJson } from "./show.ts";
import type { State, Traffic } from "./state.ts";

function traffic(flows: bigint, rest: Partial<Traffic> = {}): Traffic {
  return { rxPackets: 0n, rxBytes: 0n, txPackets: 0n, txBytes: 0n, flows, refused: 0n, ...rest };
}

const state: State = {
  services: [
    {
      address: "192.0.2.1",
      port: 80,
      protocol: "TCP",
      slots: 4_093,
      refusedShare: 0.25,
      traffic: traffic(10n, { rxPackets: 40n, txPackets: 2n, rxBytes: 1_500n, txBytes: 12n, refused: 3n }),
      backends: [
        { address: "10.0.0.1", port: 8080, share: 0.5, ifindex: 3, traffic: traffic(7n, { rxPackets: 30n }) },
        { address: "10.0.0.2", port: 8080, share: 0.25, ifindex: 3, traffic: traffic(3n) },
      ],
    },
    {
      address: "2001:db8::1",
      port: 53,
      protocol: "UDP",
      slots: 1,
      refusedShare: 0,
      traffic: traffic(0n),
      backends: [{ address: "2001:db8::7", port: 5353, share: 1, ifindex: 0, traffic: traffic(0n) }],
    },
  ],
  drops: { malformed: 0n, refused_tcp: 3n, no_route: 12n },
  interfaces: [
    {
      ifindex: 2,
      name: "eth0",
      outward: true,
      tcx: true,
      xdp: true,
      programs: "program 57, ingress",
      reason: "its driver has XDP",
    },
    {
      ifindex: 13,
      name: "veth13",
      outward: false,
      tcx: true,
      xdp: false,
      programs: "ingress",
      reason: "faces no clients",
    },
    {
      ifindex: 14,
      name: "veth14",
      outward: false,
      tcx: false,
      xdp: false,
      programs: "",
      reason: "faces no clients",
    },
  ],
  uses: [
    {
      of: "flows4",
      name: "flows over IPv4",
      used: 123_456,
      live: 4_321,
      estimated: true,
      most: 1_000_000,
      memory: 290_400_000,
    },
    { of: "services", name: "services", used: 2, estimated: false, most: 10_000, memory: 3_900_000 },
  ],
  memory: 300_000_000,
};

Deno.test("formatState() aligns services, backends and refusals, and lists only drops that happened", () => {
  assertEquals(
    formatState(state, { colour: false }),
    `SERVICE               BACKEND             WEIGHT  FLOWS  SHARE  PACKETS      IN   OUT  REFUSED
192.0.2.1:80/TCP                                     10              42  1.5 kB  12 B        3
                      10.0.0.1:8080        50.0%      7  70.0%       30     0 B   0 B
                      10.0.0.2:8080        25.0%      3  30.0%        0     0 B   0 B
                      (refused)            25.0%
[2001:db8::1]:53/UDP                                  0               0     0 B   0 B        0
                      [2001:db8::7]:5353  100.0%      0               0     0 B   0 B

DROPPED PACKETS
refused_tcp  3
no_route     12

INTERFACE  FACES    HAS          IN THIS ORDER        WHY
eth0       clients  XDP and TCX  program 57, ingress  its driver has XDP
veth13              TCX          ingress              faces no clients
veth14              nothing                           faces no clients

ROOM FOR             USED    LIVE       MOST    MEMORY
flows over IPv4  ~123,456  ~4,321  1,000,000  290.4 MB
services                2             10,000    3.9 MB
all maps                                      300.0 MB
`,
  );
});

Deno.test("formatState() says which flow table is full, and what to raise", () => {
  const uses = [{ ...state.uses[0]!, used: 1_000_000, live: 990_000 }];
  assert(
    formatState({ ...state, uses }, { colour: false }).endsWith(
      "\nAbout 990,000 of at most 1,000,000 flows over " +
        "IPv4 go on, and for a new one the one that was silent longest is forgotten. Raise --flows: 2,000,000 would take " +
        "580.8 MB instead of 290.4 MB.\n",
    ),
  );
});

Deno.test("formatState() says plainly that there is nothing", () => {
  const empty = { services: [], drops: { malformed: 0n }, interfaces: [], uses: [], memory: 0 };
  assertEquals(formatState(empty, { colour: false }), "No service is programmed\n\nNo packet was dropped\n");
});

Deno.test("formatState() colours only when asked to, and the text stays the same", () => {
  const coloured = formatState(state, { colour: true });
  assert(coloured.includes("\x1b[1m192.0.2.1:80/TCP"));
  assertEquals(
    ["0", "1", "2"].reduce((text, code) => text.replaceAll(`\x1b[${code}m`, ""), coloured),
    formatState(state, { colour: false }),
  );
});

Deno.test("stateToJson() writes counters beyond 2^53 exactly", () => {
  const json = stateToJson({ ...state, drops: { malformed: 2n ** 60n } });
  assertEquals(JSON.parse(json).drops, { malformed: "1152921504606846976" });
});
