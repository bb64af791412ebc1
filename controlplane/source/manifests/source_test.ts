// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import { Store } from "../../store/store.ts";
import { formatProblem, type Problem } from "./problem.ts";
import { ManifestSource } from "./source.ts";

const service = (name: string, port: number): string =>
  `apiVersion: v1\nkind: Service\nmetadata: {name: ${name}}\nspec: {ports: [{port: ${port}}]}\n`;

interface Fixture {
  readonly folder: string;
  readonly store: Store;
  readonly source: ManifestSource;
  readonly problems: Problem[];
  readonly solved: Problem[];
  readonly write: (name: string, text: string) => Promise<void>;
}

async function withSource(body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-manifests-" });
  try {
    const store = new Store();
    const problems: Problem[] = [];
    const solved: Problem[] = [];
    const source = new ManifestSource({
      folder,
      store,
      onProblem: (problem) => problems.push(problem),
      onSolved: (problem) => solved.push(problem),
    });
    const write = (name: string, text: string): Promise<void> =>
      Deno.writeTextFile(`${folder}/${name}`, text);
    await body({ folder, store, source, problems, solved, write });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Runs the source until the condition holds, at most five seconds. */
async function until(
  store: Store,
  source: ManifestSource,
  act: () => Promise<void>,
  holds: () => boolean,
): Promise<void> {
  const stop = new AbortController();
  const running = source.run(stop.signal);
  const timeout = setTimeout(() => stop.abort(new Error("The change was not seen within a minute")), 60_000);
  try {
    await act();
    while (!holds()) await store.changed(stop.signal);
  } finally {
    clearTimeout(timeout);
    stop.abort();
    await running;
  }
}

const portOf = (store: Store, key: string): unknown =>
  (store.get("Service", key) as unknown as { spec: { ports: { port: number }[] } } | undefined)?.spec.ports[0]
    ?.port;

Deno.test("ManifestSource reads .yaml, .yml and .json in all folders, and no hidden or other file", async () => {
  await withSource(async ({ folder, store, source, write }) => {
    await Deno.mkdir(`${folder}/deeper/still`, { recursive: true });
    await Deno.mkdir(`${folder}/.git`);
    await write("a.yaml", service("a", 1));
    await write("deeper/b.yml", service("b", 1));
    await write(
      "deeper/still/c.json",
      JSON.stringify({ apiVersion: "v1", kind: "Service", metadata: { name: "c" }, spec: {} }),
    );
    await write(".d.yaml", service("d", 1));
    await write("e.yaml~", service("e", 1));
    await write(".git/f.yaml", service("f", 1));
    await source.read();
    assertEquals([...store.snapshot().Service.keys()].sort(), ["default/a", "default/b", "default/c"]);
    assertEquals(store.isSynced, true);
  });
});

Deno.test("ManifestSource makes up the namespaces that objects live in, with the label all namespaces have", async () => {
  await withSource(async ({ store, source, write }) => {
    await write(
      "a.yaml",
      `${
        service("a", 1)
      }---\napiVersion: v1\nkind: Namespace\nmetadata: {name: infra, labels: {team: net}}\n`,
    );
    await source.read();
    const labels = [...store.snapshot().Namespace.values()].map(({ metadata }) => metadata.labels);
    assertEquals(labels, [
      { team: "net", "kubernetes.io/metadata.name": "infra" },
      { "kubernetes.io/metadata.name": "default" },
    ]);
  });
});

Deno.test("ManifestSource reads a folder again without a change in the store when nothing changed", async () => {
  await withSource(async ({ store, source, write }) => {
    await write("a.yaml", service("a", 1));
    await source.read();
    const before = store.snapshot();
    await source.read();
    assertStrictEquals(store.snapshot(), before);
  });
});

Deno.test("ManifestSource sees a file that is written in place", async () => {
  await withSource(async ({ store, source, write }) => {
    await write("a.yaml", service("a", 1));
    await source.read();
    await until(
      store,
      source,
      () => write("a.yaml", service("a", 2)),
      () => portOf(store, "default/a") === 2,
    );
  });
});

Deno.test("ManifestSource sees a file that is replaced by renaming, as editors do", async () => {
  await withSource(async ({ folder, store, source, write }) => {
    await write("a.yaml", service("a", 1));
    await source.read();
    await until(store, source, async () => {
      await write("a.yaml.new", service("a", 2));
      await Deno.rename(`${folder}/a.yaml.new`, `${folder}/a.yaml`);
    }, () => portOf(store, "default/a") === 2);
  });
});

Deno.test("ManifestSource sees links swapped, as a ConfigMap's volume does", async () => {
  await withSource(async ({ folder, store, source, write }) => {
    for (const version of [1, 2]) {
      await Deno.mkdir(`${folder}/..version_${version}`);
      await write(`..version_${version}/a.yaml`, service("a", version));
    }
    await Deno.symlink("..version_1", `${folder}/..data`);
    await Deno.symlink("..data/a.yaml", `${folder}/a.yaml`);
    await source.read();
    assertEquals(portOf(store, "default/a"), 1);
    await until(store, source, async () => {
      await Deno.symlink("..version_2", `${folder}/..data_new`);
      await Deno.rename(`${folder}/..data_new`, `${folder}/..data`);
    }, () => portOf(store, "default/a") === 2);
  });
});

Deno.test("ManifestSource sees a new folder and a removed file", async () => {
  await withSource(async ({ folder, store, source, write }) => {
    await write("a.yaml", service("a", 1));
    await source.read();
    await until(store, source, async () => {
      await Deno.mkdir(`${folder}/new`);
      await write("new/b.yaml", service("b", 1));
      await Deno.remove(`${folder}/a.yaml`);
    }, () => portOf(store, "default/b") === 1 && portOf(store, "default/a") === undefined);
  });
});

Deno.test("ManifestSource says a problem once, and when it is solved", async () => {
  await withSource(async ({ folder, source, problems, solved, write }) => {
    await write("a.yaml", service("a", 99999));
    await source.read();
    await source.read();
    const text = `${folder}/a.yaml:4: Service default/a: spec.ports[0].port: is 99999, must be 1 to 65535`;
    assertEquals(problems.map(formatProblem), [text]);
    await write("a.yaml", service("a", 1));
    await source.read();
    assertEquals(solved.map(formatProblem), [text]);
  });
});

Deno.test("ManifestSource keeps everything while the folder itself is away", async () => {
  await withSource(async ({ folder, store, source, problems, write }) => {
    await write("a.yaml", service("a", 1));
    await source.read();
    await Deno.rename(folder, `${folder}.away`);
    await source.read();
    await Deno.rename(`${folder}.away`, folder);
    assertEquals(portOf(store, "default/a"), 1);
    assertEquals(problems.map(({ file, severity }) => [file, severity]), [[folder, "error"]]);
  });
});

Deno.test("ManifestSource joins a status to its object, and keeps it when the manifest changes", async () => {
  await withSource(async ({ store, source, write }) => {
    await write("a.yaml", service("a", 1));
    await source.read();
    const status = { addresses: [{ value: "192.0.2.1" }] };
    source.setStatus("Service", "default/a", status);
    await write("a.yaml", service("a", 2));
    await source.read();
    const object = store.get("Service", "default/a");
    assertEquals(portOf(store, "default/a"), 2);
    assertEquals((object as { status?: unknown }).status, status);
    await source.read();
    assertStrictEquals(store.get("Service", "default/a"), object);
  });
});

Deno.test("ManifestSource leaves the store alone while nothing changes, and tells when the folder is back as it was", () => {
  return withSource(async ({ folder, store, source, problems, solved, write }) => {
    await write("a.yaml", service("one", 1));
    // A file as old as this is known by its time stamp.
    await Deno.utime(`${folder}/a.yaml`, 1_000_000_000, 1_000_000_000);
    await source.read();
    const stop = new AbortController();
    let changes = 0;
    const counting = store.changed(stop.signal).then(() => changes++, () => {});
    await source.read();
    stop.abort();
    await counting;
    assertEquals(changes, 0);
    await Deno.rename(folder, `${folder}-away`);
    await source.read();
    assertEquals(problems.length, 1);
    await Deno.rename(`${folder}-away`, folder);
    await source.read();
    assertEquals(solved, problems);
    assertEquals(portOf(store, "default/one"), 1);
  });
});
