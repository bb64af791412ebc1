// SPDX-License-Identifier: Apache-2.0

// What the control plane asks of the loader while nothing happens: packets share the machine with it.

import { assertEquals } from "@std/assert";
import { ManualClock } from "../manual_clock.ts";
import { BLIXT_SIZES } from "./blixt_object.ts";
import { FakeBench } from "./fake_bench.ts";
import { dataplane, group, service } from "./fixtures.ts";
import { OBJECT_NAME } from "./kernel.ts";

const MINUTE = 60_000;

for (
  const [number, what] of [[1, "one service"], [
    BLIXT_SIZES.services,
    "as many services as the maps hold",
  ]] as const
) {
  Deno.test(`Dataplane asks the loader for no more than four things a minute while nothing happens, with ${what}`, async () => {
    await using bench = await FakeBench.start();
    const clock = new ManualClock();
    const subject = bench.run({ clock });
    const services = Array.from(
      { length: number },
      (_, index) => service(`192.0.2.1:${index + 1}`, group(1, `10.0.0.${index}:80`, `10.0.1.${index}:80`)),
    );
    await bench.program(subject, dataplane(...services));
    const { calls } = bench.fake.faults;
    await clock.advance(MINUTE - 1);
    // The address is announced three times.
    await bench.until(() => calls.filter((call) => call === "run").length === 3);
    await bench.settled();
    for (const map of ["flows4", "flows6"]) {
      bench.fake.object(OBJECT_NAME).map(map).poke(new Uint8Array(16), new Uint8Array(8));
    }
    for (let minute = 1; minute <= 10; minute++) {
      calls.length = 0;
      await clock.advance(MINUTE);
      await bench.until(() => calls.length >= 4);
      await bench.settled();
      assertEquals([...calls], ["count", "dump", "count", "dump"], `minute ${minute}`);
    }
  });
}
