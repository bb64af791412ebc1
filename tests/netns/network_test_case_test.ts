// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { networkTestObstacle } from "./network_test_case.ts";

Deno.test("networkTestObstacle() names root first, then the programs that are missing", () => {
  assertEquals(networkTestObstacle(1000), "needs root");
  assertEquals(networkTestObstacle(0, ["/nonexistent"]), "needs ethtool, ip, nft, nsenter, socat, sysctl");
});
