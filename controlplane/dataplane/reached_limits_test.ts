// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { ReachedLimits } from "./reached_limits.ts";

const flows = { of: "flows4", message: "Full of flows" };
const nodes = { of: "nodes", message: "3 too many" };

Deno.test("ReachedLimits says what begins and what ends, once each, and tells all of them together", () => {
  const [log, told]: [string[], string[]] = [[], []];
  const subject = new ReachedLimits({
    log: (line) => log.push(line),
    onReached: (limits) => told.push(limits.map(({ of }) => of).join()),
  });
  subject.set("session", []);
  subject.set("flows", [flows]);
  subject.set("flows", [{ ...flows }]);
  subject.set("session", [nodes]);
  subject.set("session", [{ ...nodes, message: "4 too many" }]);
  subject.set("flows", []);
  subject.set("session", []);
  assertEquals(log, [
    "Full of flows.",
    "3 too many.",
    "4 too many.",
    "The map flows4 has room again.",
    "The map nodes has room again.",
  ]);
  assertEquals(told, ["flows4", "nodes,flows4", "nodes,flows4", "nodes", ""]);
});
