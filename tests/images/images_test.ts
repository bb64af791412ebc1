// SPDX-License-Identifier: Apache-2.0

// The images as built here: what their Containerfiles copy, and that they run
// from it alone.

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { run, runOrThrow } from "../../controlplane/tasks/command.ts";
import { buildImages } from "./build_images.ts";
import { describeImage } from "./images.ts";

const [controlPlane, loader] = await buildImages();

/** Unpacks an image, for a body that runs programs with it as their root. */
async function withRoot(archive: string, body: (root: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-root-" });
  try {
    await Deno.chmod(folder, 0o755);
    await runOrThrow(["tar", "-xf", archive], { cwd: folder });
    await Deno.mkdir(`${folder}/root`);
    await runOrThrow(["tar", "-xf", "layer.tar", "-C", "root"], { cwd: folder });
    await body(`${folder}/root`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the loader's image is one static program", async () => {
  const { files, entrypoint, reference } = await describeImage("loader");
  assertEquals(files.map(({ path }) => path), entrypoint);
  assertStringIncludes(reference, "blixt-loader:");
  await withRoot(loader!, async (root) => {
    assertStringIncludes(await runOrThrow(["chroot", root, ...entrypoint, "--version"]), "blixt-loader");
  });
});

Deno.test("the control plane's image has sources without tests, packages, the kernel object and what Deno links", async () => {
  const { files, user } = await describeImage("controlplane");
  const names = files.map(({ path }) => path);
  for (
    const path of ["/usr/bin/deno", "/blixt/deno.lock", "/blixt/proto/loader.proto", "/blixt/kernel-object"]
  ) {
    assert(names.includes(path), path);
  }
  assert(names.some((path) => path.endsWith("/libc.so.6")));
  assert(names.some((path) => path.startsWith("/deno-dir/npm/registry.npmjs.org/@kubernetes/client-node/")));
  assertEquals(names.filter((path) => path.startsWith("/blixt/") && path.endsWith("_test.ts")), []);
  assertEquals(new Set(names).size, names.length);
  assertEquals(user, "65532:65532");
});

Deno.test("the control plane starts as its image's user, offline, with a root that it cannot write, and loads every package", async () => {
  const { entrypoint, env = {} } = await describeImage("controlplane");
  await withRoot(controlPlane!, async (root) => {
    await Deno.mkdir(`${root}/proc`); // As container runtimes do; Deno reads its own memory map.
    const { code, output } = await run([
      ...["unshare", "--net", "--pid", "--fork", `--mount-proc=${root}/proc`],
      ...["chroot", "--userspec=65532:65532", "--groups=", root],
      ...entrypoint,
      ..."--in-cluster --node=n1 --loader=unix:/run/blixt/l.sock --object=/blixt/kernel-object".split(" "),
    ], { env });
    // Only a pod has this variable; it is looked for once everything was imported.
    assertStringIncludes(output, "KUBERNETES_SERVICE_HOST is not set");
    assertEquals(code, 1);
  });
});
