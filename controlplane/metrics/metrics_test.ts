// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertMatch } from "@std/assert";
import { service } from "../dataplane/fixtures.ts";
import type { Measurement } from "../dataplane/measure.ts";
import { NO_TRAFFIC, type Traffic } from "../dataplane/state.ts";
import { Metrics, type Subject } from "./metrics.ts";
import { loadPrometheus } from "./prometheus.ts";
import type { SeriesLimits } from "./traffic.ts";

const prometheus = await loadPrometheus();

const traffic = (packets: bigint): Traffic => ({
  rxPackets: packets,
  rxBytes: packets * 100n,
  txPackets: packets + 1n,
  txBytes: packets * 50n,
  flows: packets / 2n,
  refused: 3n,
});

const MEASUREMENT: Measurement = {
  services: ["192.0.2.1:80", "192.0.2.2:80"].map((at, i) => ({
    service: { ...service(at), listener: `Gateway shop/web-${i}, listener tcp`, route: "TCPRoute shop/echo" },
    traffic: traffic(10n),
    backends: [1, 2].map((last) => ({ name: `10.0.${i}.${last}:8080`, traffic: traffic(5n) })),
  })),
  drops: { malformed: 7n, no_route: 0n },
  uses: [
    { of: "flows4", name: "", most: 1_000, memory: 1, used: 12, live: 7, estimated: false },
    { of: "backends", name: "", most: 100, memory: 1, used: 4, estimated: false },
  ],
  memory: 123_456,
};

interface Fixture {
  readonly metrics: Metrics;
  /** The lines of metrics, by name and labels. */
  readonly read: () => Promise<ReadonlyMap<string, string>>;
  measured: number;
  measurement: Measurement | undefined;
}

function fixture(subject: Partial<Subject> = {}, limits?: SeriesLimits): Fixture {
  const metrics = new Metrics(prometheus, {
    isReady: () => false,
    leads: () => false,
    isConnected: () => false,
    unprogrammed: () => 0,
    withoutRoom: () => 0,
    dropReasons: ["malformed", "no_route"],
    measure: () => {
      self.measured++;
      return Promise.resolve(self.measurement);
    },
    ...subject,
  }, limits);
  const read = async (): Promise<ReadonlyMap<string, string>> => {
    const text = await (await metrics.answer("/metrics"))!.text();
    const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
    return new Map(lines.map((line) => {
      const space = line.lastIndexOf(" ");
      return [line.slice(0, space), line.slice(space + 1)];
    }));
  };
  const self: Fixture = { metrics, read, measured: 0, measurement: undefined };
  return self;
}

Deno.test("Metrics are all there at 0 before the first event", async () => {
  const { read } = fixture();
  const values = await read();
  for (
    const name of [
      "blixt_ready",
      "blixt_leader",
      "blixt_loader_connected",
      "blixt_loader_connections_total",
      "blixt_unprogrammed_services",
      "blixt_objects_without_room",
      "blixt_measured",
      'blixt_limit{of="flows6"}',
      'blixt_live{of="flows6"}',
      'blixt_used{of="services"}',
      'blixt_api_writes_total{method="PATCH",result="conflict"}',
      'blixt_api_watch_ends_total{kind="TCPRoute"}',
      'blixt_dropped_packets_total{reason="malformed"}',
      'blixt_packets_total{direction="in"}',
      'blixt_bytes_total{direction="out"}',
      "blixt_flows_total",
      "blixt_refused_flows_total",
      "blixt_translate_duration_seconds_count",
      "blixt_program_duration_seconds_sum",
    ]
  ) assertEquals(values.get(name), "0", name);
  assert(Number(values.get("blixt_memory_bytes")) > 1_000_000);
});

Deno.test("Metrics have the kernel's counters: in all, of each service and backend, of each reason to drop", async () => {
  const subject = fixture();
  subject.measurement = MEASUREMENT;
  const values = await subject.read();
  const labels =
    'kind="Gateway",namespace="shop",name="web-1",listener="tcp",route="TCPRoute shop/echo",protocol="TCP",' +
    'address="192.0.2.2",port="80"';
  const backend = 'protocol="TCP",address="192.0.2.2",port="80",backend="10.0.1.2:8080"';
  const expected = {
    'blixt_packets_total{direction="in"}': "20",
    'blixt_packets_total{direction="out"}': "22",
    "blixt_flows_total": "10",
    "blixt_refused_flows_total": "6",
    [`blixt_service_packets_total{${labels},direction="out"}`]: "11",
    [`blixt_service_bytes_total{${labels},direction="in"}`]: "1000",
    [`blixt_service_refused_flows_total{${labels}}`]: "3",
    [`blixt_backend_packets_total{${backend},direction="in"}`]: "5",
    [`blixt_backend_flows_total{${backend}}`]: "2",
    'blixt_dropped_packets_total{reason="malformed"}': "7",
    'blixt_dropped_packets_total{reason="no_route"}': "0",
    'blixt_limit{of="flows4"}': "1000",
    'blixt_live{of="flows4"}': "7",
    'blixt_used{of="backends"}': "4",
    "blixt_maps_memory_bytes": "123456",
    "blixt_measured": "1",
  };
  for (const [name, value] of Object.entries(expected)) assertEquals(values.get(name), value, name);
});

Deno.test("Metrics stay within their series: what is beyond counts in the totals", async () => {
  const subject = fixture({}, { services: 1, backends: 1 });
  subject.measurement = MEASUREMENT;
  const names = [...(await subject.read()).entries()];
  const count = (prefix: string): number => names.filter(([name]) => name.startsWith(prefix)).length;
  assertEquals([count("blixt_service_flows_total"), count("blixt_backend_flows_total")], [1, 1]);
  assertEquals(new Map(names).get("blixt_flows_total"), "10");
});

Deno.test("Metrics forget the series of what is no longer programmed", async () => {
  let time = 0;
  const subject = fixture({ now: () => time });
  subject.measurement = MEASUREMENT;
  await subject.read();
  subject.measurement = { ...MEASUREMENT, services: [] };
  time = 1_000;
  const values = await subject.read();
  assertEquals([...values.keys()].filter((name) => name.startsWith("blixt_service_")), []);
  assertEquals([values.get("blixt_flows_total"), subject.measured], ["0", 2]);
});

Deno.test("Metrics ask the kernel once for all who read within a second", async () => {
  let time = 0;
  const subject = fixture({ now: () => time });
  subject.measurement = MEASUREMENT;
  await Promise.all([subject.read(), subject.read()]);
  time = 999;
  await subject.read();
  assertEquals(subject.measured, 1);
});

Deno.test("Metrics without a loader lack the kernel's counters alone", async () => {
  const { metrics, read } = fixture({
    isReady: () => true,
    measure: () => Promise.reject(new Error("The loader is away")),
  });
  metrics.connected();
  const values = await read();
  assertEquals(["measured", "ready", "loader_connections_total"].map((name) => values.get(`blixt_${name}`)), [
    "0",
    "1",
    "1",
  ]);
});

Deno.test("Metrics count and time what they are told of", async () => {
  const { metrics, read } = fixture({ leads: () => true, withoutRoom: () => 3 });
  metrics.apiWrite("PATCH", 200);
  metrics.apiWrite("PATCH", 409);
  metrics.apiWrite("POST", 0);
  metrics.apiWrite("POST", 500);
  metrics.watchEnded("Gateway");
  metrics.translated(0.05);
  metrics.programmed(0.5);
  const values = await read();
  const expected = {
    'api_writes_total{method="PATCH",result="ok"}': "1",
    'api_writes_total{method="PATCH",result="conflict"}': "1",
    'api_writes_total{method="POST",result="error"}': "2",
    'api_watch_ends_total{kind="Gateway"}': "1",
    'translate_duration_seconds_bucket{le="0.01"}': "0",
    'translate_duration_seconds_bucket{le="0.1"}': "1",
    "program_duration_seconds_sum": "0.5",
    "leader": "1",
    "objects_without_room": "3",
  };
  for (const [name, value] of Object.entries(expected)) {
    assertEquals(values.get(`blixt_${name}`), value, name);
  }
});

Deno.test("Metrics answer /metrics alone, as Prometheus' text format", async () => {
  const { metrics } = fixture();
  assertEquals(metrics.answer("/livez"), undefined);
  const response = await metrics.answer("/metrics");
  assertMatch(response!.headers.get("content-type")!, /^text\/plain; version=0\.0\.4/);
  assertMatch(await response!.text(), /^# HELP blixt_ready .+\n# TYPE blixt_ready gauge\n/m);
});

Deno.test("Metrics show a service that has not been used at 0", async () => {
  const subject = fixture();
  const [first] = MEASUREMENT.services;
  subject.measurement = { ...MEASUREMENT, services: [{ ...first!, traffic: NO_TRAFFIC, backends: [] }] };
  const values = await subject.read();
  const lines = [...values].filter(([name]) => name.startsWith("blixt_service_"));
  assertEquals([lines.length, new Set(lines.map(([, value]) => value))], [6, new Set(["0"])]);
});
