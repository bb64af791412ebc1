// SPDX-License-Identifier: Apache-2.0

import { type Clock, monotonicClock } from "../clock.ts";
import { LoaderClient } from "../loader/client.ts";
import { CODE, LoaderError } from "../loader/error.ts";
import type { LoadedObject, WatchResponse } from "../loader/messages.ts";
import type { DesiredDataplane } from "../translate/desired.ts";
import { Backoff } from "../backoff.ts";
import { FlowWatch } from "./flow_watch.ts";
import type { ReachedLimit } from "./fullness.ts";
import { ReachedLimits } from "./reached_limits.ts";
import { NEXT_NAME, OBJECT_NAME } from "./kernel.ts";
import { checkLayout, type Layout } from "./layout.ts";
import { type Limits, maxEntries } from "./limits.ts";
import { measure, type Measurement } from "./measure.ts";
import { type ObjectFile, readObject } from "./object.ts";
import { type AttachOrder, FIRST } from "./order.ts";
import type { Unprogrammed } from "./planner.ts";
import { MissingFeatureError, requireFeatures } from "./requirements.ts";
import { formatRooms, roomsOf } from "./room.ts";
import { Session } from "./session.ts";
import { Upgrade, type Version } from "./upgrade.ts";
import { Wake } from "./wake.ts";
import type { XdpMode } from "./xdp.ts";

/** Options of a Dataplane. */
export interface DataplaneOptions {
  /** "unix:/path" of the loader's socket. */
  readonly loader: string;
  /** The eBPF object, an ELF file. */
  readonly object: Uint8Array;
  /** Names of the interfaces that face clients; see devicesOf() for what holds when there are none. */
  readonly interfaces?: readonly string[] | undefined;
  /** Place among other programs, where it is not attached yet; default first. */
  readonly order?: AttachOrder | undefined;
  /** Where the XDP program is used; default "auto". */
  readonly xdp?: XdpMode | undefined;
  /** A number that is absent is the object's own. */
  readonly limits?: Partial<Limits> | undefined;
  readonly log: (line: string) => void;
  /** Told whenever the services that the kernel cannot serve as desired are others than before. */
  readonly onUnprogrammed?: ((services: readonly Unprogrammed[]) => void) | undefined;
  /** Told whenever other limits of this node are reached than before. */
  readonly onReached?: ((limits: readonly ReachedLimit[]) => void) | undefined;
  /** A number from 0 up to 1; default Math.random. */
  readonly random?: () => number;
  /** Told when a session with the loader begins. */
  readonly onConnected?: (() => void) | undefined;
  /** What back-off waits by; default the machine's. */
  readonly clock?: Clock;
}

/** Milliseconds until an interface that refused the program is tried again. */
const ATTACH_RETRY = 5_000;

/** What is there as long as the loader is. */
interface Connection {
  readonly client: LoaderClient;
  readonly session: Session;
  readonly loaded: LoadedObject;
}

interface Waiter {
  readonly version: number;
  readonly resolve: () => void;
}

/**
 * Keeps the kernel as desired, through the loader. Level-based: it compares what is desired with what the
 * kernel holds, which it reads back after every (re-)connection, so a restart of either side makes no gap.
 * When the loader is away or refuses, it tries again with back-off; the kernel keeps the last state.
 */
export class Dataplane {
  readonly #options: DataplaneOptions;
  readonly #file: ObjectFile;
  readonly #layout: Layout;
  readonly #wake = new Wake();
  readonly #backoff: Backoff;
  readonly #limits: ReachedLimits;
  readonly #flowWatch: FlowWatch;
  readonly #versions = new WeakMap<DesiredDataplane, number>();
  readonly #closed = new AbortController();
  #waiters: Waiter[] = [];
  #desired: DesiredDataplane | undefined;
  #version = 0;
  #programmedVersion = 0;
  #network: WatchResponse | undefined;
  #unprogrammed: readonly Unprogrammed[] = [];
  #lastComplaint = "";
  #connection: Connection | undefined;
  #running: Promise<void> = Promise.resolve();

  /** Reads the object. Throws a SyntaxError or LayoutError when this control plane cannot use it. */
  constructor(options: DataplaneOptions) {
    this.#options = options;
    this.#file = readObject(options.object);
    this.#layout = checkLayout(this.#file);
    this.#backoff = new Backoff(options.random ?? Math.random);
    const { log, onReached, clock = monotonicClock } = options;
    this.#limits = new ReachedLimits({ log, ...(onReached && { onReached }) });
    const onFull = (tables: readonly ReachedLimit[]): void => this.#limits.set("flows", tables);
    this.#flowWatch = new FlowWatch({ layout: this.#layout, clock, onFull });
  }

  /** Services that the kernel does not serve as desired, with the reasons. */
  get unprogrammed(): readonly Unprogrammed[] {
    return this.#unprogrammed;
  }

  /** Whether the loader answers, and is worked with. */
  get isConnected(): boolean {
    return this.#connection !== undefined;
  }

  /** Names of the reasons for which packets are dropped. */
  get dropReasons(): readonly string[] {
    return this.#layout.dropReasons;
  }

  /** Counters of the kernel; undefined while there is no loader, or one version takes over from another. */
  async measure(signal?: AbortSignal): Promise<Measurement | undefined> {
    if (this.#connection === undefined || this.#connection.session.isBeside) return undefined;
    const { client, session, loaded } = this.#connection;
    return await measure(client, this.#layout, loaded, session.programmed(), signal);
  }

  /** Says what the kernel should do. The latest counts; what it replaces before it was begun is never done. */
  set(desired: DesiredDataplane): void {
    this.#desired = desired;
    this.#versions.set(desired, ++this.#version);
    this.#wake.raise();
  }

  /**
   * Waits until a state that was set, or a newer one, is in the kernel; all of it but what onUnprogrammed
   * was told. Rejects with the signal's reason.
   */
  programmed(desired: DesiredDataplane, signal?: AbortSignal): Promise<void> {
    const version = this.#versions.get(desired);
    if (version === undefined) return Promise.reject(new TypeError("The state was never given to set()"));
    if (version <= this.#programmedVersion) return Promise.resolve();
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => {
        this.#waiters = this.#waiters.filter((other) => other !== waiter);
        reject(signal?.reason);
      };
      const waiter = {
        version,
        resolve: (): void => {
          signal?.removeEventListener("abort", abort);
          resolve();
        },
      };
      signal?.addEventListener("abort", abort);
      this.#waiters.push(waiter);
    });
  }

  /**
   * Works until the signal is aborted or close() is called; never ends for trouble with the loader. Rejects
   * with a MissingFeatureError on a kernel that lacks something.
   */
  run(signal: AbortSignal): Promise<void> {
    this.#running = this.#run(AbortSignal.any([signal, this.#closed.signal]));
    return this.#running;
  }

  /** Ends run(). With unload, detaches everything and gives all maps back; else the kernel goes on forwarding. */
  async close(options: { unload: boolean }): Promise<void> {
    this.#closed.abort();
    await this.#running.catch(() => {});
    if (!options.unload) return;
    const client = new LoaderClient(this.#options.loader);
    try {
      for (const name of [NEXT_NAME, OBJECT_NAME]) {
        await client.unload(name).catch((error) => {
          if (!(error instanceof LoaderError && error.code === CODE.NOT_FOUND)) throw error;
        });
      }
    } finally {
      client.close();
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const clock = this.#options.clock ?? monotonicClock;
    while (!signal.aborted) {
      try {
        await this.#connect(signal);
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof MissingFeatureError) throw error;
        this.#complain(error);
      }
      await clock.sleep(this.#backoff.next(), signal).catch(() => {});
    }
  }

  /** Says once what keeps it from working. */
  #complain(error: unknown): void {
    const message = error instanceof Error ? error.message : String(error);
    if (message === this.#lastComplaint) return;
    this.#lastComplaint = message;
    this.#options.log(`The kernel keeps its last state, trying again: ${message}`);
  }

  async #connect(outer: AbortSignal): Promise<void> {
    const client = new LoaderClient(this.#options.loader);
    // Ends the watch when a step fails, and a step under way when the watch fails.
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    try {
      const upgrade = new Upgrade(client, this.#options.log, signal);
      const { session, loaded, greeting } = await this.#begin(client, upgrade, signal);
      this.#connection = { client, session, loaded };
      this.#options.onConnected?.();
      const watching = this.#watch(client, signal).catch((error) => ended.abort(error));
      this.#flowWatch.run(client, loaded, signal);
      try {
        await this.#work(session, upgrade, greeting, signal);
      } finally {
        ended.abort();
        await watching;
      }
    } finally {
      this.#connection = undefined;
      client.close();
    }
  }

  async #begin(
    client: LoaderClient,
    upgrade: Upgrade,
    signal: AbortSignal,
  ): Promise<{ session: Session; loaded: LoadedObject; greeting: readonly string[] }> {
    const { version, kernel, features } = await client.probe({ signal, timeout: 5_000 });
    requireFeatures(kernel, features);
    const { loaded, manner } = await upgrade.begin(this.#wantedVersion());
    const session = await Session.begin(loaded, {
      client,
      layout: this.#layout,
      interfaces: this.#options.interfaces ?? [],
      order: this.#options.order ?? FIRST,
      xdp: this.#options.xdp ?? "auto",
      epoch: () => 1 + Math.floor((this.#options.random ?? Math.random)() * 0xffff_fffe),
      clock: this.#options.clock ?? monotonicClock,
      log: this.#options.log,
    }, signal);
    const greeting = `Connected to loader ${version} on Linux ${kernel}, ${manner}`;
    return { session, loaded, greeting: [greeting, formatRooms(roomsOf(loaded))] };
  }

  #wantedVersion(): Version {
    const sizes = maxEntries(this.#options.limits ?? {});
    return { object: this.#options.object, file: this.#file, maxEntries: sizes };
  }

  async #watch(client: LoaderClient, signal: AbortSignal): Promise<void> {
    this.#network = undefined;
    for await (const network of client.watch({ signal })) {
      this.#network = network;
      this.#wake.raise();
    }
    throw new LoaderError(CODE.UNAVAILABLE, "The loader ended the connection");
  }

  async #work(
    session: Session,
    upgrade: Upgrade,
    greeting: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    let network: WatchResponse | undefined;
    let greeted = false;
    for (;;) {
      const version = this.#version;
      const desired = this.#desired;
      const retry = network !== this.#network || session.refused;
      network = this.#network;
      if (network !== undefined) {
        if (retry) await session.updateNetwork(network, signal);
        if (desired !== undefined) {
          const unprogrammed = await session.program(desired, network, signal);
          if (session.isBeside) {
            await session.takeOver(upgrade);
            await session.updateNetwork(network, signal);
          }
          this.#done(version, unprogrammed);
        }
        this.#limits.set("session", session.reached);
        this.#backoff.reset();
        this.#lastComplaint = "";
        // Not before something went well: a loader that refuses everything would be greeted at every attempt.
        if (!greeted) { for (const line of greeting) this.#options.log(line); }
        greeted = true;
      }
      await this.#rest(session, signal);
    }
  }

  /** Waits for news, or for the time to try a refused interface again. */
  async #rest(session: Session, signal: AbortSignal): Promise<void> {
    const timer = session.refused ? setTimeout(() => this.#wake.raise(), ATTACH_RETRY) : undefined;
    try {
      await this.#wake.wait(signal);
    } finally {
      clearTimeout(timer);
    }
  }

  #done(version: number, unprogrammed: readonly Unprogrammed[]): void {
    const text = (list: readonly Unprogrammed[]): string =>
      list.map(({ service, reason }) => `${service.listener} is not programmed: ${reason}`).join("\n");
    const changed = text(unprogrammed) !== text(this.#unprogrammed);
    this.#unprogrammed = unprogrammed;
    if (changed) {
      for (const line of text(unprogrammed).split("\n")) if (line !== "") this.#options.log(line);
      this.#options.onUnprogrammed?.(unprogrammed);
    }
    this.#programmedVersion = version;
    const [ready, waiting] = [
      this.#waiters.filter((waiter) => waiter.version <= version),
      this.#waiters.filter((waiter) => waiter.version > version),
    ];
    this.#waiters = waiting;
    for (const waiter of ready) waiter.resolve();
  }
}
