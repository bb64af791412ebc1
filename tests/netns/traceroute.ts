// SPDX-License-Identifier: Apache-2.0

import { type Family, GATEWAY, type L4, LISTENER_PORT } from "./addresses.ts";
import { shortest } from "./traffic/error_queue.ts";
import type { Netns } from "./netns.ts";
import type { Hop } from "./traffic/traceroute.ts";

/** What a program in traffic/ needs that calls the C library. */
const FLAGS = ["--quiet", "--cached-only", "--allow-net", "--allow-ffi"];

/** What probes can be. */
export type Probe = L4 | "icmp";

/** An ICMP or ICMPv6 "time exceeded", by who sent it. */
export function timeExceeded(from: string): Hop {
  return from.includes(":") ? { type: 3, code: 0, from: shortest(from) } : { type: 11, code: 0, from };
}

/** Lets programs in a network namespace send pings without raw sockets (icmp(7)). */
export async function allowPings(netns: Netns): Promise<void> {
  await netns.sysctl({ "net.ipv4.ping_group_range": "0 0" });
}

/** Who is on the way to the Gateway, one hop after the other, up to the one that answers. For pings see {@link allowPings}. */
export async function traceroute(netns: Netns, protocol: Probe, family: Family): Promise<Hop[]> {
  const program = new URL("traffic/traceroute.ts", import.meta.url).pathname;
  const port = protocol === "icmp" ? 0 : LISTENER_PORT[protocol];
  const args = [`--to=${GATEWAY[family]}`, `--port=${port}`, `--protocol=${protocol}`];
  const { stdout } = await netns.run([Deno.execPath(), "run", ...FLAGS, program, ...args], {
    timeout: 60_000,
  });
  return JSON.parse(stdout.split("\n").find((line) => line.startsWith("["))!) as Hop[];
}
