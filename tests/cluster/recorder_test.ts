// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { type Detached, killDetached } from "./detached.ts";
import { Recorder } from "./recorder.ts";

/** A recorder, and all lists that it has saved. */
async function withRecorder(work: (recorder: Recorder, saved: Detached[][]) => Promise<void>): Promise<void> {
  const logs = await Deno.makeTempDir({ prefix: "blixt-recorder-" });
  const saved: Detached[][] = [];
  const save = (processes: readonly Detached[]): Promise<void> => {
    saved.push([...processes]);
    return Promise.resolve();
  };
  try {
    await work(new Recorder({ logs, save }), saved);
  } finally {
    await killDetached(saved.at(-1) ?? []);
    await Deno.remove(logs, { recursive: true });
  }
}

Deno.test("Recorder.start() records a process before it asks whether it is ready", () =>
  withRecorder(async (recorder, saved) => {
    let known: string[] = [];
    const pid = await recorder.start("sleeper", ["sleep", "60"], () => {
      known = saved.flat().map(({ name }) => name);
      return Promise.resolve(true);
    });
    assertEquals(known, ["sleeper"]);
    assertEquals(saved.at(-1)?.map((process) => process.pid), [pid]);
  }));

Deno.test("Recorder.start() records also what does not come up", () =>
  withRecorder(async (recorder, saved) => {
    await assertRejects(
      () => recorder.start("quitter", ["false"], () => Promise.resolve(false)),
      Error,
      "quitter ended",
    );
    assertEquals(saved.at(-1)?.map(({ name }) => name), ["quitter"]);
  }));

Deno.test("Recorder.start() keeps everything that starts side by side", () =>
  withRecorder(async (recorder, saved) => {
    await Promise.all(["a", "b", "c"].map((name) => recorder.start(name, ["sleep", "60"])));
    assertEquals(saved.at(-1)?.map(({ name }) => name).sort(), ["a", "b", "c"]);
    const sizes = saved.map(({ length }) => length);
    assertEquals(sizes, sizes.toSorted());
  }));
