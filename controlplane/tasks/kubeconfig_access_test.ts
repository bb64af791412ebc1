// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { kubeconfigAccess } from "./kubeconfig_access.ts";

Deno.test("kubeconfigAccess() lists servers, files beside the kubeconfig, and credential programs", () => {
  const text = `
clusters:
- { name: a, cluster: { server: "https://10.0.0.1:6443", certificate-authority: pki/ca.crt } }
- { name: b, cluster: { server: "https://api.example.org/path" } }
- { name: c, cluster: { server: "http://[fd00::1]" } }
users:
- { name: a, user: { client-certificate: /abs/a.crt, client-key: a.key } }
- { name: b, user: { exec: { command: aws-iam-authenticator } } }
- { name: c, user: { tokenFile: /run/token } }
`;
  assertEquals(kubeconfigAccess(text, "/home/me/.kube"), {
    read: ["/home/me/.kube/pki/ca.crt", "/abs/a.crt", "/home/me/.kube/a.key", "/run/token"],
    net: ["10.0.0.1:6443", "api.example.org:443", "[fd00::1]:80"],
    run: ["aws-iam-authenticator"],
  });
});

Deno.test("kubeconfigAccess() needs nothing but the server where all is in the file", () => {
  const text = `
clusters: [{ name: a, cluster: { server: "https://127.0.0.1:1", certificate-authority-data: eHg= } }]
users: [{ name: a, user: { client-key-data: eHg= } }]
`;
  assertEquals(kubeconfigAccess(text, "/"), { read: [], net: ["127.0.0.1:1"], run: [] });
  assertEquals(kubeconfigAccess("", "/"), { read: [], net: [], run: [] });
});
