// SPDX-License-Identifier: Apache-2.0

import { buildAll } from "../../controlplane/tasks/build.ts";
import { type Family, GATEWAY, joinHostPort, type L4, LISTENER_PORT } from "../netns/addresses.ts";
import { Blixt, type BlixtOptions } from "../netns/blixt.ts";
import { ManifestFolder } from "../netns/manifest_folder.ts";
import { Topology, type TopologyOptions } from "../netns/topology.ts";
import { startServers } from "../netns/traffic.ts";

/** What a test wants to be different. */
export interface TestbedOptions extends TopologyOptions {
  /** Values of --interface; none by default. */
  readonly interfaces?: readonly string[];
  /** Further options of Blixt; may differ at a restart. */
  flags?: readonly string[];
  /** Changes the manifests before Blixt reads them. */
  readonly prepare?: (manifests: ManifestFolder) => Promise<void>;
  /** Changes the topology before servers and Blixt start. */
  readonly wire?: (topology: Topology) => Promise<void>;
}

/** Flows that Blixt has room for: the kernel makes a twentieth of the entries that it makes by default. */
export const ROOM = ["--flows", "50000"];

/** Built here, once: inside a network namespace cargo and npm would find no registry. */
let built: Promise<void> | undefined;

/** A topology with servers on every backend, and Blixt with the bare-host sample on the host. */
export class Testbed implements AsyncDisposable {
  private constructor(
    readonly topology: Topology,
    readonly manifests: ManifestFolder,
    /** The one that runs now; see {@link restart}. */
    public blixt: Blixt,
    readonly options: TestbedOptions,
  ) {}

  /** Builds all of it and waits until Blixt is ready. */
  static async create(options: TestbedOptions = {}): Promise<Testbed> {
    await (built ??= buildAll());
    await using stack = new AsyncDisposableStack();
    const manifests = stack.use(await ManifestFolder.copyOf("bare-host"));
    await options.prepare?.(manifests);
    const topology = stack.use(await Topology.create(options));
    await options.wire?.(topology);
    await startServers(topology);
    const blixt = await Blixt.start(topology.host, startOptions(manifests, options));
    stack.move();
    return new Testbed(topology, manifests, blixt, options);
  }

  /** Starts Blixt again, as a user does after both processes were killed. */
  async restart(): Promise<void> {
    this.blixt = await Blixt.start(this.topology.host, startOptions(this.manifests, this.options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.blixt.program.stop();
    await this.topology.destroy();
    await this.manifests[Symbol.asyncDispose]();
  }
}

function startOptions(
  manifests: ManifestFolder,
  { interfaces = [], flags = [] }: TestbedOptions,
): BlixtOptions {
  return { manifests: manifests.path, interfaces, flags: [...ROOM, ...flags] };
}

/** Where clients of the sample send to, as "address:port". */
export function listenerAddress(protocol: L4, family: Family): string {
  return joinHostPort(GATEWAY[family], LISTENER_PORT[protocol]);
}
