// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import { service } from "../dataplane/fixtures.ts";
import { ownerOf, Ownership } from "./owner.ts";

const nodes: fc.Arbitrary<string[]> = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e", "f"), {
  minLength: 1,
});
const addresses = Array.from({ length: 200 }, (_, index) => `192.0.2.${index}`);

Deno.test("ownerOf() is the same on every node, in whatever order it knows the others", () => {
  fc.assert(fc.property(nodes, (some) => {
    for (const address of addresses) {
      assertEquals(ownerOf(address, some), ownerOf(address, some.toReversed()));
      assert(some.includes(ownerOf(address, some)!));
    }
  }));
  assertEquals(ownerOf("192.0.2.1", []), undefined);
});

Deno.test("ownerOf() moves no address but those of the node that has gone", () => {
  fc.assert(fc.property(nodes, (some) => {
    const [gone, ...left] = some;
    for (const address of addresses) {
      const before = ownerOf(address, some);
      if (before !== gone) assertEquals(ownerOf(address, left), before);
    }
  }));
});

Deno.test("ownerOf() spreads addresses over nodes", () => {
  const three = ["node-1", "node-2", "node-3"];
  for (const node of three) {
    const owned = addresses.filter((address) => ownerOf(address, three) === node).length;
    assert(owned > 40 && owned < 95, `${node} has ${owned} of 200`);
  }
});

Deno.test("Ownership.addresses() answers each address of the node once, and each address has one node", () => {
  const services = addresses.flatMap((address) => [service(`${address}:80`), service(`${address}:81`)]);
  const live = ["a", "b", "c"];
  const owned = live.flatMap((node) => new Ownership(node).addresses(services, live));
  assertEquals(owned.toSorted(), addresses.toSorted());
});

Deno.test("Ownership.addresses() follows nodes and services that come and go", () => {
  const ownership = new Ownership("a");
  const one = [service("192.0.2.1:80")];
  assertEquals(ownership.addresses(one, []), []);
  assertEquals(ownership.addresses(one, ["a"]), ["192.0.2.1"]);
  assertEquals(ownership.addresses([], ["a"]), []);
  assertEquals(ownership.addresses([...one, service("192.0.2.2:80")], ["a"]), ["192.0.2.1", "192.0.2.2"]);
  assertEquals(ownership.addresses(one, ["b"]), []);
});
