// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { StatusFile, type StatusItem } from "./status_file.ts";

const item = (name: string): StatusItem => ({
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name, namespace: "default", generation: 1 },
  status: { addresses: [{ type: "IPAddress", value: "192.0.2.1" }] },
});

async function withFolder(body: (folder: string, errors: string[]) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-status-" });
  try {
    await body(folder, []);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("StatusFile reads back what it wrote", async () => {
  await withFolder(async (folder, errors) => {
    const file = new StatusFile(`${folder}/status.yaml`, (text) => errors.push(text));
    file.write([item("a"), item("b")]);
    await file.close();
    assertEquals(await new StatusFile(`${folder}/status.yaml`, (text) => errors.push(text)).read(), [
      item("a"),
      item("b"),
    ]);
    assertEquals(errors, []);
  });
});

Deno.test("StatusFile writes a List that says what it is, and leaves no other file", async () => {
  await withFolder(async (folder) => {
    const file = new StatusFile(`${folder}/status.yaml`, () => {});
    file.write([item("a")]);
    await file.close();
    const text = await Deno.readTextFile(`${folder}/status.yaml`);
    assertEquals(text.split("\n").slice(0, 3), [
      "# What Blixt says of every object; written again whenever something changes.",
      "apiVersion: v1",
      "kind: List",
    ]);
    assertEquals((await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name), ["status.yaml"]);
  });
});

Deno.test("StatusFile.write() lets the latest of many win", async () => {
  await withFolder(async (folder) => {
    const file = new StatusFile(`${folder}/status.yaml`, () => {});
    for (let index = 0; index < 50; index++) file.write([item(`g${index}`)]);
    await file.close();
    assertEquals((await file.read()).map(({ metadata }) => metadata.name), ["g49"]);
  });
});

Deno.test("StatusFile.write() does not write the same again", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/status.yaml`;
    const file = new StatusFile(path, () => {});
    file.write([item("a")]);
    await file.close();
    await Deno.remove(path);
    file.write([item("a")]);
    await file.close();
    assertEquals(await file.read(), []);
  });
});

Deno.test("StatusFile.write() puts the right text in the place of every item, whatever came, went and moved", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/status.yaml`;
    const file = new StatusFile(path, () => {});
    const all = Array.from({ length: 1_200 }, (_, index) => item(`g${index}${"ä".repeat(index % 7)}`));
    const states = [
      all,
      all.filter((_, index) => index % 3 > 0),
      [item("first"), ...all.toReversed(), item("last")],
      [],
      all.map((one, index) => index === 700 ? { ...one, status: { conditions: [] } } : one),
    ];
    for (const items of states) {
      file.write(items);
      await file.close();
      assertEquals(await file.read(), items);
    }
  });
});

Deno.test("StatusFile.write() takes no text from a file that was edited, or is another's", async () => {
  await withFolder(async (folder) => {
    const path = `${folder}/status.yaml`;
    const file = new StatusFile(path, () => {});
    const [a, b] = [item("a"), item("b")];
    file.write([a]);
    await file.close();
    const text = await Deno.readTextFile(path);
    for (const other of [text.replaceAll("192.0.2.1", "192.0.2.222"), text.slice(0, 30), ""]) {
      await Deno.writeTextFile(path, other);
      file.write([a, b]);
      await file.close();
      assertEquals(await file.read(), [a, b]);
      file.write([a]);
      await file.close();
      assertEquals(await Deno.readTextFile(path), text);
    }
  });
});

Deno.test("StatusFile.read() finds nothing where there is no file, and says why a broken one does not count", async () => {
  await withFolder(async (folder, errors) => {
    const path = `${folder}/status.yaml`;
    const file = new StatusFile(path, (text) => errors.push(text));
    assertEquals(await file.read(), []);
    assertEquals(errors, []);
    for (const text of ["items: [", "just words", "items: 7", "items: [{}, 3]"]) {
      await Deno.writeTextFile(path, text);
      assertEquals(await file.read(), []);
    }
    assertEquals(errors.length, 1);
    assertEquals(errors[0]?.startsWith(`Status file ${path} cannot be read: `), true);
  });
});

Deno.test("StatusFile.write() says when it cannot, once for each content", async () => {
  await withFolder(async (folder, errors) => {
    const file = new StatusFile(`${folder}/missing/status.yaml`, (text) => errors.push(text));
    file.write([item("a")]);
    await file.close();
    file.write([item("a")]);
    await file.close();
    assertEquals(errors.length, 1);
    assertEquals(errors[0]?.includes("cannot be written"), true);
  });
});
