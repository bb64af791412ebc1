// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { FakeBench } from "./fake_bench.ts";
import { MissingFeatureError, requireFeatures } from "./requirements.ts";

const feature = (name: string, supported: boolean, detail = "tried: works") => ({ name, supported, detail });

Deno.test("requireFeatures() is content with what is there, and with the lack of what Blixt does without", () => {
  requireFeatures("6.12.0", [feature("tcx", true), feature("xdp", false), feature("from_the_future", false)]);
});

Deno.test("requireFeatures() names every missing feature, the kernel that has it, and how it was tried", () => {
  assertThrows(
    () =>
      requireFeatures("5.10.0-8-amd64", [
        feature("tcx", false, "query a TCX hook: Invalid argument (os error 22)"),
        feature("lru_hash", true),
        feature("bpffs", false, "pin a map in /tmp/x: Operation not permitted"),
      ]),
    MissingFeatureError,
    "Linux 5.10.0-8-amd64 cannot run Blixt, which needs programs at TCX hooks, Linux 6.6 or newer (query a TCX " +
      "hook: Invalid argument (os error 22)); a place for pins, a bpffs mounted where the loader's --pin-dir is " +
      "(pin a map in /tmp/x: Operation not permitted)",
  );
});

Deno.test("Dataplane gives up on a kernel that lacks something, before anything is loaded", async () => {
  await using bench = await FakeBench.start();
  bench.fake.faults.missingFeatures.add("tcx");
  const subject = bench.make();
  await assertRejects(
    () => subject.run(AbortSignal.timeout(60_000)),
    MissingFeatureError,
    "programs at TCX hooks, Linux 6.6 or newer",
  );
  assertThrows(() => bench.fake.object("blixt"), Error, "No object blixt is loaded");
  await subject.close({ unload: false });
  assertEquals(bench.log, []);
});
