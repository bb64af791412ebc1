// SPDX-License-Identifier: Apache-2.0

// Deno permissions this needs: --allow-net=unix:SOCKET with --allow-read=SOCKET and --allow-write=SOCKET (Deno
// asks for all three to connect), --allow-read=proto, and --allow-env with GRPC_ENVIRONMENT
// of permissions.ts.

import { type Client, type ClientReadableStream, credentials, Metadata, status } from "@grpc/grpc-js";
import { LoaderError, toLoaderError } from "./error.ts";
import type {
  ApplyRequest,
  ApplyResponse,
  AttachRequest,
  AttachResult,
  Chain,
  CopyRequest,
  CopyResponse,
  CountRequest,
  CountResponse,
  DetachRequest,
  DumpRequest,
  Element,
  LoadedObject,
  LoadRequest,
  ProbeResponse,
  QueryRequest,
  ReplaceRequest,
  Route,
  RunRequest,
  WatchResponse,
} from "./messages.ts";
import { loaderService } from "./proto.ts";

/** Options of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until the call is given up; default 30,000. Streams have none unless it is given. */
  readonly timeout?: number;
}

const DEFAULT_TIMEOUT = 30_000;

type Unary = (
  request: unknown,
  metadata: Metadata,
  options: { deadline: number },
  callback: (error: Parameters<typeof toLoaderError>[0] | null, response: unknown) => void,
) => { cancel(): void };

type Stream = (
  request: unknown,
  metadata: Metadata,
  options: { deadline?: number },
) => ClientReadableStream<unknown>;

/**
 * Typed calls of the loader. Every method throws a LoaderError with the loader's status and sentence, or the
 * signal's reason when it was aborted.
 */
export class LoaderClient {
  readonly #client: Client;

  /** Makes a client for a target such as "unix:/run/blixt/loader.sock". Connects with the first call. */
  constructor(target: string) {
    const Service = loaderService();
    this.#client = new Service(target, credentials.createInsecure(), {
      "grpc.max_receive_message_length": -1,
      "grpc.max_send_message_length": -1,
      "grpc.enable_http_proxy": 0,
      // The owner of the client decides when to try again; the channel only has to notice quickly.
      "grpc.initial_reconnect_backoff_ms": 100,
      "grpc.max_reconnect_backoff_ms": 1_000,
    });
  }

  /** Ends the connection; calls under way fail with CANCELLED or UNAVAILABLE. */
  close(): void {
    this.#client.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  probe(options?: CallOptions): Promise<ProbeResponse> {
    return this.#unary("probe", {}, options);
  }

  async load(request: LoadRequest, options?: CallOptions): Promise<LoadedObject> {
    const { object } = await this.#unary<{ object: LoadedObject }>("load", request, options);
    return object;
  }

  async unload(name: string, options?: CallOptions): Promise<void> {
    await this.#unary("unload", { name }, options);
  }

  async attach(request: AttachRequest, options?: CallOptions): Promise<readonly AttachResult[]> {
    const { results } = await this.#unary<{ results: AttachResult[] }>("attach", request, options);
    return results;
  }

  async detach(request: DetachRequest, options?: CallOptions): Promise<void> {
    await this.#unary("detach", request, options);
  }

  apply(request: ApplyRequest, options?: CallOptions): Promise<ApplyResponse> {
    return this.#unary("apply", request, options);
  }

  /** The programs at a TCX hook of each interface, in order. */
  async query(request: QueryRequest, options?: CallOptions): Promise<readonly Chain[]> {
    const { chains } = await this.#unary<{ chains: Chain[] }>("query", request, options);
    return chains;
  }

  /** What the program returned for each frame. */
  async run(request: RunRequest, options?: CallOptions): Promise<readonly number[]> {
    const { results } = await this.#unary<{ results: number[] }>("run", request, options);
    return results;
  }

  copy(request: CopyRequest, options?: CallOptions): Promise<CopyResponse> {
    return this.#unary("copy", request, options);
  }

  async replace(request: ReplaceRequest, options?: CallOptions): Promise<LoadedObject> {
    const { object } = await this.#unary<{ object: LoadedObject }>("replace", request, options);
    return object;
  }

  /** Elements of a map, as they come. */
  async *dump(request: DumpRequest, options?: CallOptions): AsyncGenerator<Element> {
    for await (const { elements } of this.#stream<{ elements: Element[] }>("dump", request, options)) {
      yield* elements;
    }
  }

  /** How many elements a map has. */
  count(request: CountRequest, options?: CallOptions): Promise<CountResponse> {
    return this.#unary("count", request, options);
  }

  /** The network: now and after every change, until the signal is aborted. */
  watch(options?: CallOptions): AsyncGenerator<WatchResponse> {
    return this.#stream("watch", {}, options);
  }

  /** The way to each address (4 or 16 bytes), in order. */
  async resolve(addresses: readonly Uint8Array[], options?: CallOptions): Promise<readonly Route[]> {
    const { routes } = await this.#unary<{ routes: Route[] }>("resolve", { addresses }, options);
    return routes;
  }

  #method<T>(name: string): T {
    // grpc-js adds the methods of the proto file to the client at run time.
    const method = (this.#client as unknown as Record<string, CallableFunction | undefined>)[name];
    if (method === undefined) throw new TypeError(`The proto file has no method ${name}`);
    return method.bind(this.#client) as T;
  }

  #unary<Response>(name: string, request: unknown, options: CallOptions = {}): Promise<Response> {
    const { signal, timeout = DEFAULT_TIMEOUT } = options;
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const abort = (): void => call.cancel();
      const deadline = Date.now() + timeout;
      const call = this.#method<Unary>(name)(request, new Metadata(), { deadline }, (error, response) => {
        signal?.removeEventListener("abort", abort);
        if (error === null) resolve(response as Response);
        else reject(signal?.aborted ? signal.reason : toLoaderError(error));
      });
      signal?.addEventListener("abort", abort);
    });
  }

  async *#stream<Message>(
    name: string,
    request: unknown,
    options: CallOptions = {},
  ): AsyncGenerator<Message> {
    const { signal, timeout } = options;
    signal?.throwIfAborted();
    const deadline = timeout === undefined ? {} : { deadline: Date.now() + timeout };
    const call = this.#method<Stream>(name)(request, new Metadata(), deadline);
    const abort = (): void => call.cancel();
    signal?.addEventListener("abort", abort);
    try {
      for await (const message of call) yield message as Message;
    } catch (error) {
      signal?.throwIfAborted();
      if (isServiceError(error)) throw toLoaderError(error);
      throw new LoaderError(status.INTERNAL, `The stream of ${name} ended badly`, { cause: error });
    } finally {
      signal?.removeEventListener("abort", abort);
      call.cancel();
    }
  }
}

function isServiceError(error: unknown): error is Parameters<typeof toLoaderError>[0] {
  return error instanceof Error && "code" in error && "details" in error;
}
