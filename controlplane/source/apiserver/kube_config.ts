// SPDX-License-Identifier: Apache-2.0

import { KubeConfig } from "@kubernetes/client-node";
import type { ApiServer, Credentials } from "./api_client.ts";

/** Which API server, and as whom. */
export interface KubeConfigOptions {
  /** Path of a kubeconfig file. */
  readonly kubeconfig: string;
  /** A context of that file; its current one when absent. */
  readonly context?: string;
}

/** Reads the kubeconfig once; certificates and tokens that it names are read again whenever they are needed. */
export function loadApiServer({ kubeconfig, context }: KubeConfigOptions): ApiServer {
  const config = new KubeConfig();
  try {
    config.loadFromFile(kubeconfig);
  } catch (error) {
    throw new Error(`Kubeconfig ${kubeconfig} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  if (context !== undefined) selectContext(config, context);
  const cluster = config.getCurrentCluster();
  if (cluster === null) {
    throw new Error(
      `Kubeconfig ${kubeconfig} has no cluster for context ${config.getCurrentContext()}; name another`,
    );
  }
  if (cluster.skipTLSVerify) {
    throw new Error(
      `Cluster ${cluster.name} asks for insecure-skip-tls-verify, which is not supported; set certificate-authority instead`,
    );
  }
  return { url: cluster.server.replace(/\/+$/, ""), credentials: () => readCredentials(config) };
}

function selectContext(config: KubeConfig, context: string): void {
  const names = config.getContexts().map(({ name }) => name);
  if (!names.includes(context)) {
    throw new Error(`The kubeconfig has no context ${context}; it has ${names.join(", ")}`);
  }
  config.setCurrentContext(context);
}

/** What KubeConfig puts into the options of a Node request: certificates as bytes, headers, basic authentication. */
interface NodeOptions {
  ca?: Uint8Array;
  cert?: Uint8Array;
  key?: Uint8Array;
  headers?: Record<string, string>;
  auth?: string;
}

async function readCredentials(config: KubeConfig): Promise<Credentials> {
  const options: NodeOptions = {};
  await config.applyToHTTPSOptions(options as Parameters<KubeConfig["applyToHTTPSOptions"]>[0]);
  const { ca, cert, key, headers = {}, auth } = options;
  const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return {
    ...(ca !== undefined && { ca: text(ca) }),
    ...(cert !== undefined && { cert: text(cert) }),
    ...(key !== undefined && { key: text(key) }),
    headers: { ...headers, ...(auth !== undefined && { authorization: `Basic ${btoa(auth)}` }) },
  };
}
