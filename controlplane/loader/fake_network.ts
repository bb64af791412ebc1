// SPDX-License-Identifier: Apache-2.0

import type { Interface, Route, WatchResponse } from "./messages.ts";

/** A watcher: told the network at once and after every change. */
export type Watcher = (network: WatchResponse) => void;

/** The network that the fake loader reports, as a test scripts it. */
export class FakeNetwork {
  #interfaces: readonly Interface[] = [];
  #routes = new Map<string, Route>();
  #generation = 1;
  readonly #watchers = new Set<Watcher>();

  /** True when there is an interface of that index. */
  has(ifindex: number): boolean {
    return this.#interfaces.some((device) => device.ifindex === ifindex);
  }

  /** Replaces all interfaces. */
  setInterfaces(interfaces: readonly Interface[]): void {
    this.#interfaces = interfaces.toSorted((a, b) => a.ifindex - b.ifindex);
    this.#tell();
  }

  /** Replaces all routes: the way to each address of 4 or 16 bytes, in hexadecimal. */
  setRoutes(routes: Readonly<Record<string, Route>>): void {
    this.#routes = new Map(Object.entries(routes));
    this.#generation++;
    this.#tell();
  }

  /** The way to an address. */
  resolve(address: Uint8Array): Route {
    const none = { ifindex: 0, gateway: new Uint8Array(), local: false, source: new Uint8Array() };
    return this.#routes.get(Uint8Array.from(address).toHex()) ?? none;
  }

  /** Begins to tell; returns what ends it. */
  watch(watcher: Watcher): () => void {
    this.#watchers.add(watcher);
    watcher(this.#state());
    return () => this.#watchers.delete(watcher);
  }

  #state(): WatchResponse {
    return { interfaces: this.#interfaces, routesGeneration: this.#generation };
  }

  #tell(): void {
    for (const watcher of this.#watchers) watcher(this.#state());
  }
}

/** An interface for tests: Ethernet, up, of no bridge, unless said otherwise. */
export function fakeInterface(ifindex: number, name: string, rest: Partial<Interface> = {}): Interface {
  return {
    ifindex,
    name,
    kind: "",
    type: 1,
    up: true,
    mac: Uint8Array.of(2, 0, 0, 0, 0, ifindex),
    mtu: 1500,
    master: 0,
    peerElsewhere: false,
    addresses: [],
    defaultRoute: false,
    link: 0,
    ...rest,
  };
}
