// SPDX-License-Identifier: Apache-2.0

/**
 * Connections that end without a farewell: SO_LINGER 0 turns the close into a reset.
 *
 *   reset.ts serve --address A --port P                                    says hello; resets when spoken to
 *   reset.ts connect --to A --port P --local-port L --times N [--resets]   connects again and again from one port
 *
 * With --resets the client resets once it has heard the hello; else it speaks, and waits for the reset. The
 * server prints "listening". The client prints how many connections came to their end as they should, or fails.
 */

import { connect, createServer, type Socket } from "node:net";
import { parseArgs } from "@std/cli/parse-args";

const [mode, ...words] = Deno.args;
const options = parseArgs(words, {
  string: ["address", "to", "port", "local-port", "times"],
  boolean: ["resets"],
});
const port = Number(options.port);
const resets = options.resets === true;

/** Settles when the connection has ended, with the error's code where it ended by one. */
function ended(socket: Socket): Promise<string | undefined> {
  return new Promise((resolve) => {
    let code: string | undefined;
    socket.on("error", (error: { code?: string }) => code = error.code);
    socket.on("close", () => resolve(code));
  });
}

function serve(): void {
  const server = createServer(async (socket) => {
    socket.on("data", () => socket.resetAndDestroy());
    socket.write("hello");
    await ended(socket);
  });
  server.listen(port, options.address, () => console.log("listening"));
}

/** One connection; throws when it ends otherwise than it should. */
async function once(): Promise<void> {
  const socket = connect({ host: options.to ?? "", port, localPort: Number(options["local-port"]) });
  const end = ended(socket);
  let hello = "";
  socket.on("data", (data: Uint8Array) => {
    hello += new TextDecoder().decode(data);
    if (resets) socket.resetAndDestroy();
    else socket.write("your turn");
  });
  const code = await end;
  const expected = resets ? undefined : "ECONNRESET";
  if (hello !== "hello" || code !== expected) throw new Error(`heard "${hello}", and the end was ${code}`);
}

if (mode === "serve") serve();
else {
  for (let time = 0; time < Number(options.times); time++) await once();
  console.log(options.times);
}
