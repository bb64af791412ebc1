// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { loadApiServer } from "./kube_config.ts";

const CONFIG = `apiVersion: v1
kind: Config
clusters:
- { name: first, cluster: { server: "https://first:6443/", certificate-authority-data: ${btoa("CA")} } }
- { name: second, cluster: { server: "https://second:6443/prefix", certificate-authority: ca.crt } }
- { name: careless, cluster: { server: "https://careless:6443", insecure-skip-tls-verify: true } }
users:
- { name: token, user: { token: secret } }
- { name: certificate, user: { client-certificate: admin.crt, client-key-data: ${btoa("KEY")} } }
- { name: password, user: { username: me, password: it } }
contexts:
- { name: one, context: { cluster: first, user: token } }
- { name: two, context: { cluster: second, user: certificate } }
- { name: three, context: { cluster: first, user: password } }
- { name: careless, context: { cluster: careless, user: token } }
- { name: dangling, context: { cluster: missing, user: token } }
current-context: one
`;

async function withConfig(
  text: string,
  body: (kubeconfig: string, folder: string) => Promise<void> | void,
): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-kubeconfig-" });
  try {
    await Deno.writeTextFile(`${folder}/config`, text);
    await Deno.writeTextFile(`${folder}/ca.crt`, "CA of a file");
    await Deno.writeTextFile(`${folder}/admin.crt`, "CERT");
    await body(`${folder}/config`, folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("loadApiServer() reads the current context, with a token", async () => {
  await withConfig(CONFIG, async (kubeconfig) => {
    const server = loadApiServer({ kubeconfig });
    assertEquals(server.url, "https://first:6443");
    assertEquals(await server.credentials(), { ca: "CA", headers: { Authorization: "Bearer secret" } });
  });
});

Deno.test("loadApiServer() reads another context, with certificates in files beside the kubeconfig", async () => {
  await withConfig(CONFIG, async (kubeconfig, folder) => {
    const server = loadApiServer({ kubeconfig, context: "two" });
    assertEquals(server.url, "https://second:6443/prefix");
    assertEquals(await server.credentials(), { ca: "CA of a file", cert: "CERT", key: "KEY", headers: {} });
    await Deno.writeTextFile(`${folder}/admin.crt`, "RENEWED");
    assertEquals((await server.credentials()).cert, "RENEWED");
  });
});

Deno.test("loadApiServer() reads a user name and password", async () => {
  await withConfig(CONFIG, async (kubeconfig) => {
    const { headers } = await loadApiServer({ kubeconfig, context: "three" }).credentials();
    assertEquals(headers, { authorization: `Basic ${btoa("me:it")}` });
  });
});

Deno.test("loadApiServer() says what is wrong with a kubeconfig", async () => {
  await withConfig(CONFIG, (kubeconfig, folder) => {
    assertThrows(() => loadApiServer({ kubeconfig: `${folder}/none` }), Error, "cannot be read");
    assertThrows(
      () => loadApiServer({ kubeconfig, context: "four" }),
      Error,
      "The kubeconfig has no context four; it has one, two, three, careless, dangling",
    );
    assertThrows(
      () => loadApiServer({ kubeconfig, context: "dangling" }),
      Error,
      "has no cluster for context dangling",
    );
    assertThrows(
      () => loadApiServer({ kubeconfig, context: "careless" }),
      Error,
      "set certificate-authority instead",
    );
  });
});
