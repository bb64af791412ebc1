// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { ServiceState, Traffic } from "../../controlplane/dataplane/state.ts";
import { rowsOf } from "./counters.ts";

const traffic: Traffic = {
  rxPackets: 3n,
  rxBytes: 300n,
  txPackets: 2n,
  txBytes: 200n,
  flows: 1n,
  refused: 0n,
};

function service(protocol: "TCP" | "UDP", address: string, ...backends: string[]): ServiceState {
  return {
    protocol,
    address,
    port: 80,
    slots: 1,
    refusedShare: 0,
    traffic,
    backends: backends.map((address) => ({ address, port: 9000, share: 0.5, ifindex: 0, traffic })),
  };
}

const pods = [{ name: "b1", ipv4: "10.0.0.1", ipv6: "fd00::1" }, {
  name: "b2",
  ipv4: "10.0.0.2",
  ipv6: "fd00::2",
}];

Deno.test("rowsOf() orders by protocol, family and backend", () => {
  const services = [
    service("UDP", "192.0.2.1", "10.0.0.1"),
    service("TCP", "2001:db8::1", "fd00::2", "fd00::1"),
    service("TCP", "192.0.2.1", "10.0.0.2"),
  ];
  assertEquals(rowsOf(services, pods, new Map()).map(({ listener, backend }) => `${listener} ${backend}`), [
    "TCP 192.0.2.1:80 b2 10.0.0.2",
    "TCP [2001:db8::1]:80 b1 fd00::1",
    "TCP [2001:db8::1]:80 b2 fd00::2",
    "UDP 192.0.2.1:80 b1 10.0.0.1",
  ]);
});

Deno.test("rowsOf() adds both directions up and takes the weight from the manifests", () => {
  const [row] = rowsOf([service("TCP", "192.0.2.1", "10.0.0.2")], pods, new Map([["TCP 10.0.0.2", 30]]));
  assertEquals(row, {
    listener: "TCP 192.0.2.1:80",
    backend: "b2 10.0.0.2",
    name: "b2",
    family: "ipv4",
    weight: 30,
    flows: 1,
    packets: 5,
    bytes: 500,
  });
});
