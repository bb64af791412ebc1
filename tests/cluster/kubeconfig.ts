// SPDX-License-Identifier: Apache-2.0

import { stringify } from "yaml";
import type { KeyPair } from "./pki.ts";

/** A kubeconfig with everything in it, so that it can be read anywhere. */
export async function kubeconfigFor(server: string, authority: KeyPair, client: KeyPair): Promise<string> {
  const data = async (path: string): Promise<string> => btoa(await Deno.readTextFile(path));
  return stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{
      name: "blixt-test",
      cluster: { server, "certificate-authority-data": await data(authority.certificate) },
    }],
    users: [{
      name: "admin",
      user: {
        "client-certificate-data": await data(client.certificate),
        "client-key-data": await data(client.key),
      },
    }],
    contexts: [{ name: "blixt-test", context: { cluster: "blixt-test", user: "admin" } }],
    "current-context": "blixt-test",
  });
}
