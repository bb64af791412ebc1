// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertMatch } from "@std/assert";
import { clean, type CleanScope } from "./clean.ts";

/** Plain folders in the place of /run/blixt and of a bpffs. */
async function withScope(test: (scope: CleanScope, root: string) => Promise<void>): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await Deno.mkdir(`${root}/run/bpf`, { recursive: true });
    await Deno.mkdir(`${root}/bpffs`);
    await test({ runRoot: `${root}/run`, bpffs: [`${root}/bpffs`] }, root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("clean() removes pins and run folders of every network namespace and nothing else", () =>
  withScope(async (scope, root) => {
    await Deno.mkdir(`${root}/bpffs/blixt/11/links`, { recursive: true });
    await Deno.mkdir(`${root}/bpffs/blixt/12`);
    await Deno.mkdir(`${root}/bpffs/cilium`);
    await Deno.mkdir(`${root}/run/11`);
    await Deno.writeTextFile(`${root}/run/11/loader.sock`, "");
    assertEquals((await clean(scope)).map((line) => line.replaceAll(root, "")), [
      "unpinned /bpffs/blixt/11/links",
      "unpinned /bpffs/blixt/11",
      "unpinned /bpffs/blixt/12",
      "unpinned /bpffs/blixt",
      "removed  /run/11/loader.sock",
      "removed  /run/11",
    ]);
    assertEquals((await Deno.stat(`${root}/bpffs/cilium`)).isDirectory, true);
    assertEquals((await Deno.stat(`${root}/run/bpf`)).isDirectory, true);
    assertEquals(await clean(scope), []);
  }));

Deno.test("clean() ends what runs before it removes anything", () =>
  withScope(async (scope, root) => {
    await Deno.mkdir(`${root}/run/11`);
    const module = new URL("./start_lock.ts", import.meta.url).href;
    const holder = new Deno.Command(Deno.execPath(), {
      args: [
        "eval",
        `import { takeStartLock } from "${module}"; await takeStartLock("${root}/run/11/start.lock");` +
        `Deno.addSignalListener("SIGTERM", () => Deno.exit(7)); console.log("held"); setInterval(() => {}, 1000);`,
      ],
      stdout: "piped",
    }).spawn();
    const output = holder.stdout.getReader();
    await output.read();
    const [first, ...rest] = await clean(scope);
    assertMatch(first!, new RegExp(`^ended    deno task start, process ${holder.pid}$`));
    assertEquals(rest.length, 2);
    assertEquals((await holder.status).code, 7);
    await output.cancel();
  }));
