// SPDX-License-Identifier: Apache-2.0

import { LoaderClient } from "../../controlplane/loader/client.ts";
import { networkUntil, type Subject } from "../../controlplane/loader/scenario.ts";
import { ensureBpffs } from "../../controlplane/tasks/bpffs.ts";
import { presentMountNamespace } from "../../controlplane/tasks/mount_namespace.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { waitForSocket } from "../../controlplane/tasks/wait_for_socket.ts";
import type { Background } from "../netns/background.ts";
import { Netns } from "../netns/netns.ts";
import { newRunPrefix } from "../netns/netns_name.ts";
import { networkTestObstacle } from "../netns/network_test_case.ts";

/** Milliseconds the loader has until its socket answers. */
const PATIENCE = 60_000;

/** Why the real loader cannot be tested on this machine; undefined when it can. */
export function realLoaderObstacle(): string | undefined {
  const obstacle = networkTestObstacle();
  if (obstacle !== undefined) return obstacle;
  try {
    Deno.statSync(paths.loader);
    return undefined;
  } catch {
    return `needs ${paths.loader}, which deno task build makes`;
  }
}

/** Registers a test of the real loader. Where that cannot be run it is ignored, with the reason in its name. */
export function realLoaderTest(name: string, body: (loader: RealLoader) => Promise<void>): void {
  const obstacle = realLoaderObstacle();
  Deno.test({
    name: obstacle === undefined ? name : `${name} (skipped: ${obstacle})`,
    ignore: obstacle !== undefined,
    fn: async () => {
      await using loader = await RealLoader.start();
      await body(loader);
    },
  });
}

/** The real loader in a network namespace of its own, with a pin folder of its own. */
export class RealLoader implements Subject, AsyncDisposable {
  #process: Background | undefined;
  #client: LoaderClient | undefined;

  private constructor(
    readonly netns: Netns,
    private readonly folder: string,
    private readonly pins: string,
  ) {}

  static async start(): Promise<RealLoader> {
    const bpffs = await ensureBpffs(presentMountNamespace);
    const netns = await Netns.create(`${newRunPrefix()}-loader`);
    const loader = new RealLoader(netns, await Deno.makeTempDir(), `${bpffs}/blixt/${netns.inode}`);
    await loader.#spawn().catch(async (error) => {
      await loader[Symbol.asyncDispose]();
      throw error;
    });
    return loader;
  }

  /** Target for a client. */
  get target(): string {
    return `unix:${this.folder}/loader.sock`;
  }

  /** Its process. */
  get pid(): number {
    if (this.#process === undefined) throw new TypeError("The loader does not run");
    return this.#process.pid;
  }

  client(): LoaderClient {
    if (this.#client === undefined) throw new TypeError("The loader does not run");
    return this.#client;
  }

  async restart(): Promise<void> {
    await this.kill();
    await this.#spawn();
  }

  /** Ends the loader with SIGKILL. */
  async kill(): Promise<void> {
    this.#client?.close();
    this.#client = undefined;
    this.#process?.signal("SIGKILL");
    await this.#process?.ended;
    await this.#process?.stop();
    this.#process = undefined;
  }

  async addInterface(name: string): Promise<number> {
    await this.netns.ip([`link add ${name} type bridge`, `link set ${name} up`]);
    const { stdout } = await this.netns.run(["ip", "-json", "link", "show", name]);
    return JSON.parse(stdout)[0].ifindex;
  }

  async removeInterface(name: string): Promise<void> {
    await this.netns.ip([`link del ${name}`]);
    // The interface is gone at once, what hung there a moment later.
    await networkUntil(this, ({ interfaces }) => interfaces.every((device) => device.name !== name));
  }

  verifierRefuses(): void {}

  async addRoute(name: string): Promise<void> {
    await this.netns.ip([`route add 198.51.100.0/24 dev ${name}`]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
    await this.netns.destroy();
    await Deno.remove(this.folder, { recursive: true });
  }

  async #spawn(): Promise<void> {
    const socket = `${this.folder}/loader.sock`;
    this.#process = this.netns.start([paths.loader, "--socket", socket, "--pin-dir", this.pins]);
    await waitForSocket(socket, this.#process.ended, PATIENCE);
    this.#client = new LoaderClient(this.target);
  }
}
