// SPDX-License-Identifier: Apache-2.0

import type { DualStack } from "../netns/addresses.ts";
import { runOnInterrupt } from "../netns/interrupt.ts";
import { Netns, removeLeftovers } from "../netns/netns.ts";
import { newRunPrefix } from "../netns/netns_name.ts";
import { runCommand } from "../netns/run_command.ts";

/** A machine on a segment. Its interface there is eth0. */
export interface Station extends DualStack {
  readonly netns: Netns;
  /** Link-layer address, as ip(8) writes it. */
  readonly mac: string;
}

/** Machines on one Ethernet segment: network namespaces on a bridge. */
export class Segment implements AsyncDisposable {
  readonly #prefix = newRunPrefix();
  readonly #all: Netns[] = [];
  readonly #forget = runOnInterrupt(() => this.#destroy());
  #bridge!: Netns;

  static async create(): Promise<Segment> {
    await removeLeftovers();
    const segment = new Segment();
    segment.#bridge = await segment.#netns("bridge");
    await segment.#bridge.ip(["link add br0 type bridge", "link set br0 up"]);
    return segment;
  }

  async #netns(role: string): Promise<Netns> {
    const netns = await Netns.create(`${this.#prefix}-${role}`);
    this.#all.push(netns);
    return netns;
  }

  /** Adds a machine, the first one with number 1: 198.51.100.1 and 2001:db8:c::1. */
  async add(role: string, number: number): Promise<Station> {
    const netns = await this.#netns(role);
    await netns.sysctl({ "net.ipv6.conf.all.accept_dad": 0, "net.ipv6.conf.default.accept_dad": 0 });
    const [ipv4, ipv6] = [`198.51.100.${number}`, `2001:db8:c::${number}`];
    const mac = `02:00:00:00:00:0${number}`;
    const pair =
      `eth0 netns ${netns.name} address ${mac} type veth peer name ${role} netns ${this.#bridge.name}`;
    await runCommand(["ip", "link", "add", ...pair.split(" ")]);
    await this.#bridge.ip([`link set ${role} master br0 up`]);
    await netns.ip([
      "link set eth0 up",
      `address add ${ipv4}/24 dev eth0`,
      `address add ${ipv6}/64 dev eth0 nodad`,
    ]);
    return { netns, ipv4, ipv6, mac };
  }

  /** Cuts a machine off, as when it loses its power. */
  async cut(role: string): Promise<void> {
    await this.#bridge.ip([`link set ${role} down`]);
  }

  async #destroy(): Promise<void> {
    for (const netns of this.#all) await netns.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#destroy();
    this.#forget();
  }
}
