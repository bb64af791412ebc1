// SPDX-License-Identifier: Apache-2.0

import { Dataplane, type DataplaneOptions } from "../../controlplane/dataplane/dataplane.ts";
import { LoaderClient } from "../../controlplane/loader/client.ts";
import { ensureBpffs } from "../../controlplane/tasks/bpffs.ts";
import { presentMountNamespace } from "../../controlplane/tasks/mount_namespace.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { waitForSocket } from "../../controlplane/tasks/wait_for_socket.ts";
import type { DesiredDataplane } from "../../controlplane/translate/desired.ts";
import type { Background } from "./background.ts";
import type { Netns } from "./netns.ts";

const PATIENCE = 30_000;

/** A loader in a network namespace, and in this process one dataplane after the other that is programmed by hand. */
export class BareNode implements AsyncDisposable {
  /** What the dataplanes said. */
  readonly log: string[] = [];
  #loader: Background | undefined;
  #dataplane: Dataplane | undefined;

  private constructor(
    readonly netns: Netns,
    private readonly folder: string,
    /** The loader's folder in the bpffs. */
    readonly pins: string,
  ) {}

  /**
   * Starts the loader; the network namespace stays the caller's. With a name in capitals, which no object has, it is
   * another loader beside the usual one, which knows nothing of it.
   */
  static async start(netns: Netns, name = ""): Promise<BareNode> {
    const bpffs = await ensureBpffs(presentMountNamespace);
    await using stack = new AsyncDisposableStack();
    const node = stack.use(
      new BareNode(netns, await Deno.makeTempDir(), `${bpffs}/blixt/${netns.inode}/${name}`),
    );
    await node.startLoader();
    stack.move();
    return node;
  }

  /** A client of the loader, for the caller to close. */
  client(): LoaderClient {
    return new LoaderClient(this.#target);
  }

  get #target(): string {
    return `unix:${this.folder}/loader.sock`;
  }

  /** Ends the dataplane that runs and starts another; waits until the state is in the kernel. */
  async run(desired: DesiredDataplane, options: Partial<DataplaneOptions> = {}): Promise<void> {
    await this.stop();
    const object = options.object ?? await Deno.readFile(paths.kernelObject);
    const log = (line: string): void => void this.log.push(line);
    const subject = new Dataplane({ loader: this.#target, log, ...options, object });
    this.#dataplane = subject;
    subject.run(new AbortController().signal);
    await this.set(desired);
  }

  /** Gives the dataplane that runs another state, and waits until that is in the kernel. */
  async set(desired: DesiredDataplane): Promise<void> {
    this.#dataplane?.set(desired);
    await this.#dataplane?.programmed(desired, AbortSignal.timeout(PATIENCE)).catch((cause) => {
      throw new Error(`Not programmed: ${this.log.join("; ")}`, { cause });
    });
  }

  /** Ends the dataplane; the kernel goes on. */
  async stop(): Promise<void> {
    await this.#dataplane?.close({ unload: false });
    this.#dataplane = undefined;
  }

  /** Ends the dataplane and takes everything out of the kernel. */
  async close(): Promise<void> {
    await this.#dataplane?.close({ unload: true });
    this.#dataplane = undefined;
  }

  async startLoader(): Promise<void> {
    const socket = `${this.folder}/loader.sock`;
    const loader = this.netns.start([paths.loader, "--socket", socket, "--pin-dir", this.pins]);
    this.#loader = loader;
    await waitForSocket(socket, loader.ended, PATIENCE);
  }

  /** Ends the loader with SIGKILL. */
  async killLoader(): Promise<void> {
    this.#loader?.signal("SIGKILL");
    await this.#loader?.stop();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#loader?.stop();
    await Deno.remove(this.folder, { recursive: true });
  }
}
