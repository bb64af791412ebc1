// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import type { Interface, LoadedObject } from "../loader/messages.ts";
import { EARLY_PROGRAM, earlyAttachment, isEarly, xdpChoice, type XdpMode } from "./xdp.ts";

/** What an EarlyProgram needs from its owner. */
export interface EarlyProgramOptions {
  readonly client: LoaderClient;
  readonly mode: XdpMode;
  readonly log: (line: string) => void;
}

/**
 * Keeps the XDP program where it should be. It is an addition to the ingress program, which does all of the work
 * where there is none: a driver that refuses it, or another's program in its place, is said once and no error.
 */
export class EarlyProgram {
  readonly #options: EarlyProgramOptions;
  #attached = new Set<number>();
  /** What was said last of an interface. */
  #said = new Map<number, string>();
  #exists = false;

  constructor(options: EarlyProgramOptions) {
    this.#options = options;
  }

  /** Takes over where an object has the program already. */
  adopt(loaded: LoadedObject): void {
    this.#exists = loaded.programs.some((program) => program.name === EARLY_PROGRAM);
    this.#attached = new Set(loaded.attachments.filter(isEarly).map(({ ifindex }) => ifindex));
  }

  /** Makes it hang, for the object of a name, where it should of the interfaces that face clients. */
  async update(
    name: string,
    interfaces: readonly Interface[],
    outward: ReadonlySet<number>,
    signal: AbortSignal,
  ): Promise<void> {
    if (!this.#exists) return;
    const facing = interfaces.filter((device) => outward.has(device.ifindex));
    const choices = facing.map((device) => ({
      device,
      choice: xdpChoice(device, interfaces, this.#options.mode),
    }));
    const wanted = choices.filter(({ choice }) => choice.wanted);
    await this.#detach(
      name,
      [...this.#attached].filter((ifindex) => !wanted.some(({ device }) => device.ifindex === ifindex)),
      signal,
    );
    for (const { device, choice } of choices) {
      if (!choice.wanted) this.#say(device, `TCX alone: ${choice.reason}`);
    }
    const missing = wanted.filter(({ device }) => !this.#attached.has(device.ifindex));
    for (const { device, choice } of wanted) {
      if (this.#attached.has(device.ifindex)) this.#say(device, `XDP and TCX: ${choice.reason}`);
    }
    if (missing.length === 0) return;
    const attachments = missing.map(({ device }) => earlyAttachment(device.ifindex));
    const results = await this.#options.client.attach({ name, attachments }, { signal });
    missing.forEach(({ device, choice }, i) => {
      const error = results[i]?.error ?? "";
      if (error === "") this.#attached.add(device.ifindex);
      this.#say(device, error === "" ? `XDP and TCX: ${choice.reason}` : `TCX alone: ${error}`);
    });
    this.#said = new Map([...this.#said].filter(([ifindex]) => outward.has(ifindex)));
  }

  async #detach(name: string, gone: readonly number[], signal: AbortSignal): Promise<void> {
    if (gone.length === 0) return;
    await this.#options.client.detach({ name, attachments: gone.map(earlyAttachment) }, { signal });
    for (const ifindex of gone) this.#attached.delete(ifindex);
  }

  #say({ ifindex, name }: Interface, line: string): void {
    if (this.#said.get(ifindex) === line) return;
    this.#said.set(ifindex, line);
    this.#options.log(`Interface ${name} has ${line}`);
  }
}
