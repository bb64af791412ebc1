// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { Change } from "./operation.ts";
import { Phases } from "./phases.ts";

/** A change that only has to be told from others. */
const change = (key: number): Change => ({ map: "service_stats", key, value: undefined });

Deno.test("Phases.all() has what is new from the inside out, then what goes from the outside in", () => {
  const phases = new Phases();
  const names = [
    "nodes",
    "serviceStats",
    "backendStats",
    "backends",
    "tables",
    "services",
    "addresses",
    "oldServices",
    "oldTables",
    "oldBackends",
  ] as const;
  // Filled in another order than that of all().
  for (const [index, name] of [...names.entries()].reverse()) phases[name].push(change(index));
  assertEquals(phases.all(), names.map((_, index) => change(index)));
});
