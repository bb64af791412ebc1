// SPDX-License-Identifier: Apache-2.0

import type { Netns } from "./netns.ts";

/** Segments and datagrams that a network namespace received, and those with a wrong checksum. */
export interface ChecksumCounters {
  /** TCP segments, IPv4 and IPv6 together. */
  readonly tcpReceived: number;
  /** UDP datagrams delivered to a socket. */
  readonly udpReceived: number;
  readonly udp6Received: number;
  /** Wrong TCP, UDP and ICMP checksums, and IPv4 headers with a wrong one. */
  readonly wrong: number;
}

/** Counters of `/proc/net/snmp` whose growth means a wrong checksum. IPv4 counts its own header's in InHdrErrors. */
const WRONG = ["Tcp.InCsumErrors", "Udp.InCsumErrors", "Icmp.InCsumErrors", "Ip.InHdrErrors"];
/** The same for `/proc/net/snmp6`. Segments of TCP over IPv6 count in Tcp.InCsumErrors. */
const WRONG6 = ["Udp6InCsumErrors", "Icmp6InCsumErrors"];

/**
 * What the kernel's own receivers thought of the checksums. They count only
 * what they verified themselves: interfaces need rx and tx offloads off.
 */
export async function readChecksumCounters(netns: Netns): Promise<ChecksumCounters> {
  const counters = await readSnmp(netns);
  const counter = (name: string): number => {
    const value = counters.get(name);
    if (value === undefined) throw new Error(`this kernel has no counter ${name}`);
    return value;
  };
  return {
    tcpReceived: counter("Tcp.InSegs"),
    udpReceived: counter("Udp.InDatagrams"),
    udp6Received: counter("Udp6InDatagrams"),
    wrong: [...WRONG, ...WRONG6].reduce((sum, name) => sum + counter(name), 0),
  };
}

const COUNTERS = ["snmp", "netstat", "snmp6"].map((file) => `/proc/net/${file}`);

/** A network namespace's counters of IP, ICMP, TCP and UDP (linux/snmp.h, with what netstat shows), by the names of {@link parseSnmp}. */
export async function readSnmp(netns: Netns): Promise<Map<string, number>> {
  return parseSnmp((await netns.run(["cat", ...COUNTERS])).stdout);
}

/**
 * Reads both formats: pairs of lines "Tcp: InSegs …" and "Tcp: 12 …" become
 * "Tcp.InSegs", lines "Udp6InDatagrams 12" keep their name.
 */
export function parseSnmp(text: string): Map<string, number> {
  const counters = new Map<string, number>();
  let names: string[] | undefined;
  for (const line of text.split("\n")) {
    const [first = "", ...rest] = line.trim().split(/\s+/);
    if (!first.endsWith(":")) {
      if (rest.length === 1) counters.set(first, Number(rest[0]));
    } else if (names === undefined) {
      names = rest;
    } else {
      names.forEach((name, index) => counters.set(`${first.slice(0, -1)}.${name}`, Number(rest[index])));
      names = undefined;
    }
  }
  return counters;
}
