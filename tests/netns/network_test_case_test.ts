// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { networkTestObstacle } from "./network_test_case.ts";

Deno.test("networkTestObstacle() names root first, then the programs that are missing", () => {
  const folders = ["/nonexistent"];
  assertEquals(networkTestObstacle([], { uid: 1000, folders }), "needs root");
  const missing = networkTestObstacle(["iperf3"], { uid: 0, folders });
  assertEquals(missing, "needs ethtool, ip, nft, nsenter, socat, sysctl, iperf3");
});
