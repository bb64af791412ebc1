// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { isStillThere } from "../netns/processes.ts";
import { killDetached, startDetached, waitForDetached } from "./detached.ts";

async function withLog(work: (log: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "blixt-detached-" });
  try {
    await work(`${folder}/log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("startDetached() starts a leader of a session whose output goes to the log", () =>
  withLog(async (log) => {
    const process = startDetached("talker", ["sh", "-c", "echo out; echo err >&2; exec sleep 60"], log);
    const written = async (): Promise<boolean> => (await Deno.readTextFile(log)) === "out\nerr\n";
    await waitForDetached(process, written, 10_000);
    const [, fields = ""] = (await Deno.readTextFile(`/proc/${process.pid}/stat`)).split(") ");
    assertEquals(fields.split(" ")[3], `${process.pid}`);
    await killDetached([process]);
    assertEquals(isStillThere(process), false);
  }));

Deno.test("waitForDetached() fails with the log's end when the process ends", () =>
  withLog(async (log) => {
    const process = startDetached("quitter", ["sh", "-c", "echo no such address; exit 3"], log);
    const error = await assertRejects(
      () => waitForDetached(process, () => Promise.resolve(false), 10_000),
      Error,
      "quitter ended",
    );
    assertStringIncludes(error.message, "no such address");
  }));

Deno.test("killDetached() takes processes that have ended, and ends what ignores SIGTERM", () =>
  withLog(async (log) => {
    const gone = startDetached("gone", ["true"], log);
    const deaf = startDetached("deaf", ["sh", "-c", `trap "" TERM; echo up; while :; do sleep 1; done`], log);
    await waitForDetached(deaf, async () => (await Deno.readTextFile(log)).includes("up"), 10_000);
    await killDetached([gone, deaf]);
    assertEquals(isStillThere(deaf), false);
  }));
