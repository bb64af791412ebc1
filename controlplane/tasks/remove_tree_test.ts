// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { removeTree } from "./remove_tree.ts";

Deno.test("removeTree() removes leaves before folders and names them", async () => {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/maps/inner`, { recursive: true });
  await Deno.writeTextFile(`${root}/link`, "");
  await Deno.writeTextFile(`${root}/maps/flows`, "");
  assertEquals(await removeTree(root), [
    `${root}/link`,
    `${root}/maps/flows`,
    `${root}/maps/inner`,
    `${root}/maps`,
    root,
  ]);
  assertEquals(await removeTree(root), []);
});
