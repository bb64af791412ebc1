// SPDX-License-Identifier: Apache-2.0

import type { Clock } from "../clock.ts";
import type { LoaderClient } from "../loader/client.ts";
import {
  type Attachment,
  type Interface,
  type LoadedObject,
  type Operation,
  ORDER,
  type WatchResponse,
} from "../loader/messages.ts";
import type { DesiredDataplane } from "../translate/desired.ts";
import { formatWireAddress } from "./address.ts";
import { Announcer } from "./announcer.ts";
import { attachmentsOf, deviceChanges, devicesOf, fittingDevices, isEthernet, outwardOf } from "./devices.ts";
import { EarlyProgram } from "./early_program.ts";
import type { ReachedLimit } from "./fullness.ts";
import { type KernelState, OBJECT_NAME, readKernel } from "./kernel.ts";
import { EGRESS_PROGRAM, EMIT_PROGRAM, INGRESS_PROGRAM, type Layout } from "./layout.ts";
import { formatNumber } from "./format.ts";
import { type Change, type DeviceValue, encodeChange, operationSize } from "./operation.ts";
import { capacityOf, entriesOf } from "./limits.ts";
import type { ProgrammedService } from "./measure.ts";
import { NeighbourWatch, readChains } from "./neighbours.ts";
import type { AttachOrder } from "./order.ts";
import { Planner, type Unprogrammed } from "./planner.ts";
import { RouteCache } from "./routes.ts";
import type { Upgrade } from "./upgrade.ts";
import type { XdpMode } from "./xdp.ts";

/** Bytes of operations in one Apply: larger ones would save little, and take their size several times over on the way. */
const APPLY_BYTES = 1024 * 1024;

/** What a session needs from its owner. */
export interface SessionOptions {
  readonly client: LoaderClient;
  readonly layout: Layout;
  readonly interfaces: readonly string[];
  readonly xdp: XdpMode;
  readonly order: AttachOrder;
  readonly epoch: () => number;
  readonly clock: Clock;
  readonly log: (line: string) => void;
}

/**
 * One connection's worth of work: what the kernel holds is known, and is changed step by step. A step that
 * throws ends the session, because then it is no longer known what the kernel holds.
 */
export class Session {
  readonly #options: SessionOptions;
  readonly #planner: Planner;
  readonly #routes = new RouteCache();
  readonly #announcer: Announcer;
  readonly #neighbours: NeighbourWatch;
  /** By attachmentName(). */
  readonly #attached: Map<string, Attachment>;
  readonly #refused = new Map<number, string>();
  readonly #early: EarlyProgram;
  #missing: readonly string[] = [];
  #nodesLeftOut = 0;
  #devicesLeftOut = 0;
  readonly #mostDevices: number;
  #devices: ReadonlyMap<number, DeviceValue>;
  /** Whether what the host sends to itself may be for a service. */
  #inside: boolean;
  #generation: number;
  /** Of the object as it is loaded now. */
  #name: string;

  private constructor(
    options: SessionOptions,
    loaded: LoadedObject,
    planner: Planner,
    kernel: KernelState,
    signal: AbortSignal,
  ) {
    this.#options = options;
    this.#planner = planner;
    this.#devices = kernel.devices;
    this.#inside = planner.takesOwn;
    this.#mostDevices = entriesOf(loaded, "devices") ?? Infinity;
    const send = (ifindex: number, frames: readonly Uint8Array[]): Promise<void> =>
      this.#send(ifindex, frames, signal);
    this.#announcer = new Announcer(kernel.addresses, { send, clock: options.clock, signal });
    this.#attached = new Map(ours(loaded));
    const { client, xdp, log } = options;
    this.#neighbours = new NeighbourWatch(log);
    this.#early = new EarlyProgram({ client, mode: xdp, log });
    this.#early.adopt(loaded);
    this.#generation = loaded.generation;
    this.#name = loaded.name;
  }

  /** Takes over what an object that is loaded holds. Writes nothing. */
  static async begin(loaded: LoadedObject, options: SessionOptions, signal: AbortSignal): Promise<Session> {
    const kernel = await readKernel(options.client, options.layout, signal, loaded.name);
    const planner = new Planner(kernel, capacityOf(loaded), options.epoch);
    return new Session(options, loaded, planner, kernel, signal);
  }

  /** Services that are programmed, with the ids of their counters. */
  programmed(): readonly ProgrammedService[] {
    return this.#planner.programmed();
  }

  /** Limits that no option sets, and no cluster of a size that Kubernetes is tested with reaches. */
  get reached(): readonly ReachedLimit[] {
    return [
      leftOut(
        "nodes",
        this.#nodesLeftOut,
        "addresses of nodes are",
        "what they send in tunnels is left to the host",
      ),
      leftOut("devices", this.#devicesLeftOut, "interfaces are", "what comes in there is left to the host"),
    ].flatMap((limit) => limit ?? []);
  }

  /** True when an interface refused the program, so that it is worth trying again later. */
  get refused(): boolean {
    return this.#refused.size > 0;
  }

  /** True while an old version forwards beside the one that is programmed. */
  get isBeside(): boolean {
    return this.#name !== OBJECT_NAME;
  }

  /** Gives the version that was programmed beside the old one its place. */
  async takeOver(upgrade: Upgrade): Promise<void> {
    const loaded = await upgrade.finish();
    this.#name = loaded.name;
    for (const [name, attachment] of ours(loaded)) this.#attached.set(name, attachment);
    this.#early.adopt(loaded);
    this.#options.log("The new version has taken over");
  }

  /** Makes the devices and attachments fit the interfaces there are. */
  async updateNetwork(network: WatchResponse, signal: AbortSignal): Promise<void> {
    this.#reportMissing(network.interfaces);
    const all = devicesOf(network.interfaces, this.#options.interfaces, this.#inside);
    const wanted = fittingDevices(all, this.#mostDevices);
    this.#devicesLeftOut = all.size - wanted.size;
    await this.#apply(deviceChanges(this.#devices, wanted), signal);
    this.#devices = wanted;
    this.#announcer.setDevices(wanted);
    if (this.isBeside) return;
    await this.#attach(network.interfaces.filter((device) => wanted.has(device.ifindex)), signal);
    // Without the ingress program, nobody would take what the other passes on.
    const outward = [...outwardOf(wanted)].filter((ifindex) => this.#hasAll(ifindex));
    await this.#early.update(this.#name, network.interfaces, new Set(outward), signal);
    const own = network.interfaces.filter(({ ifindex }) => this.#hasAll(ifindex));
    const { client } = this.#options;
    this.#neighbours.update(own, await readChains(client, own.map(({ ifindex }) => ifindex), signal));
    await this.#detach([...this.#attached.values()].filter(({ ifindex }) => !wanted.has(ifindex)), signal);
  }

  /** Says once of each interface that was named that it is not there, or cannot be used. */
  #reportMissing(interfaces: readonly Interface[]): void {
    const missing = this.#options.interfaces.filter((name) =>
      !interfaces.some((device) => device.name === name && isEthernet(device))
    );
    for (const name of missing.filter((name) => !this.#missing.includes(name))) {
      this.#options.log(
        interfaces.some((device) => device.name === name)
          ? `Interface ${name} has no Ethernet header, and Blixt takes no packets without one; name another that faces clients`
          : `There is no interface ${name}; it faces clients as soon as it appears`,
      );
    }
    this.#missing = missing;
  }

  #hasAll(ifindex: number): boolean {
    return attachmentsOf(ifindex).every((attachment) => this.#attached.has(attachmentName(attachment)));
  }

  async #attach(devices: readonly Interface[], signal: AbortSignal): Promise<void> {
    const missing = devices.flatMap((device) => attachmentsOf(device.ifindex))
      .filter((attachment) => !this.#attached.has(attachmentName(attachment)));
    for (const ifindex of this.#refused.keys()) {
      if (!devices.some((device) => device.ifindex === ifindex)) this.#refused.delete(ifindex);
    }
    if (missing.length === 0) return;
    const { client, order } = this.#options;
    const name = this.#name;
    const [entering, leaving] = [INGRESS_PROGRAM, EGRESS_PROGRAM].map((program) =>
      missing.filter((attachment) => attachment.program === program)
    ) as [Attachment[], Attachment[]];
    // The place that a user asks for is among those who see packets enter.
    const results = [
      ...await client.attach({ name, attachments: entering, ...order }, { signal }),
      ...await client.attach({ name, attachments: leaving, order: ORDER.FIRST }, { signal }),
    ];
    const asked = [...entering, ...leaving];
    const errors = new Map<number, string>();
    results.forEach(({ error }, i) => {
      const attachment = asked[i] as Attachment;
      if (error === "") this.#attached.set(attachmentName(attachment), attachment);
      errors.set(attachment.ifindex, errors.get(attachment.ifindex) || error);
    });
    for (const [ifindex, error] of errors) {
      this.#reportAttached(devices.find((device) => device.ifindex === ifindex) as Interface, error);
    }
  }

  /** Says what became of an interface; of one that refuses, once. */
  #reportAttached({ ifindex, name }: Interface, error: string): void {
    if (error === "") {
      this.#refused.delete(ifindex);
      this.#options.log(`Attached to interface ${name}`);
    } else if (this.#refused.get(ifindex) !== error) {
      this.#refused.set(ifindex, error);
      this.#options.log(`Interface ${name} has no Blixt and is tried again: ${error}`);
    }
  }

  async #detach(gone: readonly Attachment[], signal: AbortSignal): Promise<void> {
    if (gone.length === 0) return;
    await this.#options.client.detach({ name: this.#name, attachments: gone }, { signal });
    for (const attachment of gone) this.#attached.delete(attachmentName(attachment));
  }

  /** Makes the maps fit what is desired; returns what could not be programmed within the limits. */
  async program(
    desired: DesiredDataplane,
    network: WatchResponse,
    signal: AbortSignal,
  ): Promise<readonly Unprogrammed[]> {
    await this.#routes.update(this.#options.client, desired, network.routesGeneration, signal);
    const local = new Set(network.interfaces.flatMap((device) => device.addresses.map(formatWireAddress)));
    for (;;) {
      const plan = this.#planner.plan(desired, this.#routes, local);
      await this.#apply(plan.changes, signal);
      this.#announcer.note(plan.changes);
      this.#nodesLeftOut = plan.nodesLeftOut;
      if (plan.again) continue;
      if (this.#planner.takesOwn !== this.#inside) {
        this.#inside = this.#planner.takesOwn;
        await this.updateNetwork(network, signal);
      }
      return plan.unprogrammed;
    }
  }

  async #send(ifindex: number, frames: readonly Uint8Array[], signal: AbortSignal): Promise<void> {
    await this.#options.client.run({ name: this.#name, program: EMIT_PROGRAM, ifindex, frames }, { signal });
  }

  async #apply(changes: readonly Change[], signal: AbortSignal): Promise<void> {
    for (const operations of batches(this.#options.layout, changes)) {
      const generation = ++this.#generation;
      const request = { name: this.#name, generation, operations };
      const { already } = await this.#options.client.apply(request, { signal });
      for (const { putTable } of operations) free(putTable?.values);
      if (already) throw new Error("Another program writes to the loader's maps, end it");
    }
  }
}

/** Gives memory back at once: the garbage collector sees little of what lies outside of its heap. */
function free(bytes: Uint8Array | undefined): void {
  if (bytes?.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
}

/** Changes as operations, cut into messages. Every prefix of a plan is consistent, so a cut harms nothing. */
function* batches(layout: Layout, changes: readonly Change[]): Generator<Operation[]> {
  let batch: Operation[] = [];
  let size = 0;
  for (const change of changes) {
    const operation = encodeChange(layout, change);
    if (batch.length > 0 && size + operationSize(operation) > APPLY_BYTES) {
      yield batch;
      batch = [];
      size = 0;
    }
    batch.push(operation);
    size += operationSize(operation);
  }
  if (batch.length > 0) yield batch;
}

/** Attachments of the programs that every interface has, by attachmentName(). */
function ours({ attachments }: LoadedObject): [string, Attachment][] {
  const named = attachments.map((
    attachment,
  ): [string, Attachment] => [attachmentName(attachment), attachment]);
  return named.filter(([name, { ifindex }]) =>
    attachmentsOf(ifindex).some((attachment) => attachmentName(attachment) === name)
  );
}

/** "ingress 1 3": what tells attachments apart in memory. */
function attachmentName({ program, hook, ifindex }: Attachment): string {
  return `${program} ${hook} ${ifindex}`;
}

/** "3 addresses of nodes are more than the map nodes holds: …"; undefined for none. */
function leftOut(of: string, number: number, what: string, effect: string): ReachedLimit | undefined {
  return number === 0
    ? undefined
    : { of, message: `${formatNumber(number)} ${what} more than the map ${of} holds, and ${effect}` };
}
