// SPDX-License-Identifier: Apache-2.0

import { type ServiceError, status } from "@grpc/grpc-js";

/** gRPC status codes by name, as proto/loader.proto uses them. */
export const CODE = status;

/** Trailer of an Apply that stopped half way: operations that were done, decimal. */
export const APPLIED_TRAILER = "applied-operations";

/** The loader refused a request, or could not be reached. The message is the loader's own sentence. */
export class LoaderError extends Error {
  override readonly name = "LoaderError";
  /** gRPC status code. */
  readonly code: status;
  /** Of an Apply that stopped half way: how many operations are in the kernel. */
  readonly applied: number | undefined;

  constructor(
    code: status,
    message: string,
    options: { applied?: number | undefined; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.applied = options.applied;
  }
}

/** Turns what grpc-js reports into a LoaderError. */
export function toLoaderError(error: ServiceError): LoaderError {
  const applied = error.metadata?.get(APPLIED_TRAILER)[0];
  // Of a failed connection grpc-js says more than there is to say.
  const message = error.details.replace(/\. Resolution note: $/, "");
  return new LoaderError(error.code, message, {
    applied: applied === undefined ? undefined : Number(applied),
    cause: error,
  });
}
