// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { Fullness } from "./fullness.ts";
import type { Use } from "./use.ts";

/** A table for a thousand flows that has so many which go on. */
const table = (live: number, of: "flows4" | "flows6" = "flows4"): Use => ({
  of,
  name: of === "flows4" ? "flows over IPv4" : "flows over IPv6",
  used: 1_000,
  live,
  most: 1_000,
  memory: 300_000,
  estimated: false,
});

/** Which tables are full after each of these numbers of flows. */
function after(...numbers: readonly number[]): string[] {
  const subject = new Fullness();
  return numbers.map((live) => subject.update([table(live)]).map(({ of }) => of).join());
}

Deno.test("Fullness counts flows that go on, not those that have ended and only fill the table", () => {
  assertEquals(after(0, 949), ["", ""]);
  assertEquals(after(950), ["flows4"]);
});

Deno.test("Fullness takes a table as full until it is clearly not: it says nothing of what comes and goes in between", () => {
  assertEquals(after(960, 940, 960, 800, 799, 940, 950), [
    "flows4",
    "flows4",
    "flows4",
    "flows4",
    "",
    "",
    "flows4",
  ]);
});

Deno.test("Fullness.update() says the same as long as nothing begins or ends, whatever the numbers", () => {
  const subject = new Fullness();
  const first = subject.update([table(970), table(3, "flows6")]);
  assertEquals(subject.update([table(990), table(5, "flows6")]), first);
  assertEquals(subject.update([table(990), table(999, "flows6")]).map(({ of }) => of), ["flows4", "flows6"]);
});

Deno.test("Fullness says the number, the limit, the option to raise and what that costs", () => {
  assertEquals(
    new Fullness().update([table(970, "flows6")]).map(({ message }) => message),
    [
      "970 of at most 1,000 flows over IPv6 go on, and for a new one the one that was silent longest is forgotten. " +
      "Raise --flows: 2,000 would take 600.0 kB instead of 300.0 kB",
    ],
  );
});
