// SPDX-License-Identifier: Apache-2.0

import { dirname } from "@std/path";
import { createHash } from "node:crypto";
import { encodeHeader, entrySize, padding, TAR_END, type TarHeader } from "./tar.ts";

/** A file in an image. */
export interface ImageFile {
  /** Absolute path in the image. */
  readonly path: string;
  /** Path on this machine. */
  readonly source: string;
}

/** An image, as far as running it goes. */
export interface Image {
  /** "ghcr.io/kubernetes-sigs/blixt-loader:v0.1.0". */
  readonly reference: string;
  readonly files: readonly ImageFile[];
  readonly entrypoint: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly labels?: Readonly<Record<string, string>>;
  /** "65532:65532"; user 0 when absent or empty. */
  readonly user?: string;
}

/** Names of processors as image configurations have them (GOARCH). */
const ARCHITECTURES = { x86_64: "amd64", aarch64: "arm64" } as const;

/**
 * Writes an image of one layer as `docker save` does, for `docker load` and
 * `ctr images import`. Equal files give an equal archive. The archive appears
 * only when it is whole.
 */
export async function writeImage(image: Image, archive: string): Promise<void> {
  const partial = `${archive}.partial`;
  await Deno.mkdir(dirname(archive), { recursive: true });
  using output = await Deno.open(partial, { create: true, write: true, truncate: true });
  const write = (bytes: Uint8Array): void => {
    for (let done = 0; done < bytes.length;) done += output.writeSync(bytes.subarray(done));
  };
  const writeText = (path: string, text: string): void => {
    const bytes = new TextEncoder().encode(text);
    write(encodeHeader({ path, type: "file", mode: 0o644, size: bytes.length }));
    write(bytes);
    write(new Uint8Array(padding(bytes.length)));
  };

  const entries = await listEntries(image.files);
  const size = entries.reduce((sum, { header }) => sum + entrySize(header.size), TAR_END.length);
  write(encodeHeader({ path: "layer.tar", type: "file", mode: 0o644, size }));
  const hash = createHash("sha256");
  for await (const chunk of layer(entries)) {
    hash.update(chunk);
    write(chunk);
  }
  write(new Uint8Array(padding(size)));
  const config = configuration(image, `sha256:${hash.digest("hex")}`);
  const name = `${createHash("sha256").update(config).digest("hex")}.json`;
  writeText(name, config);
  writeText(
    "manifest.json",
    JSON.stringify([{ Config: name, RepoTags: [image.reference], Layers: ["layer.tar"] }]),
  );
  write(TAR_END);
  await Deno.rename(partial, archive);
}

interface Entry {
  readonly header: TarHeader;
  readonly source?: string;
}

/** Files by path, each after the folders that it is in. */
async function listEntries(files: readonly ImageFile[]): Promise<Entry[]> {
  const entries = new Map<string, Entry>();
  for (const { path, source } of files.toSorted((a, b) => a.path < b.path ? -1 : 1)) {
    const inside = path.slice(1);
    for (let slash = inside.indexOf("/"); slash >= 0; slash = inside.indexOf("/", slash + 1)) {
      const folder = inside.slice(0, slash);
      entries.set(folder, { header: { path: folder, type: "directory", mode: 0o755, size: 0 } });
    }
    const { size, mode } = await Deno.stat(source);
    const executable = ((mode ?? 0) & 0o100) !== 0;
    entries.set(inside, {
      header: { path: inside, type: "file", mode: executable ? 0o755 : 0o644, size },
      source,
    });
  }
  return [...entries.values()];
}

async function* layer(entries: readonly Entry[]): AsyncGenerator<Uint8Array> {
  for (const { header, source } of entries) {
    yield encodeHeader(header);
    if (source === undefined) continue;
    let read = 0;
    for await (const chunk of (await Deno.open(source)).readable) {
      read += chunk.length;
      yield chunk;
    }
    if (read !== header.size) throw new Error(`${source} changed while it was read; build the image again`);
    yield new Uint8Array(padding(header.size));
  }
  yield TAR_END;
}

/** The image's configuration (OCI image specification v1.1, config.md). */
function configuration({ entrypoint, env = {}, labels = {}, user = "" }: Image, layer: string): string {
  return JSON.stringify({
    architecture: ARCHITECTURES[Deno.build.arch],
    os: "linux",
    config: {
      Entrypoint: entrypoint,
      Env: Object.entries({ PATH: "/usr/bin:/bin", ...env }).map(([name, value]) => `${name}=${value}`),
      Labels: labels,
      User: user,
    },
    rootfs: { type: "layers", diff_ids: [layer] },
  });
}
