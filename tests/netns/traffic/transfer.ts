// SPDX-License-Identifier: Apache-2.0

/**
 * One long transfer over one TCP connection, with its hash compared at the end.
 *
 *   transfer.ts --direction put|get --to ADDRESS --port PORT --bytes N --seconds S
 *
 * Prints "transferred N" after the first bytes and every tenth, then one line of JSON (TransferReport).
 * After SIGUSR1 what is left follows at once.
 */

import { createHash } from "node:crypto";
import { parseArgs } from "@std/cli/parse-args";
import { sendBulk } from "./bulk.ts";
import { LineReader } from "./line_reader.ts";

/** How a transfer went. */
export interface TransferReport {
  readonly bytes: number;
  /** SHA-256 that the sender computed over what it sent. */
  readonly sent: string;
  /** SHA-256 that the receiver computed over what it got. */
  readonly received: string;
  /** True when both are the same and every byte arrived. */
  readonly unharmed: boolean;
  readonly milliseconds: number;
}

const options = parseArgs(Deno.args, { string: ["direction", "to", "port", "bytes", "seconds"] });
const bytes = Number(options.bytes);
const seconds = Number(options.seconds);
const encoder = new TextEncoder();
const began = performance.now();

const told = new AbortController();
Deno.addSignalListener("SIGUSR1", () => told.abort());

let tenths = -1;
function progress(transferred: number): void {
  while (tenths < Math.floor(10 * transferred / bytes)) {
    tenths++;
    console.log(`transferred ${transferred}`);
  }
}

async function put(connection: Deno.TcpConn): Promise<{ sent: string; received: string; count: number }> {
  await connection.write(encoder.encode(`put ${bytes}\n`));
  const sent = await sendBulk(connection, bytes, seconds, progress, told.signal);
  const received = await new LineReader(connection).line() ?? "end of stream";
  return { sent, received, count: bytes };
}

async function get(connection: Deno.TcpConn): Promise<{ sent: string; received: string; count: number }> {
  await connection.write(encoder.encode(`get ${bytes} ${seconds}\n`));
  told.signal.addEventListener("abort", () => connection.write(encoder.encode("hurry\n")));
  const reader = new LineReader(connection);
  const hash = createHash("sha256");
  let got = 0;
  const count = await reader.bytes(bytes, (piece) => {
    hash.update(piece);
    progress(got += piece.length);
  });
  return { sent: await reader.line() ?? "end of stream", received: hash.digest("hex"), count };
}

const connection = await Deno.connect({ hostname: options.to ?? "", port: Number(options.port) });
const { sent, received, count } = await (options.direction === "get" ? get : put)(connection);
connection.close();
const report: TransferReport = {
  bytes: count,
  sent,
  received,
  unharmed: sent === received && count === bytes,
  milliseconds: Math.round(performance.now() - began),
};
console.log(JSON.stringify(report));
Deno.exit(0);
