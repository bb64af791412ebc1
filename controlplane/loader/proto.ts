// SPDX-License-Identifier: Apache-2.0

import { loadPackageDefinition, type ServiceClientConstructor } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { fileURLToPath } from "node:url";

const PROTO = new URL("../../proto/loader.proto", import.meta.url);

/** Reads proto/loader.proto and returns the client class of its service, which also describes a server. */
export function loaderService(): ServiceClientConstructor {
  // 64-bit numbers here count operations and generations: they stay far below 2^53.
  const definition = loadSync(fileURLToPath(PROTO), {
    longs: Number,
    enums: Number,
    defaults: true,
    oneofs: true,
  });
  // deno-lint-ignore no-explicit-any -- grpc-js types a loaded package as a tree of unknown depth
  const root = loadPackageDefinition(definition) as any;
  return root.blixt.loader.v1.Loader;
}
