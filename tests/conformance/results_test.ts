// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseResult, parseUnsupported, plainLine } from "./results.ts";

Deno.test("parseResult() reads how a test of the suite ended", () => {
  const line = "    --- FAIL: TestConformance/TCPRouteWeightedRouting (31.57s)";
  assertEquals(parseResult(line), { outcome: "FAIL", name: "TCPRouteWeightedRouting", seconds: 31.57 });
});

Deno.test("parseResult() passes over the suite as a whole, parts of tests and everything else", () => {
  for (
    const line of [
      "--- FAIL: TestConformance (482.02s)",
      "        --- PASS: TestConformance/UDPRoute/Simple_UDP_request (0.18s)",
      "=== RUN   TestConformance/UDPRoute",
      "    conformance.go:77: --- PASS",
    ]
  ) assertEquals(parseResult(line), undefined);
});

Deno.test("parseUnsupported() reads the name of a test that is about another feature", () => {
  const line = "    conformance.go:58: Skipping HTTPRouteWeight: suite does not support HTTPRoute";
  assertEquals(parseUnsupported(line), "HTTPRouteWeight");
  assertEquals(parseUnsupported("Skipping UDPRoute: test explicitly skipped"), undefined);
});

Deno.test("plainLine() counts outcomes", () => {
  const result = (outcome: "PASS" | "FAIL" | "SKIP") => ({ name: "x", outcome, seconds: 1 });
  assertEquals(plainLine([result("PASS"), result("SKIP"), result("PASS")]), "2 passed, 0 failed, 1 skipped");
  assertEquals(plainLine([result("FAIL")]), "0 passed, 1 failed, 0 skipped");
});
