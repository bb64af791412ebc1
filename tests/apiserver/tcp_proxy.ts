// SPDX-License-Identifier: Apache-2.0

import { Relay } from "../support/relay.ts";

/** A TCP proxy on a port of 127.0.0.1, whose connections a test can cut. */
export class TcpProxy extends Relay {
  readonly port: number;

  constructor(target: Deno.ConnectOptions) {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    super(listener, () => Deno.connect(target));
    this.port = listener.addr.port;
  }
}
