// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import type { Condition } from "../api/object.ts";
import { mergeConditions, mergeStatus, type Status } from "./merge.ts";

const OURS = "gateway.networking.k8s.io/blixt";
const THEN = "2026-01-01T00:00:00Z";
const NOW = "2026-02-02T00:00:00Z";

const condition = (type: string, status: Condition["status"], observedGeneration = 1): Condition => ({
  type,
  status,
  reason: type,
  message: "",
  observedGeneration,
});
const since = (time: string, one: Condition): Condition => ({ ...one, lastTransitionTime: time });

Deno.test("mergeConditions() keeps lastTransitionTime while the status is the same, though all else changes", () => {
  const present = [since(THEN, condition("Accepted", "True", 1))];
  const desired = [{ ...condition("Accepted", "True", 2), message: "new words" }];
  assertEquals(mergeConditions(present, desired, NOW), [{ ...desired[0]!, lastTransitionTime: THEN }]);
});

Deno.test("mergeConditions() sets lastTransitionTime when the status changes, and on a new condition", () => {
  const present = [since(THEN, condition("Accepted", "True"))];
  const desired = [condition("Accepted", "False"), condition("Programmed", "False")];
  assertEquals(mergeConditions(present, desired, NOW), desired.map((one) => since(NOW, one)));
});

Deno.test("mergeConditions() gives one object for equal conditions of the same time", () => {
  const merged = (status: Condition["status"]): Condition | undefined =>
    mergeConditions([], [condition("Accepted", status)], NOW)[0];
  assertStrictEquals(merged("True"), merged("True"));
  assertEquals(merged("False")?.status, "False");
});

Deno.test("mergeConditions() leaves conditions of other types where they are", () => {
  const foreign = since(THEN, condition("example.com/Audited", "Unknown"));
  const present = [foreign, since(THEN, condition("Accepted", "True"))];
  assertEquals(mergeConditions(present, [condition("Accepted", "True")], NOW), present);
});

Deno.test("mergeStatus() returns the present status itself when it says all already", () => {
  const present = { conditions: [since(THEN, condition("Accepted", "True"))], other: 1 };
  assertStrictEquals(
    mergeStatus("GatewayClass", present, { conditions: [condition("Accepted", "True")] }, NOW),
    present,
  );
});

Deno.test("mergeStatus() writes a Gateway's own fields whole and takes away those it no longer has", () => {
  const listener = (name: string, status: Condition["status"]): Status => ({
    name,
    conditions: [condition("Programmed", status)],
  });
  const present: Status = {
    addresses: [{ value: "192.0.2.1" }],
    listeners: [
      { name: "gone", conditions: [] },
      {
        name: "tcp",
        conditions: [
          since(THEN, condition("Programmed", "True")),
          since(THEN, condition("x.io/Foreign", "True")),
        ],
      },
    ],
    conditions: [],
    foreign: "stays",
  };
  const merged = mergeStatus("Gateway", present, {
    listeners: [listener("tcp", "True"), listener("udp", "False")],
    conditions: [],
  }, NOW);
  assertEquals(merged, {
    foreign: "stays",
    conditions: [],
    listeners: [
      {
        name: "tcp",
        conditions: [
          since(THEN, condition("Programmed", "True")),
          since(THEN, condition("x.io/Foreign", "True")),
        ],
      },
      { name: "udp", conditions: [since(NOW, condition("Programmed", "False"))] },
    ],
  });
});

const entry = (parentRef: unknown, controllerName: string, ...conditions: Condition[]): unknown => ({
  parentRef,
  controllerName,
  conditions,
});

Deno.test("mergeStatus() touches only our entries of a route's parents", () => {
  const foreign = entry({ name: "web" }, "example.com/other", since(THEN, condition("Accepted", "False")));
  const present = {
    parents: [
      entry({ name: "gone" }, OURS, since(THEN, condition("Accepted", "True"))),
      foreign,
      entry(
        { name: "web" },
        OURS,
        since(THEN, condition("Accepted", "True")),
        since(THEN, condition("x.io/Foreign", "True")),
      ),
    ],
  };
  const desired = {
    parents: [
      entry({ name: "new" }, OURS, condition("Accepted", "True")),
      entry({ name: "web" }, OURS, condition("Accepted", "False")),
    ],
  };
  assertEquals(mergeStatus("TCPRoute", present, desired, NOW), {
    parents: [
      entry({ name: "new" }, OURS, since(NOW, condition("Accepted", "True"))),
      foreign,
      entry(
        { name: "web" },
        OURS,
        since(NOW, condition("Accepted", "False")),
        since(THEN, condition("x.io/Foreign", "True")),
      ),
    ],
  });
});

Deno.test("mergeStatus() tells parentRefs to one Gateway apart by section and port", () => {
  const parents = [{ name: "web", sectionName: "a" }, { name: "web", sectionName: "b" }, {
    name: "web",
    port: 80,
  }]
    .map((parentRef) => entry(parentRef, OURS, condition("Accepted", "True")));
  const first = mergeStatus("UDPRoute", undefined, { parents }, THEN);
  assertEquals((first["parents"] as unknown[]).length, 3);
  assertStrictEquals(mergeStatus("UDPRoute", first, { parents: structuredClone(parents) }, NOW), first);
});

Deno.test("mergeStatus() puts a route's parents in the order of the route, whatever it was before", () => {
  const parents = ["a", "b"].map((name) => entry({ name }, OURS, condition("Accepted", "True")));
  const first = mergeStatus("TCPRoute", undefined, { parents }, THEN);
  assertEquals(mergeStatus("TCPRoute", first, { parents: parents.toReversed() }, NOW), {
    parents: (first["parents"] as unknown[]).toReversed(),
  });
});

Deno.test("mergeStatus() of a route without parents leaves the entries of others", () => {
  const foreign = entry({ name: "web" }, "example.com/other");
  const present = { parents: [entry({ name: "web" }, OURS), foreign] };
  assertEquals(mergeStatus("TCPRoute", present, { parents: [] }, NOW), { parents: [foreign] });
});

Deno.test("mergeStatus() leaves out the last of a route's parents when others' leave no room in the list", () => {
  const foreign = ["x", "y"].map((name) =>
    entry({ name }, "example.com/other", since(THEN, condition("Accepted", "True")))
  );
  const parents = Array.from(
    { length: 32 },
    (_, index) => entry({ name: `g${index}` }, OURS, condition("Accepted", "True")),
  );
  const merged = mergeStatus("TCPRoute", { parents: foreign }, { parents }, NOW);
  const names = (merged["parents"] as { parentRef: { name: string } }[]).map(({ parentRef }) =>
    parentRef.name
  );
  assertEquals(names, ["x", "y", ...Array.from({ length: 30 }, (_, index) => `g${index}`)]);
  assertStrictEquals(mergeStatus("TCPRoute", merged, { parents }, NOW), merged);
});
