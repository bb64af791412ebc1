// SPDX-License-Identifier: Apache-2.0

import { Dataplane, type DataplaneOptions } from "../../controlplane/dataplane/dataplane.ts";
import { dataplane, group, service } from "../../controlplane/dataplane/fixtures.ts";
import { ensureBpffs } from "../../controlplane/tasks/bpffs.ts";
import { buildAll } from "../../controlplane/tasks/build.ts";
import { presentMountNamespace } from "../../controlplane/tasks/mount_namespace.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { waitForSocket } from "../../controlplane/tasks/wait_for_socket.ts";
import type { DesiredService } from "../../controlplane/translate/desired.ts";
import { FAMILIES, GATEWAY, LISTENER_PORT, PROTOCOLS, TARGET_PORT } from "../netns/addresses.ts";
import type { Background } from "../netns/background.ts";
import { Topology } from "../netns/topology.ts";
import { startServers } from "../netns/traffic.ts";

const PATIENCE = 30_000;

/** What a version is: the object and the limits that a control plane was started with. */
export type Version = Required<Pick<DataplaneOptions, "object" | "limits">>;

/** A topology whose host has a loader, and one control plane after the other. */
export class Site implements AsyncDisposable {
  /** What the control planes said. */
  readonly log: string[] = [];
  #loader: Background | undefined;
  #dataplane: Dataplane | undefined;

  private constructor(
    readonly topology: Topology,
    private readonly folder: string,
    private readonly pins: string,
  ) {}

  static async create(): Promise<Site> {
    await buildAll();
    const bpffs = await ensureBpffs(presentMountNamespace);
    await using stack = new AsyncDisposableStack();
    const topology = stack.use(await Topology.create());
    await startServers(topology);
    const folder = await Deno.makeTempDir();
    const site = stack.use(new Site(topology, folder, `${bpffs}/blixt/${topology.host.inode}`));
    await site.startLoader();
    stack.move();
    return site;
  }

  /** Ends the control plane and starts one of another version; waits until that has taken over. */
  async run(version: Version): Promise<void> {
    await this.stop();
    const subject = new Dataplane({
      loader: `unix:${this.folder}/loader.sock`,
      ...version,
      log: (line) => this.log.push(line),
    });
    this.#dataplane = subject;
    subject.run(new AbortController().signal);
    const desired = dataplane(...this.#services());
    subject.set(desired);
    await subject.programmed(desired, AbortSignal.timeout(PATIENCE)).catch((cause) => {
      throw new Error(`Not programmed: ${this.log.join("; ")}`, { cause });
    });
  }

  /** Ends the control plane; the kernel goes on. */
  async stop(): Promise<void> {
    await this.#dataplane?.close({ unload: false });
    this.#dataplane = undefined;
  }

  async startLoader(): Promise<void> {
    const socket = `${this.folder}/loader.sock`;
    const loader = this.topology.host.start([paths.loader, "--socket", socket, "--pin-dir", this.pins]);
    this.#loader = loader;
    await waitForSocket(socket, loader.ended, PATIENCE);
  }

  /** Ends the loader with SIGKILL. */
  async killLoader(): Promise<void> {
    this.#loader?.signal("SIGKILL");
    await this.#loader?.stop();
  }

  #services(): DesiredService[] {
    return FAMILIES.flatMap((family) => {
      const backends = this.topology.backends.map((backend) => `${backend[family]}:${TARGET_PORT}`);
      return PROTOCOLS.map((protocol): DesiredService => ({
        ...service(`${GATEWAY[family]}:${LISTENER_PORT[protocol]}`, group(1, ...backends)),
        protocol: protocol === "tcp" ? "TCP" : "UDP",
      }));
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    await this.#loader?.stop();
    await this.topology.destroy();
    await Deno.remove(this.folder, { recursive: true });
  }
}
