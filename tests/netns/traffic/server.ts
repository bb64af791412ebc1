// SPDX-License-Identifier: Apache-2.0

/**
 * A backend: answers TCP and UDP on the same port with its name and the
 * client's address.
 *
 *   server.ts --name b1 --port 9000 --address 10.244.0.11 --address fd00:10:244::11
 *
 * UDP: every datagram is answered. TCP, one command a line:
 *   who                    the answer
 *   put BYTES              takes as many bytes, answers with their SHA-256
 *   get BYTES SECONDS      sends as many bytes over that time, then their SHA-256; the rest at once after the line
 *   hurry                  meanwhile
 * Prints "listening" once all sockets are open.
 */

import { createHash } from "node:crypto";
import { createSocket } from "node:dgram";
import { parseArgs } from "@std/cli/parse-args";
import { joinHostPort } from "../addresses.ts";
import { formatAnswer } from "./answer.ts";
import { sendBulk } from "./bulk.ts";
import { LineReader } from "./line_reader.ts";

const options = parseArgs(Deno.args, { string: ["name", "port", "address"], collect: ["address"] });
const name = options.name ?? "backend";
const port = Number(options.port);
const encoder = new TextEncoder();

async function serveConnection(connection: Deno.TcpConn): Promise<void> {
  const { hostname, port } = connection.remoteAddr;
  const answer = encoder.encode(formatAnswer({ backend: name, client: joinHostPort(hostname, port) }));
  const reader = new LineReader(connection);
  for (let line = await reader.line(); line !== undefined;) {
    let next: Promise<string | undefined> | undefined;
    const [command, bytes = "0", seconds = "0"] = line.split(" ");
    if (command === "put") {
      const hash = createHash("sha256");
      await reader.bytes(Number(bytes), (piece) => hash.update(piece));
      await connection.write(encoder.encode(hash.digest("hex") + "\n"));
    } else if (command === "get") {
      const hurry = new AbortController();
      next = reader.line();
      next.then((line) => line === "hurry" && hurry.abort(), () => {});
      const hash = await sendBulk(connection, Number(bytes), Number(seconds), undefined, hurry.signal);
      await connection.write(encoder.encode(hash + "\n"));
    } else {
      await connection.write(answer);
    }
    line = await (next ?? reader.line());
    if (line === "hurry") line = await reader.line();
  }
}

async function serveTcp(listener: Deno.TcpListener): Promise<void> {
  for await (const connection of listener) {
    // A client may leave at any moment; the server minds its other clients.
    serveConnection(connection).catch(() => {}).finally(() => connection.close());
  }
}

async function serveUdp(address: string): Promise<void> {
  const socket = createSocket(address.includes(":") ? "udp6" : "udp4");
  socket.on("message", (_message, client) => {
    socket.send(
      formatAnswer({ backend: name, client: joinHostPort(client.address, client.port) }),
      client.port,
      client.address,
    );
  });
  await new Promise<void>((resolve) => socket.bind(port, address, resolve));
}

for (const address of options.address) {
  serveTcp(Deno.listen({ hostname: address, port }));
  await serveUdp(address);
}
console.log("listening");
