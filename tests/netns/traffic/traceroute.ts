// SPDX-License-Identifier: Apache-2.0

/**
 * Who is on the way: probes with one hop more each time, until one is answered.
 *
 *   traceroute.ts --to A --port P --protocol tcp|udp|icmp
 *
 * Prints one line of JSON, an array of {@link Hop}. Deno's own sockets have neither TTLs nor error queues, so these
 * are the C library's.
 */

import { parseArgs } from "@std/cli/parse-args";
import { type IcmpError, parseIcmpError, socketAddress } from "./error_queue.ts";

/** What a probe with so many hops, counted from 1 by its place, came to. */
export type Hop = IcmpError | "answered" | "silent";

/** Linux's numbers (x86-64). */
const AF_INET = 2, AF_INET6 = 10, SOCK_STREAM = 1, SOCK_DGRAM = 2, SOCK_NONBLOCK = 0o4000;
const POLLIN = 1, POLLOUT = 4, MSG_ERRQUEUE = 0x2000, EINPROGRESS = 115;
/** Level, and options for the TTL and the error queue (ip(7), ipv6(7)). */
const IPV4 = { level: 0, hops: 2, errors: 11 }, IPV6 = { level: 41, hops: 16, errors: 25 };

/** Times that a probe is sent, a second apart; routers answer a few errors in a second. */
const TRIES = 20;
const MOST_HOPS = 8;

const c = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "usize", "i32"], result: "isize" },
  poll: { parameters: ["buffer", "u64", "i32"], result: "i32" },
  recvmsg: { parameters: ["i32", "buffer", "i32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
  __errno_location: { parameters: [], result: "pointer" },
}).symbols;

const options = parseArgs(Deno.args, { string: ["to", "port", "protocol"] });
const to = options.to ?? "";
const v6 = to.includes(":");
const target = socketAddress(to, Number(options.port ?? 0));

/** What recvmsg() writes to. The kernel has their places alone, so they stay for as long as the program runs. */
const data = new Uint8Array(1_500), control = new Uint8Array(512);
/** `struct iovec`. */
const vector = new BigUint64Array([place(data), BigInt(data.length)]);
/** `struct msghdr`: name and its length, the vector and how many, control and its length, flags. */
const header = new BigUint64Array([0n, 0n, place(new Uint8Array(vector.buffer)), 1n, place(control), 0n, 0n]);

/** A socket for one probe and the message that it sends; connecting is TCP's probe. */
function open(hops: number): { socket: number; message: Uint8Array<ArrayBuffer> } {
  const [type, protocol, message] = options.protocol === "tcp"
    ? [SOCK_STREAM, 6, []]
    : options.protocol === "udp"
    ? [SOCK_DGRAM, 17, [...new TextEncoder().encode("who\n")]]
    // Echo request, code, checksum, identifier, number: the kernel knows what is to be known.
    : [SOCK_DGRAM, v6 ? 58 : 1, [v6 ? 128 : 8, 0, 0, 0, 0, 0, 0, hops]];
  const socket = check("socket", c.socket(v6 ? AF_INET6 : AF_INET, type | SOCK_NONBLOCK, protocol));
  const { level, ...names } = v6 ? IPV6 : IPV4;
  for (const [name, value] of [[names.hops, hops], [names.errors, 1]] as const) {
    check("setsockopt", c.setsockopt(socket, level, name, new Uint8Array(new Int32Array([value]).buffer), 4));
  }
  return { socket, message: new Uint8Array(message) };
}

function place(bytes: Uint8Array<ArrayBuffer>): bigint {
  return Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes));
}

function check(what: string, result: number): number {
  if (result < 0) throw new Error(`${what}: error ${errno()}`);
  return result;
}

function errno(): number {
  return new Deno.UnsafePointerView(c.__errno_location()!).getInt32();
}

/** What a probe with so many hops comes to within a second. */
function probe(hops: number): Hop {
  const { socket, message } = open(hops);
  try {
    const connected = c.connect(socket, target, target.length);
    if (connected < 0 && errno() !== EINPROGRESS) check("connect", connected);
    if (message.length > 0) c.send(socket, message, BigInt(message.length), 0);
    const wanted = options.protocol === "tcp" ? POLLOUT : POLLIN;
    const polled = new Int32Array([socket, wanted]);
    check("poll", c.poll(new Uint8Array(polled.buffer), 1n, 1_000));
    const error = readError(socket);
    if (error !== undefined) return error;
    return polled[1]! >> 16 === wanted ? "answered" : "silent";
  } finally {
    c.close(socket);
  }
}

/** Takes the first error out of a socket's queue. */
function readError(socket: number): IcmpError | undefined {
  header[5] = BigInt(control.length);
  const got = c.recvmsg(socket, new Uint8Array(header.buffer), MSG_ERRQUEUE);
  if (got < 0n) return undefined;
  return parseIcmpError(control.subarray(0, Number(header[5])), v6 ? "ipv6" : "ipv4");
}

const way: Hop[] = [];
while (way.length < MOST_HOPS && way.at(-1) !== "answered") {
  let hop: Hop = "silent";
  for (let tries = 0; tries < TRIES && hop === "silent"; tries++) hop = probe(way.length + 1);
  way.push(hop);
}
console.log(JSON.stringify(way));
