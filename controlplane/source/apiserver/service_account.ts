// SPDX-License-Identifier: Apache-2.0

// The API server as a pod reaches it ("Accessing the Kubernetes API from a Pod"). @kubernetes/client-node knows how
// too, but brings models of all kinds along: 66 MB and a second that every node would pay.

import type { ApiServer, Credentials } from "./api_client.ts";

/** Where the kubelet puts the service account's token, which it renews, and the authorities. */
const FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount";

/** The API server by the service account of this pod. Throws where this is none. */
export function podApiServer(folder = FOLDER): ApiServer {
  const host = Deno.env.get("KUBERNETES_SERVICE_HOST") ?? "";
  if (host === "") {
    throw new Error("KUBERNETES_SERVICE_HOST is not set: this is no pod; name a file with --kubeconfig");
  }
  const port = Deno.env.get("KUBERNETES_SERVICE_PORT") || "443";
  return {
    url: `https://${host.includes(":") ? `[${host}]` : host}:${port}`,
    credentials: () => readCredentials(folder),
  };
}

async function readCredentials(folder: string): Promise<Credentials> {
  const read = async (name: string): Promise<string> => {
    try {
      return await Deno.readTextFile(`${folder}/${name}`);
    } catch (error) {
      throw new Error(`The pod's service account cannot be read: ${(error as Error).message}`, {
        cause: error,
      });
    }
  };
  const [token, ca] = await Promise.all([read("token"), read("ca.crt")]);
  return { ca, headers: { Authorization: `Bearer ${token.trim()}` } };
}
