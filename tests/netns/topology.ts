// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import { backendAddresses, CLIENT, type DualStack, HOST, POD_GATEWAY, POD_NETWORK } from "./addresses.ts";
import { runOnInterrupt } from "./interrupt.ts";
import { type Netns, removeLeftovers } from "./netns.ts";
import { newRunPrefix } from "./netns_name.ts";
import { addressPod, defaultRoutes, makeNetns, makeVeth, upWith } from "./wiring.ts";

/** How the host and its pods are wired. */
export interface TopologyOptions {
  /** Number of backends; 3 by default. */
  readonly backends?: number;
  /** "veth": a route to each pod, as CNI's ptp plugin does it (default). "bridge": all pods on cni0. */
  readonly wiring?: "veth" | "bridge";
  /** The host's own IP forwarding; off by default, so that what arrives was forwarded by eBPF. */
  readonly forwarding?: boolean;
  /** The rule with which a CNI hides pods from the outside; there by default. */
  readonly masquerade?: boolean;
  /** Checksums and segmentation left to the device, as on a fresh veth pair; off by default. */
  readonly offloads?: boolean;
}

/** One pod: a network namespace whose eth0 leads to the host. */
export interface Backend extends DualStack {
  /** "b1", "b2", …, which its server also answers with. */
  readonly name: string;
  readonly netns: Netns;
  /** The host's end of the pair. */
  readonly device: string;
}

/** Name of the host's interface towards the client. */
export const OUTWARD = "eth0";
/** Name of the bridge in the "bridge" wiring. */
export const BRIDGE = "cni0";

/**
 * A client, a host that balances load, and backends, each in a network
 * namespace of its own. Unless told otherwise every checksum is computed in
 * full by the sender and verified by the receiver, as between real machines.
 */
export class Topology implements AsyncDisposable {
  readonly #forget: () => void;
  readonly #all: Netns[] = [];
  #destroyed: Promise<void> | undefined;

  private constructor(
    /** What the names of all its network namespaces begin with. */
    readonly prefix: string,
    readonly options: Required<TopologyOptions>,
  ) {
    this.#forget = runOnInterrupt(() => this.destroy());
  }

  client!: Netns;
  host!: Netns;
  readonly backends: Backend[] = [];

  /** Builds it; what earlier runs left is removed first. */
  static async create(options: TopologyOptions = {}): Promise<Topology> {
    await removeLeftovers();
    const defaults = {
      backends: 3,
      wiring: "veth",
      forwarding: false,
      masquerade: true,
      offloads: false,
    } as const;
    const topology = new Topology(newRunPrefix(), { ...defaults, ...options });
    try {
      await topology.#build();
    } catch (error) {
      await topology.destroy();
      throw error;
    }
    return topology;
  }

  /** Removes it with everything that runs in it. Harmless when repeated. */
  destroy(): Promise<void> {
    return this.#destroyed ??= this.#destroy();
  }

  async #destroy(): Promise<void> {
    await Promise.all(this.#all.map((netns) => netns.destroy()));
    this.#forget();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }

  async #build(): Promise<void> {
    const { backends, wiring, masquerade } = this.options;
    [this.client, this.host] = await Promise.all([this.addNetns("client"), this.addNetns("host")]);
    await Promise.all([
      this.#forward(),
      this.#connectClient(),
      masquerade && this.host.run(["nft", "-f", "-"], { input: masqueradeRules() }),
      wiring === "bridge" &&
      this.host.ip([`link add ${BRIDGE} type bridge`, ...upWith(BRIDGE, POD_GATEWAY)]),
    ]);
    const numbers = Array.from({ length: backends }, (_, index) => index + 1);
    this.backends.push(...await Promise.all(numbers.map((number) => this.#makeBackend(number))));
    await this.#waitForCarrier();
  }

  async #connectClient(): Promise<void> {
    await this.connect(this.client, OUTWARD);
    // Connection storms leave many ports in TIME_WAIT.
    await this.client.sysctl({ "net.ipv4.ip_local_port_range": "1024 65000" });
    await this.client.ip([...upWith("eth0", CLIENT), ...defaultRoutes(HOST)]);
    await this.host.ip([...upWith(OUTWARD, HOST), ...defaultRoutes(CLIENT)]);
  }

  /** The kernel notices a veth's carrier a moment after both ends are up. */
  async #waitForCarrier(): Promise<void> {
    for (let attempt = 0; attempt < 100; attempt++) {
      const { stdout } = await this.host.run(["ip", "-brief", "link", "show", "type", "veth"]);
      if (!/\s(DOWN|LOWERLAYERDOWN)\s/.test(stdout)) return;
      await delay(20);
    }
    throw new Error(`an interface of ${this.host.name} stays down`);
  }

  /** A further network namespace, with nothing in it but its loopback; it goes with the topology. */
  async addNetns(role: string): Promise<Netns> {
    const netns = await makeNetns(`${this.prefix}-${role}`);
    this.#all.push(netns);
    return netns;
  }

  async #forward(): Promise<void> {
    const value = this.options.forwarding ? 1 : 0;
    await this.host.sysctl({ "net.ipv4.ip_forward": value, "net.ipv6.conf.all.forwarding": value });
  }

  /** A veth pair: eth0 in one network namespace, `device` on the host or wherever `to` says. */
  async connect(end: Netns, device: string, to: Netns = this.host): Promise<void> {
    await makeVeth([end, "eth0"], [to, device], this.options);
  }

  /** Adds the backend with that number, as a pod that comes while everything runs. */
  async addBackend(number: number): Promise<Backend> {
    const backend = await this.#makeBackend(number);
    await this.#waitForCarrier();
    this.backends.push(backend);
    return backend;
  }

  async #makeBackend(number: number): Promise<Backend> {
    const addresses = backendAddresses(number);
    const netns = await this.addNetns(`b${number}`);
    const device = `veth${number}`;
    await this.connect(netns, device);
    if (this.options.wiring === "bridge") {
      await this.host.ip([`link set ${device} master ${BRIDGE} up`, `link show dev ${device}`]);
      await netns.ip([...upWith("eth0", addresses), ...defaultRoutes(POD_GATEWAY)]);
    } else {
      await addressPod(netns, [this.host, device], addresses);
    }
    return { name: `b${number}`, netns, device, ...addresses };
  }

  /** Removes a backend with its interface, as a pod that goes. */
  async removeBackend(backend: Backend): Promise<void> {
    // The kernel removes the interfaces of a deleted network namespace some time later.
    await this.host.ip([`link delete ${backend.device}`]);
    await backend.netns.destroy();
    this.#all.splice(this.#all.indexOf(backend.netns), 1);
    this.backends.splice(this.backends.indexOf(backend), 1);
  }
}

/**
 * As CNI's bridge and ptp plugins with ipMasq: from a pod to anywhere but a pod. TCP and UDP are counted,
 * the first packet of every flow that netfilter sees; the host's own IGMP passes here too.
 */
function masqueradeRules(): string {
  const { ipv4, ipv6 } = POD_NETWORK;
  return `table inet cni {
    chain postrouting {
      type nat hook postrouting priority srcnat
      ip saddr ${ipv4} ip daddr != ${ipv4} goto outward
      ip6 saddr ${ipv6} ip6 daddr != ${ipv6} goto outward
    }
    chain outward {
      meta l4proto { tcp, udp } counter
      masquerade
    }
  }`;
}
