// SPDX-License-Identifier: Apache-2.0

import { run } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { ensure } from "../../controlplane/tasks/requirement.ts";
import { apiServerRequirements } from "../requirements.ts";
import { inNetns } from "../netns/run_command.ts";
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
  /** Name under /run/netns in which all of it runs, kubectl too; the present network namespace by default. */
  readonly netns?: string;
  /** Install the Gateway API's CustomResourceDefinitions; true by default. */
  readonly crds?: boolean;
}

/** What is settled before anything runs. */
interface Site {
  readonly folder: string;
  readonly temporary: boolean;
  readonly netns: string | undefined;
  readonly pki: Pki;
  readonly port: number;
  readonly etcdPort: number;
  readonly peerPort: number;
}

/**
 * A real etcd and kube-apiserver on ports of 127.0.0.1 of their own, with the
 * Gateway API's CustomResourceDefinitions and no controllers: what a test
 * creates stays as it is. Several can run at once. Needs no root, except in
 * another network namespace.
 */
export class ApiServer implements AsyncDisposable {
  readonly #site: Site;
  #etcd: Daemon | undefined;
  #server: Daemon | undefined;

  private constructor(site: Site) {
    this.#site = site;
  }

  /** Starts both, building them first where need be. */
  static async start(options: ApiServerOptions = {}): Promise<ApiServer> {
    await ensure(apiServerRequirements);
    const { netns, crds = true } = options;
    const temporary = options.folder === undefined;
    const folder = options.folder ?? await Deno.makeTempDir({ prefix: "blixt-api-" });
    await Deno.mkdir(folder, { recursive: true });
    const [port = 0, etcdPort = 0, peerPort = 0] = freePorts(3);
    const pki = await createPki(folder);
    const server = new ApiServer({ folder, temporary, netns, pki, port, etcdPort, peerPort });
    try {
      await Deno.writeTextFile(server.kubeconfig, await kubeconfigFor(server.url, pki.authority, pki.admin));
      server.#etcd = await Daemon.start(server.#within(await server.#etcdCommand()), `${folder}/etcd.log`);
      await server.resume();
      if (crds) await server.#installCrds();
      return server;
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A kubeconfig file of the administrator. */
  get kubeconfig(): string {
    return `${this.#site.folder}/admin.kubeconfig`;
  }

  /** Where the API is served. */
  get url(): string {
    return `https://127.0.0.1:${this.#site.port}`;
  }

  /** Runs kubectl as the administrator, for its standard output. Throws with its words when it fails. */
  async kubectl(args: readonly string[], input?: string): Promise<string> {
    const kubectl = [clusterProgram("kubectl"), `--kubeconfig=${this.kubeconfig}`, ...args];
    const { code, stdout, output } = await run(this.#within(kubectl), input === undefined ? {} : { input });
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
    const log = `${this.#site.folder}/kube-apiserver.log`;
    this.#server = await Daemon.start(this.#within(this.#serverCommand()), log);
    await this.#server.waitUntil(async () => await this.kubectl(["get", "--raw=/readyz"]) === "ok", PATIENCE);
  }

  /** Cuts every watch and serves again. */
  async restart(): Promise<void> {
    await this.suspend();
    await this.resume();
  }

  /** Ends both at once. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.suspend();
    await this.#etcd?.[Symbol.asyncDispose]();
    if (this.#site.temporary) await Deno.remove(this.#site.folder, { recursive: true });
  }

  #within(argv: readonly string[]): string[] {
    return inNetns(this.#site.netns, argv);
  }

  get #etcdUrl(): string {
    return `http://127.0.0.1:${this.#site.etcdPort}`;
  }

  async #etcdCommand(): Promise<string[]> {
    const peerUrl = `http://127.0.0.1:${this.#site.peerPort}`;
    return [
      await findEtcd() ?? "etcd",
      ...flags({
        name: "blixt",
        "data-dir": `${this.#site.folder}/etcd`,
        "listen-client-urls": this.#etcdUrl,
        "advertise-client-urls": this.#etcdUrl,
        "listen-peer-urls": peerUrl,
        "initial-advertise-peer-urls": peerUrl,
        "initial-cluster": `blixt=${peerUrl}`,
      }),
    ];
  }

  #serverCommand(): string[] {
    const { authority, admin, apiServer, serviceAccounts } = this.#site.pki;
    const settings = {
      "etcd-servers": this.#etcdUrl,
      "bind-address": "127.0.0.1",
      "secure-port": `${this.#site.port}`,
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
    return [clusterProgram("kube-apiserver"), ...flags(settings)];
  }

  async #installCrds(): Promise<void> {
    await this.kubectl(["apply", "--server-side", `--filename=${paths.crds}`]);
    await this.kubectl(["wait", "--for=condition=Established", "--timeout=30s", "crd", "--all"]);
  }
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).map(([name, value]) => `--${name}=${value}`);
}
