// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { SUPPORTED_FEATURES } from "./supported_features.ts";

Deno.test("SUPPORTED_FEATURES is sorted and without duplicates, as the API asks", () => {
  assertEquals([...new Set(SUPPORTED_FEATURES)].sort(), SUPPORTED_FEATURES);
});

Deno.test("SUPPORTED_FEATURES claims no layer-7 feature", () => {
  assertEquals(SUPPORTED_FEATURES.filter((name) => /HTTP|TLS|GRPC|Mesh/.test(name)), []);
});
