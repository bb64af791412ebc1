// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { apiServerCommand, etcdCommand, toArguments } from "./control_plane_commands.ts";
import type { KeyPair, Pki } from "./pki.ts";

const pair = (name: string): KeyPair => ({ certificate: `/${name}.crt`, key: `/${name}.key` });
const pki: Pki = {
  authority: pair("authority"),
  apiServer: pair("server"),
  admin: pair("admin"),
  clients: new Map(),
  serviceAccounts: { key: "/accounts.key", publicKey: "/accounts.pub" },
};

Deno.test("toArguments() keeps values with spaces and signs whole", () => {
  assertEquals(toArguments({ v: "2", name: "a b=c" }), ["--v=2", "--name=a b=c"]);
});

Deno.test("etcdCommand() makes a cluster of one at the given URLs", () => {
  const [program, ...flags] = etcdCommand({
    program: "/etcd",
    data: "/d",
    url: "http://c",
    peerUrl: "http://p",
  });
  assertEquals(program, "/etcd");
  assertEquals(flags.includes("--initial-cluster=blixt=http://p"), true);
  assertEquals(flags.includes("--listen-client-urls=http://c"), true);
});

Deno.test("apiServerCommand() lets further settings win", () => {
  const others = { "authorization-mode": "Node,RBAC", "allow-privileged": "true" };
  const flags = apiServerCommand({ etcd: "http://c", pki, port: 443, others });
  assertEquals(flags.filter((flag) => flag.includes("authorization-mode")), [
    "--authorization-mode=Node,RBAC",
  ]);
  assertEquals(flags.includes("--allow-privileged=true"), true);
  assertEquals(flags.includes("--tls-cert-file=/server.crt"), true);
});
