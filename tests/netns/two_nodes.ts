// SPDX-License-Identifier: Apache-2.0

import { backendAddresses, CLIENT, type DualStack, HOST } from "./addresses.ts";
import { runOnInterrupt } from "./interrupt.ts";
import { type Netns, removeLeftovers } from "./netns.ts";
import { newRunPrefix } from "./netns_name.ts";
import type { Backend } from "./topology.ts";
import { addressPod, defaultRoutes, makeNetns, makeVeth, upWith } from "./wiring.ts";

/** How two nodes are wired. */
export interface TwoNodesOptions {
  /** "routed": a router is between them. "link": both are on one link, and a router before it. */
  readonly fabric: "routed" | "link";
  /** Checksums and segmentation left to the device; off by default. */
  readonly offloads?: boolean;
  /** Bytes that every link between router and nodes takes; 1,500 by default. */
  readonly mtu?: number;
}

/** Every wiring that packets between nodes are tried over. */
export const FABRICS: readonly TwoNodesOptions[] = [
  { fabric: "routed" },
  { fabric: "link" },
  { fabric: "routed", offloads: true },
];

/** One of the two: a host with pods of its own, whose IP forwarding is off. */
export interface ClusterNode extends DualStack {
  readonly name: "east" | "west";
  readonly netns: Netns;
}

/** Backends by their numbers in the bare-host sample, and the node that has each. */
const PLACES = [[1, "east"], [2, "west"], [3, "west"]] as const;

/** A client, a router, and two nodes with pods, each in a network namespace of its own. */
export class TwoNodes implements AsyncDisposable {
  readonly #forget: () => void;
  readonly #all: Netns[] = [];
  #destroyed: Promise<void> | undefined;
  client!: Netns;
  router!: Netns;
  east!: ClusterNode;
  west!: ClusterNode;
  readonly backends: Backend[] = [];

  private constructor(readonly prefix: string, readonly options: TwoNodesOptions) {
    this.#forget = runOnInterrupt(() => this[Symbol.asyncDispose]());
  }

  /** Builds it; what earlier runs left is removed first. */
  static async create(options: TwoNodesOptions): Promise<TwoNodes> {
    await removeLeftovers();
    const nodes = new TwoNodes(newRunPrefix(), options);
    try {
      await nodes.#build();
    } catch (error) {
      await nodes[Symbol.asyncDispose]();
      throw error;
    }
    return nodes;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#destroyed ??= (async () => {
      for (const netns of this.#all) await netns.destroy();
      this.#forget();
    })();
  }

  async #build(): Promise<void> {
    this.client = await this.#netns("client");
    this.router = await this.#netns("router");
    const forwarding = ["net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"];
    await this.router.sysctl(Object.fromEntries(forwarding.map((name) => [name, 1])));
    await this.#connect(this.client, "eth0", this.router, "client0");
    await this.client.ip([...upWith("eth0", CLIENT), ...defaultRoutes(HOST)]);
    await this.router.ip(upWith("client0", HOST));
    if (this.options.fabric === "link") {
      await this.router.ip(["link add br0 type bridge", ...upWith("br0", linkAddress(0, 1))]);
    }
    this.east = await this.#node("east", 1);
    this.west = await this.#node("west", 2);
    for (const [number, name] of PLACES) await this.#pod(number, this[name]);
  }

  async #node(name: "east" | "west", number: number): Promise<ClusterNode> {
    const routed = this.options.fabric === "routed";
    const netns = await this.#netns(name);
    const device = `${name}0`;
    await this.#connect(netns, "eth0", this.router, device);
    const { mtu = 1_500 } = this.options;
    await netns.ip([`link set eth0 mtu ${mtu}`]);
    await this.router.ip([`link set ${device} mtu ${mtu}`]);
    const gateway = linkAddress(routed ? number : 0, 1);
    const address = linkAddress(routed ? number : 0, 10 + number);
    await this.router.ip(
      routed ? upWith(device, gateway) : [`link set ${device} master br0 up`, `link show dev ${device}`],
    );
    await netns.ip([...upWith("eth0", address), ...defaultRoutes(gateway)]);
    return { name, netns, ...address };
  }

  async #pod(number: number, node: ClusterNode): Promise<void> {
    const address = backendAddresses(number);
    const netns = await this.#netns(`b${number}`);
    const device = `veth${number}`;
    await this.#connect(netns, "eth0", node.netns, device);
    await addressPod(netns, [node.netns, device], address);
    this.backends.push({ name: `b${number}`, netns, device, ...address });
  }

  async #netns(role: string): Promise<Netns> {
    const netns = await makeNetns(`${this.prefix}-${role}`);
    this.#all.push(netns);
    return netns;
  }

  async #connect(one: Netns, name: string, other: Netns, peer: string): Promise<void> {
    await makeVeth([one, name], [other, peer], { offloads: this.options.offloads ?? false });
  }

  /** All packets for the Gateway's addresses go to one node from now on. */
  async routeTo(node: ClusterNode, gateway: DualStack): Promise<void> {
    await this.router.run(["nft", "flush", "ruleset"]);
    await this.router.ip([
      `route replace ${gateway.ipv4}/32 via ${node.ipv4}`,
      `route replace ${gateway.ipv6}/128 via ${node.ipv6}`,
    ]);
  }

  /** Makes of a node one of an ordinary cluster: it forwards itself, and the network knows that its pods are there. */
  async makeOrdinary(node: ClusterNode): Promise<void> {
    await node.netns.sysctl({ "net.ipv4.ip_forward": 1, "net.ipv6.conf.all.forwarding": 1 });
    const other = node === this.east ? this.west : this.east;
    const pods = PLACES.filter(([, name]) => name === node.name).map(([number]) => backendAddresses(number));
    const ways = pods.flatMap(({ ipv4, ipv6 }) => [
      `route replace ${ipv4}/32 via ${node.ipv4}`,
      `route replace ${ipv6}/128 via ${node.ipv6}`,
    ]);
    const knowing = this.options.fabric === "link" ? other.netns : this.router;
    await knowing.ip(ways);
  }

  /** Every other packet for the Gateway's addresses goes to the other node, whatever it belongs to. */
  async alternate(gateway: DualStack): Promise<void> {
    const lines = [this.east, this.west].flatMap(({ ipv4, ipv6 }, index) => [
      `route replace ${gateway.ipv4}/32 via ${ipv4} table ${101 + index}`,
      `route replace ${gateway.ipv6}/128 via ${ipv6} table ${101 + index}`,
      `rule add fwmark ${index + 1} lookup ${101 + index}`,
      `-6 rule add fwmark ${index + 1} lookup ${101 + index}`,
    ]);
    for (const line of lines) await this.router.run(["ip", ...line.split(" ")]);
    await this.router.run(["nft", "-f", "-"], {
      input: `table inet spread {
        chain prerouting {
          type filter hook prerouting priority raw
          ip daddr ${gateway.ipv4} meta mark set numgen inc mod 2 offset 1 counter
          ip6 daddr ${gateway.ipv6} meta mark set numgen inc mod 2 offset 1 counter
        }
      }`,
    });
  }
}

/** A host on one of the networks between router and nodes; 0 is the link of both. */
function linkAddress(network: number, host: number): DualStack {
  return { ipv4: `172.30.${network}.${host}`, ipv6: `fd00:30:${network}::${host}` };
}
