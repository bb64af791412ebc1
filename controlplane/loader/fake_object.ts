// SPDX-License-Identifier: Apache-2.0

import { MAP_TYPE, type ObjectFile, type ProgramDefinition, readObject } from "../dataplane/object.ts";
import { CODE, LoaderError } from "./error.ts";
import { FakeMap } from "./fake_map.ts";
import {
  type ApplyRequest,
  type ApplyResponse,
  type Attachment,
  type AttachResult,
  HOOK,
  type Hook,
  type LoadedObject,
  type LoadRequest,
  type Operation,
} from "./messages.ts";

/** Told after each operation that is in a map; for tests that look at every moment. */
export type Observer = (operation: Operation) => void;

/** An object that is loaded: what the real loader keeps in pins, and a generation that it does not. */
export class FakeObject {
  name: string;
  /** Forgotten when the loader restarts. */
  generation = 0;
  readonly maps = new Map<string, FakeMap>();
  readonly #cpus: number;
  #programs: readonly ProgramDefinition[] = [];
  #attachments: readonly Attachment[] = [];
  #adopted = new Set<string>();
  #note: Uint8Array = new Uint8Array();
  #refused: readonly AttachResult[] = [];

  constructor(name: string, cpus: number) {
    this.name = name;
    this.#cpus = cpus;
  }

  /** Loads a version of the object; when it fails nothing has changed. */
  load(request: LoadRequest, object: (name: string) => FakeObject): void {
    const file = parse(request);
    const shared = new Map(
      (request.adopt ?? []).map((name) => [name, sharedMap(request, file, object, name)]),
    );
    const fresh = new Map<string, FakeMap>();
    const adopted = new Set<string>();
    for (const [name, declared] of file.maps) {
      const definition = { ...declared, maxEntries: request.maxEntries?.[name] ?? declared.maxEntries };
      const known = this.maps.get(name) ?? shared.get(name);
      if (known !== undefined) {
        mustFit(this.maps.has(name) ? this.name : request.adoptFrom ?? "", known, definition);
      }
      if (known !== undefined) adopted.add(name);
      fresh.set(name, known ?? new FakeMap(definition, this.#cpus));
    }
    this.maps.clear();
    for (const [name, map] of fresh) this.maps.set(name, map);
    this.#programs = file.programs;
    this.#attachments = this.#attachments.filter((at) =>
      file.programs.some((program) => program.name === at.program)
    );
    this.#adopted = adopted;
    this.#note = Uint8Array.from(request.note ?? []);
    if (adopted.size === 0) this.generation = 0;
  }

  describe(): LoadedObject {
    return {
      name: this.name,
      maps: [...this.maps.values()].map((map) => map.info(this.#adopted.has(map.definition.name))),
      programs: this.#programs.map(({ name, type }) => ({
        name,
        type,
        instructions: 1,
        verifiedInstructions: 1,
      })),
      attachments: this.#attachments,
      generation: this.generation,
      note: this.#note,
      refused: this.#refused,
    };
  }

  /** This object in the place of another, under its name. */
  replacing(former: FakeObject | undefined, name: string): FakeObject {
    const taken = (former === undefined ? [] : former.#attachments).filter((at) =>
      this.#programs.some((program) => program.name === at.program) &&
      !this.#attachments.some((other) => same(other, at))
    );
    this.#attachments = [...this.#attachments, ...taken];
    this.name = name;
    return this;
  }

  /** Attaches, or says why not: for `refusal`, if there is one. */
  attach(attachment: Attachment, interfaceExists: boolean, refusal?: string): string {
    const error = this.#attach(attachment, interfaceExists, refusal);
    this.#refused = this.#refused.filter((other) => !same(other.attachment, attachment));
    if (error !== "" && interfaceExists) this.#refused = [...this.#refused, { attachment, error }];
    return error;
  }

  #attach(attachment: Attachment, interfaceExists: boolean, refusal?: string): string {
    const program = this.#programs.find((candidate) => candidate.name === attachment.program);
    const bad = badAttachment(attachment);
    if (bad !== undefined) return bad;
    if (program === undefined) {
      const known = this.#programs.map((candidate) => candidate.name).sort().join(", ");
      return `Object ${this.name} has no program "${attachment.program}"; it has ${known}`;
    }
    const xdp = isXdp(attachment.hook);
    if (xdp !== (program.type === "xdp")) {
      return `Program ${program.name} cannot hang there: it is of another type`;
    }
    if (!interfaceExists) {
      return `Cannot attach program ${program.name} to interface ${attachment.ifindex}: the interface does not exist`;
    }
    if (refusal !== undefined) return refusal;
    const rival = (other: Attachment): boolean =>
      isXdp(other.hook) && other.ifindex === attachment.ifindex && !same(other, attachment);
    if (xdp && this.#attachments.some(rival)) {
      return `Cannot attach program ${program.name} to interface ${attachment.ifindex}: another XDP program is there`;
    }
    if (!this.#attachments.some((other) => same(other, attachment))) {
      this.#attachments = [...this.#attachments, { ...attachment }];
    }
    return "";
  }

  /** Throws unless a program can be run by hand. */
  mustRun(name: string): void {
    const program = this.#programs.find((candidate) => candidate.name === name);
    if (program === undefined) {
      const known = this.#programs.map((candidate) => candidate.name).sort().join(", ");
      throw new LoaderError(CODE.NOT_FOUND, `Object ${this.name} has no program "${name}"; it has ${known}`);
    }
    if (program.type === "sched_cls") return;
    throw new LoaderError(CODE.INVALID_ARGUMENT, `Program ${name} cannot be run: it is no classifier`);
  }

  /** Detaches; throws INVALID_ARGUMENT for an attachment that names no hook or interface. */
  detach(attachments: readonly Attachment[]): void {
    for (const attachment of attachments) {
      const bad = badAttachment(attachment);
      if (bad !== undefined) throw new LoaderError(CODE.INVALID_ARGUMENT, bad);
    }
    this.#attachments = this.#attachments.filter((other) => !attachments.some((gone) => same(other, gone)));
    this.#refused = this.#refused.filter(({ attachment }) =>
      !attachments.some((gone) => same(attachment, gone))
    );
  }

  /** The kernel took an interface away. */
  forgetInterface(ifindex: number): void {
    this.#attachments = this.#attachments.filter((attachment) => attachment.ifindex !== ifindex);
  }

  /** The map of a name. Throws NOT_FOUND. */
  map(name: string): FakeMap {
    const map = this.maps.get(name);
    if (map !== undefined) return map;
    const known = [...this.maps.keys()].sort().join(", ");
    throw new LoaderError(CODE.NOT_FOUND, `Object ${this.name} has no map "${name}"; it has ${known}`);
  }

  /** Applies operations; a fault may stop it after so many. */
  apply(
    request: ApplyRequest,
    stop: { after: number; error: LoaderError } | undefined,
    observe: Observer,
  ): ApplyResponse {
    if (request.generation === 0) {
      throw new LoaderError(
        CODE.INVALID_ARGUMENT,
        "Generation 0 stands for none; begin with 1 and grow with every request",
      );
    }
    if (request.generation <= this.generation) return { applied: 0, already: true };
    request.operations.forEach((operation, i) => this.#check(operation, i));
    request.operations.forEach((operation, i) => {
      if (i === stop?.after) throw new LoaderError(stop.error.code, stop.error.message, { applied: i });
      try {
        this.map(operation.map).apply(operation);
      } catch (error) {
        throw error instanceof LoaderError
          ? new LoaderError(error.code, error.message, { applied: i })
          : error;
      }
      observe(operation);
    });
    this.generation = request.generation;
    return { applied: request.operations.length, already: false };
  }

  #check(operation: Operation, i: number): void {
    const map = this.maps.get(operation.map);
    if (map === undefined) {
      throw new LoaderError(
        CODE.NOT_FOUND,
        `Operation ${i} names map "${operation.map}", which the object does not have`,
      );
    }
    try {
      map.check(operation);
    } catch (error) {
      const reason = (error as Error).message;
      throw new LoaderError(CODE.INVALID_ARGUMENT, `Operation ${i} on map ${operation.map}: ${reason}`);
    }
  }
}

function mustFit(object: string, pinned: FakeMap, declared: FakeMap["definition"]): void {
  const shape = ({ type, keySize, valueSize, maxEntries }: FakeMap["definition"]): string =>
    `type ${type}, key ${keySize}, value ${valueSize}, max_entries ${maxEntries}`;
  const [has, wants] = [shape(pinned.definition), shape(declared)];
  if (has === wants) return;
  throw new LoaderError(
    CODE.FAILED_PRECONDITION,
    `Map ${declared.name} is pinned as ${has}, but the object declares ${wants}; Unload ${object} first, load an object whose map fits, or load this one under another name and let it Replace ${object}`,
  );
}

/** A map that two objects will share. */
function sharedMap(
  request: LoadRequest,
  file: ObjectFile,
  object: (name: string) => FakeObject,
  name: string,
): FakeMap {
  const declared = file.maps.get(name);
  if (declared === undefined) {
    const message = `adopt names map "${name}", which the object does not have`;
    throw new LoaderError(CODE.INVALID_ARGUMENT, message);
  }
  if (declared.type === MAP_TYPE.ARRAY_OF_MAPS) {
    const message = `Map ${name} cannot be shared between objects: it is a map of maps; Copy it`;
    throw new LoaderError(CODE.INVALID_ARGUMENT, message);
  }
  const from = request.adoptFrom ?? "";
  const map = object(from).maps.get(name);
  if (map !== undefined) return map;
  throw new LoaderError(CODE.NOT_FOUND, `Object ${from} has no map "${name}" that could be adopted`);
}

function parse(request: LoadRequest): ObjectFile {
  let file: ObjectFile;
  try {
    file = readObject(request.object);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new LoaderError(CODE.INVALID_ARGUMENT, `The object is no eBPF ELF file: ${reason}`);
  }
  for (const name of Object.keys(request.maxEntries ?? {})) {
    if (file.maps.has(name)) continue;
    throw new LoaderError(
      CODE.INVALID_ARGUMENT,
      `max_entries names map "${name}", which the object does not have`,
    );
  }
  return file;
}

function badAttachment({ program, hook, ifindex }: Attachment): string | undefined {
  const hooks: readonly number[] = Object.values(HOOK);
  if (hook === HOOK.UNSPECIFIED || !hooks.includes(hook)) {
    return `Attachment of program "${program}" has no known hook (${hook}); name one of TCX ingress, TCX egress, XDP driver, XDP generic`;
  }
  if (ifindex === 0) return `Attachment of program "${program}" names no interface; ifindex begins with 1`;
  return undefined;
}

/** Whether a hook is one of XDP's. */
export function isXdp(hook: Hook): boolean {
  return hook === HOOK.XDP_DRIVER || hook === HOOK.XDP_GENERIC;
}

function same(a: Attachment, b: Attachment): boolean {
  return a.program === b.program && a.hook === b.hook && a.ifindex === b.ifindex;
}
