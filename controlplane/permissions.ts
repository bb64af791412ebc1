// SPDX-License-Identifier: Apache-2.0

// The environment variables that are read, for --allow-env. With --kubeconfig
// it names none: @kubernetes/client-node, which reads that file and which a pod
// does without, brings packages that list the whole environment.

/** Those of @grpc/grpc-js, when it is imported or makes a client without a proxy. */
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
];

/** Those of yaml, when it reads a document. */
const YAML_ENVIRONMENT: readonly string[] = ["LOG_STREAM", "LOG_TOKENS"];

/** All that the control plane needs with --manifests. */
export const MANIFESTS_ENVIRONMENT: readonly string[] = [...GRPC_ENVIRONMENT, ...YAML_ENVIRONMENT];

/** All that it needs in a pod, with --in-cluster; the image's Containerfile has the same. */
export const POD_ENVIRONMENT: readonly string[] = [
  ...GRPC_ENVIRONMENT,
  "KUBERNETES_SERVICE_HOST",
  "KUBERNETES_SERVICE_PORT",
  "NODE_NAME",
];
