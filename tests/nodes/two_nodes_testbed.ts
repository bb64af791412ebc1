// SPDX-License-Identifier: Apache-2.0

// Two hosts with a Blixt each and the same manifests, in which they are Nodes.

import { buildAll } from "../../controlplane/tasks/build.ts";
import { Blixt } from "../netns/blixt.ts";
import { ManifestFolder } from "../netns/manifest_folder.ts";
import { addNodes } from "../netns/node_manifests.ts";
import { startServers } from "../netns/traffic.ts";
import { type ClusterNode, TwoNodes, type TwoNodesOptions } from "../netns/two_nodes.ts";
import { ROOM } from "../e2e/testbed.ts";

/** The two nodes with servers in the pods and Blixt on each. */
export class TwoNodesTestbed implements AsyncDisposable {
  private constructor(
    readonly nodes: TwoNodes,
    readonly manifests: ManifestFolder,
    /** Those that run now; see {@link startOn}. */
    readonly blixts: Record<ClusterNode["name"], Blixt>,
  ) {}

  /** Builds all of it, with the bare-host sample as `prepare` changes it, and waits until both are ready. */
  static async create(
    options: TwoNodesOptions,
    prepare: (manifests: ManifestFolder) => Promise<void> = () => Promise.resolve(),
  ): Promise<TwoNodesTestbed> {
    await using stack = new AsyncDisposableStack();
    const { nodes, manifests } = await makeNodes(stack, options);
    await prepare(manifests);
    await startServers(nodes);
    const east = stack.use(await startBlixt(nodes.east, manifests));
    const west = stack.use(await startBlixt(nodes.west, manifests));
    stack.move();
    return new TwoNodesTestbed(nodes, manifests, { east, west });
  }

  /** Starts Blixt on a node again, where it was ended. */
  async startOn(name: ClusterNode["name"]): Promise<void> {
    this.blixts[name] = await startBlixt(this.nodes[name], this.manifests);
  }

  /** Makes one change and waits until both kernels have it. */
  async apply(change: () => Promise<void>): Promise<void> {
    const { east, west } = this.blixts;
    const changed = Promise.withResolvers<void>();
    const both = Promise.all([east.apply(() => changed.promise), west.apply(() => changed.promise)]);
    change().then(changed.resolve, changed.reject);
    await both;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.blixts.east.program.stop(), this.blixts.west.program.stop()]);
    await this.nodes[Symbol.asyncDispose]();
    await this.manifests[Symbol.asyncDispose]();
  }
}

/** The two nodes, and the bare-host sample with them as Nodes in it. Nothing runs yet. */
export async function makeNodes(stack: AsyncDisposableStack, options: TwoNodesOptions): Promise<{
  readonly nodes: TwoNodes;
  readonly manifests: ManifestFolder;
}> {
  await buildAll();
  const manifests = stack.use(await ManifestFolder.copyOf("bare-host"));
  const nodes = stack.use(await TwoNodes.create(options));
  await addNodes(manifests, nodes);
  return { nodes, manifests };
}

/** Starts Blixt on a node. */
export async function startBlixt({ netns, name }: ClusterNode, { path }: ManifestFolder): Promise<Blixt> {
  return await Blixt.start(netns, { manifests: path, node: name, interfaces: ["eth0"], flags: ROOM });
}
