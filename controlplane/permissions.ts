// SPDX-License-Identifier: Apache-2.0

/**
 * The environment variables that @grpc/grpc-js reads; with --manifests the
 * control plane needs no other. @kubernetes/client-node brings packages that
 * list the whole environment, so with an API server --allow-env names none.
 */
export const GRPC_ENVIRONMENT: readonly string[] = [
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  "GRPC_EXPERIMENTAL_ENABLE_OUTLIER_DETECTION",
  "GRPC_NODE_DEBUG_SEND_ERROR_DETAILS",
  "GRPC_NODE_TRACE",
  "GRPC_NODE_USE_ALTERNATIVE_RESOLVER",
  "GRPC_NODE_VERBOSITY",
  "GRPC_SSL_CIPHER_SUITES",
  "GRPC_TRACE",
  "GRPC_VERBOSITY",
  "LOG_STREAM",
  "LOG_TOKENS",
];
