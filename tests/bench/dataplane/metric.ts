// SPDX-License-Identifier: Apache-2.0

/** A column of the table. */
export interface Metric {
  /** Name in the JSON and in a measure's reading. */
  readonly name: string;
  /** Head of the column, in at most two words. */
  readonly title: string;
  readonly unit: string;
  /** What the picture says of it. */
  readonly description: string;
  readonly better: "more" | "less";
}

/** All metrics, as the table has them. */
export const METRICS: readonly Metric[] = [
  {
    name: "throughput1",
    title: "1 stream",
    unit: "Gbit/s",
    description: "TCP throughput, 1 stream",
    better: "more",
  },
  {
    name: "throughput8",
    title: "8 streams",
    unit: "Gbit/s",
    description: "TCP throughput, 8 streams",
    better: "more",
  },
  { name: "p50", title: "p50", unit: "µs", description: "Request and answer, median", better: "less" },
  {
    name: "p99",
    title: "p99",
    unit: "µs",
    description: "Request and answer, 99th percentile",
    better: "less",
  },
  {
    name: "connections",
    title: "connections",
    unit: "k/s",
    description: "New connections, each with one request",
    better: "more",
  },
  {
    name: "datagrams",
    title: "UDP",
    unit: "kpacket/s",
    description: "UDP packets of 64 bytes",
    better: "more",
  },
  {
    name: "cpuBytes1",
    title: "CPU/MB, 1 stream",
    unit: "µs",
    description: "Processor time for a megabyte, 1 stream",
    better: "less",
  },
  {
    name: "cpuBytes8",
    title: "8 streams",
    unit: "µs",
    description: "Processor time for a megabyte, 8 streams",
    better: "less",
  },
  {
    name: "cpuRequest",
    title: "CPU/request",
    unit: "µs",
    description: "Processor time for a request",
    better: "less",
  },
  {
    name: "cpuConnection",
    title: "CPU/connection",
    unit: "µs",
    description: "Processor time for a connection",
    better: "less",
  },
  {
    name: "cpuDatagram",
    title: "CPU/packet",
    unit: "ns",
    description: "Processor time for a UDP packet",
    better: "less",
  },
];
