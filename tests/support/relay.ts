// SPDX-License-Identifier: Apache-2.0

type Filter = TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>;

/**
 * Passes connections of a listener on, byte for byte, and can cut them: what a client sees when a server is
 * killed. A server that ends by itself says goodbye first.
 */
export class Relay implements AsyncDisposable {
  readonly #listener: Deno.Listener;
  readonly #connect: () => Promise<Deno.Conn>;
  readonly #filter: (() => Filter) | undefined;
  readonly #connections = new Set<Deno.Conn>();
  readonly #serving: Promise<void>;
  #accepted = 0;
  #refusing = false;

  /**
   * Takes the listener over.
   *
   * @param filter what the bytes of each client go through
   */
  constructor(listener: Deno.Listener, connect: () => Promise<Deno.Conn>, filter?: () => Filter) {
    this.#filter = filter;
    this.#listener = listener;
    this.#connect = connect;
    this.#serving = this.#serve();
  }

  /** Connections taken since the beginning. */
  get accepted(): number {
    return this.#accepted;
  }

  /** Ends every connection there is. */
  cut(): void {
    for (const connection of this.#connections) close(connection);
    this.#connections.clear();
  }

  /** From now on, new connections end at once, or are served again. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing;
    if (refusing) this.cut();
  }

  /** Listens no more, and cuts. */
  close(): void {
    this.#listener.close();
    this.cut();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const client of this.#listener) {
      this.#accepted++;
      if (this.#refusing) close(client);
      else this.#join(client);
    }
  }

  async #join(client: Deno.Conn): Promise<void> {
    this.#connections.add(client);
    try {
      const server = await this.#connect();
      this.#connections.add(server);
      // Cut while it connected.
      if (!this.#connections.has(client)) throw new Error("The client is gone");
      await Promise.allSettled([
        (this.#filter === undefined ? client.readable : client.readable.pipeThrough(this.#filter()))
          .pipeTo(server.writable),
        server.readable.pipeTo(client.writable),
      ]);
      this.#connections.delete(server);
      close(server);
    } catch {
      // The server is away: the client sees its connection end.
    }
    this.#connections.delete(client);
    close(client);
  }
}

function close(connection: Deno.Conn): void {
  try {
    connection.close();
  } catch {
    // It was closed by its streams.
  }
}
