// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { run } from "./command.ts";
import { lockHolder, takeStartLock } from "./start_lock.ts";

async function withLock(test: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await test(`${folder}/start.lock`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("takeStartLock() refuses a second holder and names the first", () =>
  withLock(async (path) => {
    using _first = await takeStartLock(path, 4711);
    assertEquals(await lockHolder(path), 4711);
    await assertRejects(() => takeStartLock(path, 4712), Error, "as process 4711: stop that one first");
    assertEquals(await lockHolder(path), 4711);
  }));

Deno.test("takeStartLock() can be taken again once it was given back", () =>
  withLock(async (path) => {
    (await takeStartLock(path, 123456))[Symbol.dispose]();
    assertEquals(await lockHolder(path), undefined);
    using _second = await takeStartLock(path, 7);
    assertEquals(await Deno.readTextFile(path), "7\n");
  }));

Deno.test("takeStartLock() ends with a holder that is killed", () =>
  withLock(async (path) => {
    const module = new URL("./start_lock.ts", import.meta.url).href;
    const source = `import { takeStartLock } from "${module}"; await takeStartLock("${path}");` +
      `Deno.kill(Deno.pid, "SIGKILL");`;
    await run([Deno.execPath(), "eval", source]);
    assertEquals((await Deno.readTextFile(path)).length > 1, true);
    assertEquals(await lockHolder(path), undefined);
  }));

Deno.test("lockHolder() is nobody where there is no lock", () =>
  withLock(async (path) => assertEquals(await lockHolder(path), undefined)));
