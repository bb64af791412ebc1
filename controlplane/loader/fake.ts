// SPDX-License-Identifier: Apache-2.0

import {
  Metadata,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerUnaryCall,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { systemClock } from "../clock.ts";
import { APPLIED_TRAILER, CODE, LoaderError } from "./error.ts";
import { FakeFaults, type Method } from "./fake_faults.ts";
import { FakeNetwork } from "./fake_network.ts";
import { FakeObject, isXdp, type Observer } from "./fake_object.ts";
import { FakeChains } from "./fake_chains.ts";
import { copyMap } from "./fake_copy.ts";
import {
  type ApplyRequest,
  type ApplyResponse,
  type AttachRequest,
  type AttachResult,
  type Chain,
  type CopyRequest,
  type CopyResponse,
  type CountRequest,
  type CountResponse,
  type DetachRequest,
  type DumpRequest,
  type Element,
  HOOK,
  type LoadedObject,
  type LoadRequest,
  ORDER,
  type ProbeResponse,
  type QueryRequest,
  type ReplaceRequest,
  type Route,
  type RunRequest,
  type WatchResponse,
} from "./messages.ts";
import { loaderService } from "./proto.ts";
import { Relay } from "../../tests/support/relay.ts";
import { withoutGoaway } from "./without_goaway.ts";

/** Elements in a message when the client does not say. */
const DEFAULT_CHUNK = 4_096;

/** Options of a FakeLoader. */
export interface FakeLoaderOptions {
  /** Path of the unix socket. */
  readonly socket: string;
  /** Possible CPUs; default 2. */
  readonly cpus?: number;
}

/**
 * The whole loader in memory behind a real socket: same calls, same status codes, same semantics of maps, no
 * kernel. The scenario suite holds it and the real loader to the same answers.
 */
export class FakeLoader {
  readonly network = new FakeNetwork();
  readonly faults = new FakeFaults();
  /** Who hangs where, in the order of running, with others' programs that a test has put there. */
  readonly chains = new FakeChains();
  /** What programs were run on, in order. */
  readonly frames: { readonly program: string; readonly ifindex: number; readonly frame: Uint8Array }[] = [];
  /** Told after each operation that is in a map. */
  observer: Observer = () => {};
  readonly #options: FakeLoaderOptions;
  /** What the kernel keeps while the loader is away. */
  readonly #objects = new Map<string, FakeObject>();
  #server: Server | undefined;
  #relay: Relay | undefined;
  /** The last relay is done with the socket. */
  #released: Promise<void> | undefined;

  constructor(options: FakeLoaderOptions) {
    this.#options = options;
  }

  /** Target for a client. */
  get target(): string {
    return `unix:${this.#options.socket}`;
  }

  /** An object that is loaded; for assertions about its maps. */
  object(name: string): FakeObject {
    const object = this.#objects.get(name);
    if (object !== undefined) return object;
    throw new LoaderError(CODE.NOT_FOUND, `No object ${name} is loaded; Load it first`);
  }

  /** Names of the objects that are loaded. */
  names(): string[] {
    return [...this.#objects.keys()].sort();
  }

  /** Begins to listen. */
  async start(): Promise<void> {
    const { socket } = this.#options;
    const inner = `${socket}.inner`;
    await this.#released;
    for (const path of [socket, inner]) await Deno.remove(path).catch(() => {});
    const server = new Server({
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
    });
    server.addService(loaderService().service, {
      probe: this.#unary("probe", () => this.#probe()),
      load: this.#unary("load", (request: LoadRequest) => this.#load(request)),
      unload: this.#unary("unload", ({ name }: { name: string }) => this.#unload(name)),
      attach: this.#unary("attach", (request: AttachRequest) => this.#attach(request)),
      detach: this.#unary("detach", (request: DetachRequest) => this.#detach(request)),
      apply: this.#unary("apply", (request: ApplyRequest) => this.#apply(request)),
      run: this.#unary("run", (request: RunRequest) => this.#run(request)),
      query: this.#unary("query", (request: QueryRequest) => this.#query(request)),
      copy: this.#unary("copy", (request: CopyRequest) => this.#copy(request)),
      replace: this.#unary("replace", (request: ReplaceRequest) => this.#replace(request)),
      resolve: this.#unary(
        "resolve",
        (request: { addresses: Uint8Array[] }) => this.#resolve(request.addresses),
      ),
      count: this.#unary("count", ({ name, map }: CountRequest): CountResponse => ({
        elements: this.object(name).map(map).size,
        estimated: false,
      })),
      dump: (call: ServerWritableStream<DumpRequest, { elements: Element[] }>) => this.#dump(call),
      watch: (call: ServerWritableStream<unknown, WatchResponse>) => this.#watch(call),
    });
    await new Promise<void>((resolve, reject) => {
      const credentials = ServerCredentials.createInsecure();
      server.bindAsync(`unix:${inner}`, credentials, (error) => error === null ? resolve() : reject(error));
    });
    this.#server = server;
    const listener = Deno.listen({ transport: "unix", path: socket });
    const connect = (): Promise<Deno.Conn> => Deno.connect({ transport: "unix", path: inner });
    this.#relay = new Relay(listener, connect, withoutGoaway);
  }

  /** Ends at once, as if killed: connections break, the kernel's part stays. */
  stop(): void {
    // Clients are cut off before the server can say GOAWAY: the loader says none, and Deno may abort on one
    // (denoland/deno issue 36788).
    if (this.#relay !== undefined) {
      Deno.removeSync(this.#options.socket);
      this.#released = this.#relay[Symbol.asyncDispose]();
    }
    this.#relay = undefined;
    this.#server?.forceShutdown();
    this.#server = undefined;
    for (const object of this.#objects.values()) object.generation = 0;
  }

  /** stop() and start(). */
  async restart(): Promise<void> {
    this.stop();
    await this.start();
  }

  /** The kernel takes an interface away, with what hangs there. */
  removeInterface(ifindex: number, remaining: Parameters<FakeNetwork["setInterfaces"]>[0]): void {
    for (const object of this.#objects.values()) object.forgetInterface(ifindex);
    this.network.setInterfaces(remaining);
  }

  #unary<Request, Response>(
    method: Method,
    answer: (request: Request) => Response,
  ): (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => void {
    return (call, callback) => {
      this.#ready(method)
        .then(() => callback(null, answer(call.request)))
        .catch((error) => callback(toStatus(error)));
    };
  }

  /** Waits the ordered delay, and fails when a failure is due that is not for Apply to handle. */
  async #ready(method: Method): Promise<void> {
    if (this.faults.delay > 0) await systemClock.sleep(this.faults.delay, AbortSignal.timeout(60_000));
    if (method === "apply") return;
    const fault = this.faults.due(method);
    if (fault !== undefined) throw fault.error;
  }

  #probe(): ProbeResponse {
    const features = ["tcx", "xdp", "lru_hash", "array_of_maps", "batch_operations", "redirect_peer"];
    return {
      version: "0.0.0-fake",
      kernel: "fake",
      cpus: this.#options.cpus ?? 2,
      features: features.map((name) => ({
        name,
        supported: !this.faults.missingFeatures.has(name),
        detail: "This loader is a fake",
      })),
      objects: [...this.#objects.values()].map((object) => object.describe()),
    };
  }

  #load(request: LoadRequest): { object: ReturnType<FakeObject["describe"]> } {
    if (!/^[a-z0-9_-]{1,32}$/.test(request.name)) {
      throw new LoaderError(
        CODE.INVALID_ARGUMENT,
        `An object's name is 1 to 32 of a-z, 0-9, _ and -, not "${request.name}"`,
      );
    }
    const object = this.#objects.get(request.name) ?? new FakeObject(request.name, this.#options.cpus ?? 2);
    object.load(request, (name) => this.object(name));
    this.#objects.set(request.name, object);
    return { object: object.describe() };
  }

  #unload(name: string): Record<string, never> {
    this.#objects.delete(this.object(name).name);
    this.chains.detached(name);
    return {};
  }

  #attach({ name, attachments, order, anchor }: AttachRequest): { results: AttachResult[] } {
    const object = this.object(name);
    const relative = order === ORDER.BEFORE || order === ORDER.AFTER;
    if (relative && !anchor?.programId && !anchor?.pin?.startsWith("/") && !anchor?.object) {
      throw new LoaderError(CODE.INVALID_ARGUMENT, "The order before or after needs an anchor");
    }
    const results = attachments.map((attachment) => {
      const { refusals, xdpRefusals } = this.faults;
      const refusal = (isXdp(attachment.hook) ? xdpRefusals : refusals).get(attachment.ifindex);
      const error = object.attach(attachment, this.network.has(attachment.ifindex), refusal);
      if (error === "") this.chains.attached(name, attachment, order, anchor ?? undefined);
      return { attachment, error };
    });
    return { results };
  }

  #detach({ name, attachments }: DetachRequest): Record<string, never> {
    this.object(name).detach(attachments);
    this.chains.detached(name, attachments);
    return {};
  }

  #apply(request: ApplyRequest): ApplyResponse {
    const fault = this.faults.due("apply");
    if (fault !== undefined && fault.after === undefined) throw fault.error;
    const stop = fault && { after: fault.after ?? 0, error: fault.error };
    return this.object(request.name).apply(request, stop, this.observer);
  }

  #run({ name, program, ifindex, frames }: RunRequest): { results: number[] } {
    this.object(name).mustRun(program);
    const short = frames.some(({ length }) => length < 14);
    if (short || !this.network.has(ifindex)) {
      throw new LoaderError(
        CODE.INVALID_ARGUMENT,
        `Cannot run program ${program} for interface ${ifindex}: there is no such interface, or a frame is too short`,
      );
    }
    for (const frame of frames) this.frames.push({ program, ifindex, frame: Uint8Array.from(frame) });
    return { results: frames.map(() => 0) };
  }

  #query({ hook, ifindices }: QueryRequest): { chains: Chain[] } {
    if (hook !== HOOK.TCX_INGRESS && hook !== HOOK.TCX_EGRESS) {
      const message = "Query names TCX ingress or TCX egress: other hooks have no order";
      throw new LoaderError(CODE.INVALID_ARGUMENT, message);
    }
    const objects = [...this.#objects.values()].map((object) => object.describe());
    return { chains: ifindices.map((ifindex) => this.chains.query(hook, ifindex, objects)) };
  }

  #copy({ from, to, ...pieces }: CopyRequest): CopyResponse {
    return copyMap(this.object(from.object).map(from.map), this.object(to.object).map(to.map), pieces);
  }

  #replace({ name, by }: ReplaceRequest): { object: LoadedObject } {
    if (name === by) throw new LoaderError(CODE.INVALID_ARGUMENT, `Object ${name} cannot replace itself`);
    const object = this.object(by).replacing(this.#objects.get(name), name);
    this.#objects.delete(by);
    this.#objects.set(name, object);
    this.chains.replaced(name, by);
    return { object: object.describe() };
  }

  #resolve(addresses: readonly Uint8Array[]): { routes: Route[] } {
    addresses.forEach(({ length }, i) => {
      if (length === 4 || length === 16) return;
      const message = `Address ${i} has ${length} bytes; an IPv4 address has 4, an IPv6 address 16`;
      throw new LoaderError(CODE.INVALID_ARGUMENT, message);
    });
    return { routes: addresses.map((address) => this.network.resolve(address)) };
  }

  async #dump(call: ServerWritableStream<DumpRequest, { elements: Element[] }>): Promise<void> {
    try {
      await this.#ready("dump");
      const { name, map, chunk, skipZeros } = call.request;
      const elements = [...this.object(name).map(map).elements()]
        .filter(({ value }) => !skipZeros || value.some((byte) => byte !== 0));
      const size = chunk || DEFAULT_CHUNK;
      for (let start = 0; start < elements.length; start += size) {
        call.write({ elements: elements.slice(start, start + size) });
      }
      call.end();
    } catch (error) {
      call.emit("error", toStatus(error));
    }
  }

  async #watch(call: ServerWritableStream<unknown, WatchResponse>): Promise<void> {
    try {
      await this.#ready("watch");
      const end = this.network.watch((network) => call.write(network));
      call.on("cancelled", end);
      call.on("close", end);
    } catch (error) {
      call.emit("error", toStatus(error));
    }
  }
}

/** What grpc-js sends for an error. */
function toStatus(error: unknown): { code: number; details: string; metadata: Metadata } {
  const metadata = new Metadata();
  if (!(error instanceof LoaderError)) {
    return { code: CODE.INTERNAL, details: `The fake loader failed: ${error}`, metadata };
  }
  if (error.applied !== undefined) metadata.set(APPLIED_TRAILER, String(error.applied));
  return { code: error.code, details: error.message, metadata };
}
