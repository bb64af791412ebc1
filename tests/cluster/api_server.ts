// SPDX-License-Identifier: Apache-2.0

import { paths } from "../../controlplane/tasks/paths.ts";
import { ensure } from "../../controlplane/tasks/requirement.ts";
import { apiServerRequirements } from "../requirements.ts";
import { inNetns } from "../netns/run_command.ts";
import { Daemon } from "./daemon.ts";
import { freePorts } from "./free_ports.ts";
import { kubeconfigFor } from "./kubeconfig.ts";
import { installCrds, kubectl } from "./kubectl.ts";
import { memoryFolder } from "./memory_folder.ts";
import { createPki, type Pki } from "./pki.ts";
import { findEtcd } from "./programs.ts";
import { apiServerCommand, etcdCommand } from "./control_plane_commands.ts";

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
  /** etcd's. */
  readonly data: string;
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
    // Data alone: Deno reads nothing under /dev without --allow-all, a kubeconfig neither.
    const data = await Deno.makeTempDir({ dir: memoryFolder(folder), prefix: "blixt-etcd-" });
    const [port = 0, etcdPort = 0, peerPort = 0] = freePorts(3);
    const pki = await createPki(folder);
    const server = new ApiServer({ folder, data, temporary, netns, pki, port, etcdPort, peerPort });
    try {
      await Deno.writeTextFile(server.kubeconfig, await kubeconfigFor(server.url, pki.authority, pki.admin));
      server.#etcd = await Daemon.start(server.#within(await server.#etcdCommand()), `${folder}/etcd.log`);
      await server.resume();
      if (crds) await installCrds(server.kubeconfig, paths.crds, { netns });
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
    const { netns } = this.#site;
    return await kubectl(this.kubeconfig, args, { netns, ...(input === undefined ? {} : { input }) });
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
    await Deno.remove(this.#site.data, { recursive: true });
    if (this.#site.temporary) await Deno.remove(this.#site.folder, { recursive: true });
  }

  #within(argv: readonly string[]): string[] {
    return inNetns(this.#site.netns, argv);
  }

  get #etcdUrl(): string {
    return `http://127.0.0.1:${this.#site.etcdPort}`;
  }

  async #etcdCommand(): Promise<string[]> {
    const { data, peerPort } = this.#site;
    const peerUrl = `http://127.0.0.1:${peerPort}`;
    return etcdCommand({
      program: await findEtcd() ?? "etcd",
      data,
      url: this.#etcdUrl,
      peerUrl,
    });
  }

  #serverCommand(): string[] {
    const { pki, port } = this.#site;
    return apiServerCommand({ etcd: this.#etcdUrl, pki, port, others: { "bind-address": "127.0.0.1" } });
  }
}
