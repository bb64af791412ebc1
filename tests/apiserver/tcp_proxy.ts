// SPDX-License-Identifier: Apache-2.0

/** A TCP proxy on a port of 127.0.0.1, whose connections a test can cut. */
export class TcpProxy implements AsyncDisposable {
  readonly #target: Deno.ConnectOptions;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.TcpConn>();
  readonly #serving: Promise<void>;
  #accepted = 0;
  #refusing = false;

  constructor(target: Deno.ConnectOptions) {
    this.#target = target;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#serving = this.#serve();
  }

  get port(): number {
    return this.#listener.addr.port;
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

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    this.cut();
    await this.#serving;
  }

  async #serve(): Promise<void> {
    for await (const client of this.#listener) {
      this.#accepted++;
      if (this.#refusing) close(client);
      else this.#join(client);
    }
  }

  async #join(client: Deno.TcpConn): Promise<void> {
    this.#connections.add(client);
    try {
      const server = await Deno.connect(this.#target);
      this.#connections.add(server);
      await Promise.allSettled([
        client.readable.pipeTo(server.writable),
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

function close(connection: Deno.TcpConn): void {
  try {
    connection.close();
  } catch {
    // It was closed by its streams.
  }
}
