// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { podApiServer } from "./service_account.ts";

/** Runs the body with these variables in the environment, an absent one being none. */
async function withEnvironment(
  variables: Readonly<Record<string, string | undefined>>,
  body: () => Promise<void> | void,
): Promise<void> {
  const set = (name: string, value: string | undefined): void =>
    value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) set(name, value);
  try {
    await body();
  } finally {
    for (const [name, value] of before) set(name, value);
  }
}

const at = (host: string | undefined, port?: string): Record<string, string | undefined> => ({
  KUBERNETES_SERVICE_HOST: host,
  KUBERNETES_SERVICE_PORT: port,
});

Deno.test("podApiServer() finds the API server over IPv4 and IPv6", async () => {
  await withEnvironment(at("10.96.0.1", "6443"), () => {
    assertEquals(podApiServer().url, "https://10.96.0.1:6443");
  });
  await withEnvironment(at("fd00::1"), () => assertEquals(podApiServer().url, "https://[fd00::1]:443"));
});

Deno.test("podApiServer() says that it is in no pod", async () => {
  for (const host of [undefined, ""]) {
    await withEnvironment(at(host), () => {
      assertThrows(() => podApiServer(), Error, "this is no pod; name a file with --kubeconfig");
    });
  }
});

Deno.test("podApiServer() gives the token as the kubelet renewed it last, and says which file cannot be read", async () => {
  const folder = await Deno.makeTempDir({ prefix: "bx-pod-" });
  try {
    await withEnvironment(at("10.96.0.1", "443"), async () => {
      const { credentials } = podApiServer(folder);
      await Deno.writeTextFile(`${folder}/ca.crt`, "CA");
      await assertRejects(credentials, Error, `${folder}/token`);
      for (const token of ["first", "second\n"]) {
        await Deno.writeTextFile(`${folder}/token`, token);
        assertEquals(await credentials(), {
          ca: "CA",
          headers: { Authorization: `Bearer ${token.trim()}` },
        });
      }
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
