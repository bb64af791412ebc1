// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import fc from "fast-check";
import type { GatewayAddress } from "../api/gateway.ts";
import { parseCidr } from "../api/ip.ts";
import type { AddressPolicy } from "./address_pool.ts";
import { type AddressAnswer, type AddressRequest, addressRequest, assignAddresses } from "./addresses.ts";
import { at, gateway, withAddresses } from "./testing.ts";

function policy(pools: readonly string[], staticRanges?: readonly string[]): AddressPolicy {
  const parse = (cidr: string): ReturnType<typeof parseCidr> & object => parseCidr(cidr)!;
  return {
    pools: pools.map(parse),
    ...(staticRanges === undefined ? {} : { staticRanges: staticRanges.map(parse) }),
  };
}

interface Spec {
  readonly addresses?: readonly GatewayAddress[];
  readonly held?: readonly string[];
  readonly age?: number;
  readonly policy?: AddressPolicy | undefined;
  readonly eligible?: boolean;
}

const POOL = policy(["192.0.2.0/30"]);

/** A request of Gateway default/NAME, from the pool of four addresses unless told otherwise. */
function ask(name: string, spec: Spec = {}): AddressRequest {
  const { addresses = [], held = [], age = 0, eligible = true } = spec;
  const object = withAddresses(
    gateway(`default/${name}`, { addresses }, { creationTimestamp: at(-age) }),
    ...held,
  );
  return addressRequest(object, "policy" in spec ? spec.policy : POOL, eligible);
}

function assign(...requests: AddressRequest[]): readonly AddressAnswer[] {
  return assignAddresses(requests, { fromPool: true });
}

function named(...values: string[]): GatewayAddress[] {
  return values.map((value) => ({ value }));
}

Deno.test("assignAddresses() takes an address from the pool for a Gateway that names none", () => {
  const [answer] = assign(ask("web"));
  assertEquals([answer?.addresses.length, answer?.unassigned, answer?.unusable], [1, [], []]);
  assert(answer?.addresses[0]?.startsWith("192.0.2."));
});

Deno.test("assignAddresses() gives one address of each family of the pool", () => {
  const dual = policy(["2001:db8::/120", "192.0.2.0/30"]);
  const [answer] = assign(ask("web", { policy: dual }));
  assertEquals(answer?.addresses.map((address) => address.includes(":")), [false, true]);
});

Deno.test("assignAddresses() fills entries without value, of type IPAddress or none, in turn by family", () => {
  const dual = policy(["2001:db8::/120", "192.0.2.0/30"]);
  const families = (addresses: readonly GatewayAddress[]): boolean[] | undefined =>
    assign(ask("web", { policy: dual, addresses }))[0]?.addresses.map((address) => address.includes(":"));
  assertEquals(families([{}]), [false]);
  assertEquals(families([{ type: "IPAddress" }, { value: "" }]), [false, true]);
  assertEquals(families([{}, {}, {}]), [false, true, false]);
});

Deno.test("assignAddresses() fills entries without value from another family when one is exhausted", () => {
  const dual = policy(["192.0.2.1/32", "2001:db8::/120"]);
  const isIPv6 = ({ addresses, unassigned }: AddressAnswer): unknown => [
    addresses.map((address) => address.includes(":")),
    unassigned,
  ];
  assertEquals(
    assign(
      ask("first", { policy: dual, addresses: [{}, {}, {}] }),
      ask("second", { policy: dual, addresses: [{}] }),
    ).map(isIPv6),
    [[[false, true, true], []], [[true], []]],
  );
  const [answer] = assign(ask("web", { policy: policy(["192.0.2.1/32"]), addresses: [{}, {}] }));
  assertEquals(answer?.addresses, ["192.0.2.1"]);
  assertStringIncludes(answer?.unassigned.join() ?? "", "No address is free");
});

Deno.test("assignAddresses() leaves entries without value what they hold, of whatever family", () => {
  const dual = policy(["192.0.2.0/30", "2001:db8::/120"]);
  const held = ["2001:db8::9", "2001:db8::7"];
  const [kept] = assign(ask("web", { policy: dual, addresses: [{}, {}], held }));
  assertEquals(kept?.addresses, held);
  const [more] = assign(ask("web", { policy: dual, addresses: [{}, {}], held: held.slice(1) }));
  assertEquals(more?.addresses.map((address) => address.includes(":")), [true, false]);
});

Deno.test("assignAddresses() puts named addresses before those from the pool", () => {
  const [answer] = assign(ask("web", { addresses: [{}, { value: "198.51.100.1" }] }));
  assertEquals(answer?.addresses.length, 2);
  assertEquals(answer?.addresses[0], "198.51.100.1");
});

Deno.test("assignAddresses() writes named addresses canonically, once", () => {
  const [answer] = assign(
    ask("web", { addresses: named("2001:DB8::0:1", "2001:db8::1", "::ffff:192.0.2.9") }),
  );
  assertEquals(answer?.addresses, ["2001:db8::1", "192.0.2.9"]);
});

for (
  const value of [
    "nonsense",
    "0.0.0.0",
    "127.0.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "ff02::1",
  ]
) {
  Deno.test(`assignAddresses() finds the named address ${value} unusable`, () => {
    const [answer] = assign(ask("web", { addresses: named(value, "192.0.2.9") }));
    assertEquals(answer?.addresses, ["192.0.2.9"]);
    assertEquals(answer?.unusable.length, 1);
    assertStringIncludes(answer?.unusable[0] ?? "", value);
  });
}

Deno.test("assignAddresses() keeps named addresses to staticAddresses, where the class has them", () => {
  const strict = policy([], ["198.51.100.0/28"]);
  const [answer] = assign(ask("web", { policy: strict, addresses: named("198.51.100.1", "198.51.100.99") }));
  assertEquals(answer?.addresses, ["198.51.100.1"]);
  assertStringIncludes(answer?.unusable[0] ?? "", "spec.staticAddresses");
});

Deno.test("assignAddresses() lets several Gateways name one address", () => {
  const answers = assign(
    ask("a", { addresses: named("192.0.2.9") }),
    ask("b", { addresses: named("192.0.2.9") }),
  );
  assertEquals(answers.map(({ addresses }) => addresses), [["192.0.2.9"], ["192.0.2.9"]]);
});

Deno.test("assignAddresses() does not take from the pool what a Gateway names", () => {
  const [first, second] = assign(
    ask("old", { age: 9 }),
    ask("young", { addresses: named("192.0.2.0", "192.0.2.1", "192.0.2.3") }),
  );
  assertEquals(first?.addresses, ["192.0.2.2"]);
  assertEquals(second?.addresses, ["192.0.2.0", "192.0.2.1", "192.0.2.3"]);
});

Deno.test("assignAddresses() takes from the pool no address that a node has", () => {
  const ofNodes = new Set(["192.0.2.0", "192.0.2.1", "192.0.2.3"]);
  for (const name of ["a", "b", "c", "d"]) {
    const [answer] = assignAddresses([ask(name)], { fromPool: true, ofNodes });
    assertEquals(answer?.addresses, ["192.0.2.2"]);
  }
});

Deno.test("assignAddresses() gives a Gateway another address once a node has the one that came from the pool", () => {
  const requests = [ask("web", { held: ["192.0.2.1"] })];
  const [answer] = assignAddresses(requests, { fromPool: true, ofNodes: new Set(["192.0.2.1"]) });
  assertEquals(answer?.addresses.length, 1);
  assert(answer?.addresses[0] !== "192.0.2.1");
});

Deno.test("assignAddresses() gives a node's address to a Gateway that names it", () => {
  const requests = [ask("web", { addresses: named("192.0.2.1") })];
  const [answer] = assignAddresses(requests, { fromPool: true, ofNodes: new Set(["192.0.2.1"]) });
  assertEquals(answer, { addresses: ["192.0.2.1"], unusable: [], unassigned: [] });
});

Deno.test("assignAddresses() says when the pool is exhausted, to the youngest", () => {
  const requests = ["a", "b", "c", "d", "e"].map((name, index) => ask(name, { age: index }));
  const answers = assign(...requests);
  assertEquals(answers.map(({ addresses }) => addresses.length), [0, 1, 1, 1, 1]);
  assertStringIncludes(answers[0]?.unassigned[0] ?? "", "No IPv4 address is free");
  assertEquals(new Set(answers.flatMap(({ addresses }) => addresses)).size, 4);
});

Deno.test("assignAddresses() says what to do where there is no pool", () => {
  const [answer] = assign(ask("web", { policy: policy([]) }));
  assertEquals(answer?.addresses, []);
  assertStringIncludes(answer?.unassigned[0] ?? "", "no address pool; name an address in spec.addresses");
});

Deno.test("assignAddresses() keeps what a Gateway holds, whatever else comes", () => {
  const [young, old] = assign(ask("young", { held: ["192.0.2.3"] }), ask("old", { age: 9 }));
  assertEquals(young?.addresses, ["192.0.2.3"]);
  assert(old?.addresses[0] !== "192.0.2.3");
});

Deno.test("assignAddresses() gives an address that two hold to the older one", () => {
  const [young, old] = assign(
    ask("young", { held: ["192.0.2.3"] }),
    ask("old", { held: ["192.0.2.3"], age: 9 }),
  );
  assertEquals(old?.addresses, ["192.0.2.3"]);
  assert(young?.addresses.length === 1 && young.addresses[0] !== "192.0.2.3");
});

Deno.test("assignAddresses() gives up a held address that is no longer in the pool", () => {
  const [answer] = assign(ask("web", { held: ["198.51.100.1", "nonsense"] }));
  assert(answer?.addresses.length === 1 && answer.addresses[0]?.startsWith("192.0.2."));
});

Deno.test("assignAddresses() leaves an address from the pool to its holder when another Gateway names it", () => {
  const [holder, claimant] = assign(
    ask("holder", { held: ["192.0.2.3"] }),
    ask("claimant", { addresses: named("192.0.2.3"), age: 9 }),
  );
  assertEquals(holder?.addresses, ["192.0.2.3"]);
  assertEquals(claimant?.addresses, []);
  assertStringIncludes(claimant?.unusable[0] ?? "", "Gateway default/holder has it from the pool");
});

Deno.test("assignAddresses() leaves a named address to its holder when a Gateway that shared it names it no more", () => {
  const [sharer, holder] = assign(
    ask("sharer", { held: ["192.0.2.3"], age: 9 }),
    ask("holder", { addresses: named("192.0.2.3"), held: ["192.0.2.3"] }),
  );
  assertEquals(holder?.addresses, ["192.0.2.3"]);
  assert(sharer?.addresses.length === 1 && sharer.addresses[0] !== "192.0.2.3");
});

Deno.test("assignAddresses() gives a Gateway that is not accepted nothing new, and leaves it what it holds", () => {
  const [fresh, holder] = assign(
    ask("fresh", { eligible: false }),
    ask("holder", { eligible: false, held: ["192.0.2.3"] }),
  );
  assertEquals(fresh?.addresses, []);
  assertStringIncludes(fresh?.unassigned[0] ?? "", "once the Gateway is accepted");
  assertEquals(holder?.addresses, ["192.0.2.3"]);
});

Deno.test("assignAddresses() without fromPool answers what is held and named, and nothing new", () => {
  const requests = [
    ask("new"),
    ask("old", { held: ["192.0.2.1"] }),
    ask("static", { addresses: named("192.0.2.9") }),
  ];
  const answers = assignAddresses(requests, { fromPool: false });
  assertEquals(answers.map(({ addresses }) => addresses), [[], ["192.0.2.1"], ["192.0.2.9"]]);
});

Deno.test("addressRequest() leaves addresses of other types out", () => {
  const { named, unnamed } = ask("web", {
    addresses: [{ type: "Hostname", value: "x" }, { type: "IPAddress", value: "192.0.2.9" }, {}],
  });
  assertEquals({ named, unnamed }, { named: ["192.0.2.9"], unnamed: 1 });
});

Deno.test("assignAddresses() spreads a hundred thousand addresses' pool without a search through all of it", () => {
  const large = policy(["10.0.0.0/8", "2001:db8::/64"]);
  const requests = Array.from({ length: 2000 }, (_, index) => ask(`gw-${index}`, { policy: large }));
  const addresses = assign(...requests).flatMap((answer) => answer.addresses);
  assertEquals(new Set(addresses).size, 4000);
});

// Few addresses and Gateways, so that they meet.
const address = fc.oneof(
  fc.nat(5).map((host) => `192.0.2.${host}`),
  fc.nat(3).map((host) => `2001:db8::1${host}`),
);
const request = fc.record({
  addresses: fc.array(fc.option(address, { nil: undefined }), { maxLength: 3 }),
  held: fc.array(address, { maxLength: 3 }),
  policy: fc.constantFrom(
    POOL,
    policy(["192.0.2.0/30", "2001:db8::10/127"]),
    policy(["2001:db8::10/127", "192.0.2.2/31"]),
    undefined,
  ),
  age: fc.nat(2),
  eligible: fc.boolean(),
});
const requests = fc.array(request, { maxLength: 7 }).map((specs) =>
  specs.map(({ addresses, ...rest }, index) =>
    ask(`g${index}`, { ...rest, addresses: addresses.map((value) => (value === undefined ? {} : { value })) })
  )
);

Deno.test("assignAddresses() never gives an address from the pool twice", () => {
  fc.assert(fc.property(requests, (requests) => {
    const answers = assign(...requests);
    const pooled = answers.flatMap(({ addresses }, index) =>
      addresses.filter((address) => !requests[index]?.named.includes(address))
    );
    const given = answers.flatMap(({ addresses }) => addresses);
    for (const address of pooled) assertEquals(given.filter((other) => other === address).length, 1);
  }));
});

Deno.test("assignAddresses() answers the same whatever the order of the requests", () => {
  fc.assert(fc.property(requests, (requests) => {
    assertEquals([...assign(...[...requests].reverse())].reverse(), assign(...requests));
  }));
});

Deno.test("assignAddresses() changes nothing once its answers are in the statuses", () => {
  fc.assert(fc.property(requests, (requests) => {
    const answers = assign(...requests);
    const again = assign(
      ...requests.map((request, index) => ({ ...request, held: answers[index]?.addresses ?? [] })),
    );
    assertEquals(again.map(({ addresses }) => addresses), answers.map(({ addresses }) => addresses));
  }));
});
