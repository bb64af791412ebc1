// SPDX-License-Identifier: Apache-2.0

import { delay } from "@std/async/delay";
import { readSnmp } from "../../netns/checksums.ts";
import type { Netns } from "../../netns/netns.ts";
import { withCpu } from "./cpu.ts";
import { runLoad } from "./load_program.ts";
import { PORTS } from "./service.ts";
import type { Stand } from "./stand.ts";

/** Runs of which the last one's error counts, whatever it is. */
const ATTEMPTS = 25;

/** What one measurement found: numbers by the name of a metric. */
export type Reading = Readonly<Record<string, number>>;

/**
 * What a socket of iperf3 may hold, which Linux's own limit (net.core.rmem_max) allows everywhere. Left to themselves the
 * buffers of eight streams now and then outgrow the processor's cache: whoever forwards, the same run then moves half as
 * much, and says nothing of the balancer.
 */
const WINDOW = "208K";

/** One measurement, which gives one or several metrics. */
export interface Measure {
  readonly name: string;
  /** True when it sends UDP. */
  readonly udp?: boolean;
  /** Runs it for so many seconds. Throws when anything fails. */
  run(stand: Stand, seconds: number): Promise<Reading>;
}

/** iperf3 with that many connections: Gbit/s as the receiver has them, and microseconds of processor time for a megabyte. */
function throughput(streams: number): Measure {
  return {
    name: `throughput-${streams}`,
    run: async ({ client, address, programs }, seconds) => {
      // A shorter run would be its own beginning: slow start and the control connection.
      const time = String(Math.max(1, Math.round(seconds)));
      const flags = ["--time", time, "--omit", "0", "--window", WINDOW, "--parallel", String(streams)];
      const argv = ["iperf3", "--client", address, "--port", String(PORTS.iperf), ...flags, "--json"];
      const { result, cpu } = await whenFree(() =>
        withCpu(programs, async () => {
          const timeout = Number(time) * 1_000 + 20_000;
          const { stdout, stderr } = await client.run(argv, { tolerant: true, timeout });
          return parseIperf(stdout || stderr);
        })
      );
      return {
        [`throughput${streams}`]: result.bytes * 8 / result.seconds / 1e9,
        [`cpuBytes${streams}`]: cpu / result.bytes * 1e12,
      };
    },
  };
}

/**
 * Runs it again, after so many milliseconds, while iperf3's server says that it is busy: its end of the run before may
 * come behind the client's. Throws what is thrown for another reason, or too often.
 */
export async function whenFree<T>(measure: () => Promise<T>, pause = 200): Promise<T> {
  for (let attempt = 1; attempt < ATTEMPTS; attempt++) {
    try {
      return await measure();
    } catch (error) {
      if (!(error as Error).message.includes("the server is busy")) throw error;
      await delay(pause);
    }
  }
  return await measure();
}

/** What iperf3 says of a run. */
export interface IperfReport {
  /** As the receiver has counted them. */
  readonly bytes: number;
  readonly seconds: number;
  /** Seconds of processor time that the client itself has taken. */
  readonly cpu: number;
}

/** Reads the JSON of iperf3. Throws with its own words when it failed. */
export function parseIperf(text: string): IperfReport {
  const { error, end } = JSON.parse(text) as {
    readonly error?: string;
    readonly end?: {
      readonly sum_received?: { readonly bytes: number; readonly seconds: number };
      readonly cpu_utilization_percent?: { readonly host_total: number };
    };
  };
  const received = end?.sum_received;
  const busy = end?.cpu_utilization_percent?.host_total;
  if (error !== undefined || received === undefined || busy === undefined) {
    throw new Error(`iperf3: ${error ?? "no result"}`);
  }
  return { bytes: received.bytes, seconds: received.seconds, cpu: busy / 100 * received.seconds };
}

const request: Measure = {
  name: "request",
  run: async ({ client, address, programs }, seconds) => {
    const { result, cpu } = await withCpu(
      programs,
      () => runLoad(client, "request", { address, port: PORTS.request }, seconds),
    );
    return { p50: result.p50! / 1e3, p99: result.p99! / 1e3, cpuRequest: cpu / result.count * 1e6 };
  },
};

const connect: Measure = {
  name: "connect",
  run: async ({ client, address, programs }, seconds) => {
    const { result, cpu } = await withCpu(
      programs,
      () => runLoad(client, "connect", { address, port: PORTS.request }, seconds),
    );
    return { connections: result.count / result.seconds / 1e3, cpuConnection: cpu / result.count * 1e6 };
  },
};

const datagram: Measure = {
  name: "datagram",
  udp: true,
  run: async ({ client, server, address, programs }, seconds) => {
    const before = await arrived(server);
    const { result, cpu } = await withCpu(
      programs,
      () => runLoad(client, "datagram", { address, port: PORTS.request }, seconds),
    );
    const count = await arrived(server) - before;
    return { datagrams: count / result.seconds / 1e3, cpuDatagram: cpu / count * 1e9 };
  },
};

/** UDP datagrams that came as far as a socket, also those for which it had no room: that is not the balancer's doing. */
async function arrived(netns: Netns): Promise<number> {
  const counters = await readSnmp(netns);
  return counters.get("Udp.InDatagrams")! + counters.get("Udp.InErrors")!;
}

/** All measurements, in the order of running. */
export const MEASURES: readonly Measure[] = [throughput(1), throughput(8), request, connect, datagram];
