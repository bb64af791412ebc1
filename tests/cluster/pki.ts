// SPDX-License-Identifier: Apache-2.0

import { runOrThrow } from "../../controlplane/tasks/command.ts";

/** Files of a certificate and its key, PEM. */
export interface KeyPair {
  readonly certificate: string;
  readonly key: string;
}

/** Keys of one cluster. */
export interface Pki {
  readonly authority: KeyPair;
  readonly apiServer: KeyPair;
  /** In the group system:masters, which RBAC allows everything. */
  readonly admin: KeyPair;
  /** The clients asked for, by name. */
  readonly clients: ReadonlyMap<string, KeyPair>;
  /** Signs tokens of service accounts. */
  readonly serviceAccounts: { readonly key: string; readonly publicKey: string };
}

const DAYS = "3650";
const newKey = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" ");

/** What is to be signed besides the API server at 127.0.0.1 and its administrator. */
export interface PkiOptions {
  /** More addresses of the API server. */
  readonly addresses?: readonly string[];
  /** More clients: a name, and the subject (`/O=group/CN=user`) that RBAC knows it by. */
  readonly clients?: Readonly<Record<string, string>>;
}

/** Makes a new certificate authority and what it signs, in a folder that exists. */
export async function createPki(folder: string, options: PkiOptions = {}): Promise<Pki> {
  const pair = (name: string): KeyPair => ({
    certificate: `${folder}/${name}.crt`,
    key: `${folder}/${name}.key`,
  });
  const authority = pair("authority");
  const issue = async (name: string, subject: string, extensions: readonly string[]): Promise<KeyPair> => {
    const { certificate, key } = pair(name);
    const signer = name === "authority" ? [] : ["-CA", authority.certificate, "-CAkey", authority.key];
    const added = extensions.flatMap((extension) => ["-addext", extension]);
    const request = ["openssl", "req", "-x509", ...newKey, "-days", DAYS, "-subj", subject];
    await runOrThrow([...request, ...signer, ...added, "-keyout", key, "-out", certificate]);
    return { certificate, key };
  };
  await issue("authority", "/CN=blixt-test", []);
  const leaf = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature"];
  const client = (name: string, subject: string): Promise<KeyPair> =>
    issue(name, subject, [...leaf, "extendedKeyUsage=clientAuth"]);
  const addresses = ["127.0.0.1", "10.96.0.1", ...options.addresses ?? []];
  const names = [
    ...addresses.map((address) => `IP:${address}`),
    "DNS:localhost",
    "DNS:kubernetes.default.svc",
  ];
  const [apiServer, admin, ...clients] = await Promise.all([
    issue("kube-apiserver", "/CN=kube-apiserver", [
      ...leaf,
      "extendedKeyUsage=serverAuth",
      `subjectAltName=${names.join(",")}`,
    ]),
    client("admin", "/O=system:masters/CN=admin"),
    ...Object.entries(options.clients ?? {}).map(async ([name, subject]) =>
      [name, await client(name, subject)] as const
    ),
  ]);
  const serviceAccounts = {
    key: `${folder}/service-accounts.key`,
    publicKey: `${folder}/service-accounts.pub`,
  };
  const generate = "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:prime256v1 -out".split(" ");
  await runOrThrow([...generate, serviceAccounts.key]);
  await runOrThrow([
    "openssl",
    "pkey",
    "-in",
    serviceAccounts.key,
    "-pubout",
    "-out",
    serviceAccounts.publicKey,
  ]);
  return { authority, apiServer, admin, clients: new Map(clients), serviceAccounts };
}
