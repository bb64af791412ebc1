// SPDX-License-Identifier: Apache-2.0

import { run } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { ensure } from "../../controlplane/tasks/requirement.ts";
import { apiServerRequirements } from "../requirements.ts";
import { Daemon } from "./daemon.ts";
import { freePorts } from "./free_ports.ts";
import { kubeconfigFor } from "./kubeconfig.ts";
import { createPki, type Pki } from "./pki.ts";
import { clusterProgram, findEtcd } from "./programs.ts";

/** Milliseconds that etcd and kube-apiserver have to come up; three seconds are usual. */
const PATIENCE = 60_000;

/** How to start an API server. */
export interface ApiServerOptions {
  /** Folder for keys, data and logs; a new one under /tmp that goes away at the end by default. */
  readonly folder?: string;
  /** Install the Gateway API's CustomResourceDefinitions; true by default. */
  readonly crds?: boolean;
}

/**
 * A real etcd and kube-apiserver on ports of 127.0.0.1 of their own, with the
 * Gateway API's CustomResourceDefinitions and no controllers: what a test
 * creates stays as it is. Several can run at once. Needs no root.
 */
export class ApiServer implements AsyncDisposable {
  readonly #folder: string;
  readonly #temporary: boolean;
  readonly #pki: Pki;
  readonly #etcd: Daemon;
  readonly #etcdUrl: string;
  readonly #port: number;
  readonly #client: Deno.HttpClient;
  #server: Daemon | undefined;
  /** A kubeconfig file of the administrator. */
  readonly kubeconfig: string;

  private constructor(
    parts: { folder: string; temporary: boolean; pki: Pki; etcd: Daemon; etcdUrl: string; port: number },
  ) {
    this.#folder = parts.folder;
    this.#temporary = parts.temporary;
    this.#pki = parts.pki;
    this.#etcd = parts.etcd;
    this.#etcdUrl = parts.etcdUrl;
    this.#port = parts.port;
    this.#client = Deno.createHttpClient({
      caCerts: [Deno.readTextFileSync(parts.pki.authority.certificate)],
      cert: Deno.readTextFileSync(parts.pki.admin.certificate),
      key: Deno.readTextFileSync(parts.pki.admin.key),
    });
    this.kubeconfig = `${parts.folder}/admin.kubeconfig`;
  }

  /** Starts both, building them first where need be. */
  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    await ensure(apiServerRequirements);
    const temporary = options.folder === undefined;
    const folder = options.folder ?? await Deno.makeTempDir({ prefix: "blixt-api-" });
    await Deno.mkdir(folder, { recursive: true });
    const [port = 0, etcdPort, peerPort] = freePorts(3);
    const pki = await createPki(folder);
    const etcdUrl = `http://127.0.0.1:${etcdPort}`;
    const etcd = await startEtcd(folder, etcdUrl, `http://127.0.0.1:${peerPort}`);
    const server = new ApiServer({ folder, temporary, pki, etcd, etcdUrl, port });
    try {
      await Deno.writeTextFile(server.kubeconfig, await kubeconfigFor(server.url, pki.authority, pki.admin));
      await server.resume();
      if (options.crds ?? true) await server.#installCrds();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Where the API is served. */
  get url(): string {
    return `https://127.0.0.1:${this.#port}`;
  }

  /** Runs kubectl as the administrator, for its standard output. Throws with its words when it fails. */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const kubectl = [clusterProgram("kubectl"), `--kubeconfig=${this.kubeconfig}`, ...args];
    const { code, stdout, output } = await run(kubectl, input === undefined ? {} : { input });
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")} ended with code ${code}: ${output.trim()}`);
    return stdout;
  }

  /** Ends kube-apiserver at once, which cuts every watch; etcd keeps the objects. */
  async suspend(): Promise<void> {
    await this.#server?.[Symbol.asyncDispose]();
    this.#server = undefined;
  }

  /** Starts kube-apiserver again on the same port; returns once it is ready. */
  async resume(): Promise<void> {
    if (this.#server !== undefined) return;
    this.#server = await Daemon.start(this.#command(), `${this.#folder}/kube-apiserver.log`);
    await this.#server.waitUntil(async () => {
      const response = await fetch(`${this.url}/readyz`, { client: this.#client });
      return await response.text() === "ok";
    }, PATIENCE);
  }

  /** Cuts every watch and serves again. */
  async restart(): Promise<void> {
    await this.suspend();
    await this.resume();
  }

  /** Ends both at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#client.close();
    await this.suspend();
    await this.#etcd[Symbol.asyncDispose]();
    if (this.#temporary) await Deno.remove(this.#folder, { recursive: true });
  }

  #command(): string[] {
    const { authority, admin, apiServer, serviceAccounts } = this.#pki;
    const settings = {
      "etcd-servers": this.#etcdUrl,
      "bind-address": "127.0.0.1",
      "secure-port": this.#port,
      "tls-cert-file": apiServer.certificate,
      "tls-private-key-file": apiServer.key,
      "client-ca-file": authority.certificate,
      "kubelet-client-certificate": admin.certificate,
      "kubelet-client-key": admin.key,
      "service-account-issuer": "https://kubernetes.default.svc",
      "service-account-key-file": serviceAccounts.publicKey,
      "service-account-signing-key-file": serviceAccounts.key,
      "service-cluster-ip-range": "10.96.0.0/16,fd00:10:96::/112",
      "authorization-mode": "RBAC",
    };
    const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
    return [clusterProgram("kube-apiserver"), ...flags];
  }

  async #installCrds(): Promise<void> {
    await this.kubectl(["apply", "--server-side", `--filename=${paths.crds}`]);
    await this.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]);
  }
}

async function startEtcd(folder: string, clientUrl: string, peerUrl: string): Promise<Daemon> {
  const etcd = await findEtcd() ?? "etcd";
  const settings = {
    name: "blixt",
    "data-dir": `${folder}/etcd`,
    "listen-client-urls": clientUrl,
    "advertise-client-urls": clientUrl,
    "listen-peer-urls": peerUrl,
    "initial-advertise-peer-urls": peerUrl,
    "initial-cluster": `blixt=${peerUrl}`,
  };
  const flags = Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
  const daemon = await Daemon.start([etcd, ...flags], `${folder}/etcd.log`);
  await daemon.waitUntil(async () => (await fetch(`${clientUrl}/health`)).ok, PATIENCE);
  return daemon;
}
