// SPDX-License-Identifier: Apache-2.0

import type { Counter, Registry } from "prom-client";
import type { Measurement, ServiceTraffic } from "../dataplane/measure.ts";
import type { Traffic } from "../dataplane/state.ts";
import { parseListener, parseRef } from "../translate/object_ref.ts";
import type { Prometheus } from "./prometheus.ts";

/** Series are kept in bounds: services and backends beyond these numbers count in the totals alone. */
export interface SeriesLimits {
  readonly services: number;
  readonly backends: number;
}

/** A service has six series, a backend five. */
export const SERIES_LIMITS: SeriesLimits = { services: 1_000, backends: 5_000 };

const SERVICE_LABELS = ["kind", "namespace", "name", "listener", "route", "protocol", "address", "port"];
const BACKEND_LABELS = ["protocol", "address", "port", "backend"];

/** What is counted of a service or backend. */
interface Family {
  readonly packets: Counter;
  readonly bytes: Counter;
  readonly flows: Counter;
  /** Absent for backends: a flow that is refused has none. */
  readonly refused?: Counter;
}

/** The kernel's counters of traffic as metrics: of all services together, of each service, of each backend. */
export class TrafficMetrics {
  readonly #total: Required<Family>;
  readonly #services: Required<Family>;
  readonly #backends: Family;
  readonly #dropped: Counter;
  readonly #dropReasons: readonly string[];
  readonly #limits: SeriesLimits;

  constructor(
    prometheus: Prometheus,
    registry: Registry,
    dropReasons: readonly string[],
    limits: SeriesLimits = SERIES_LIMITS,
  ) {
    const counter = (name: string, help: string, labelNames: readonly string[]): Counter =>
      new prometheus.Counter({ name: `blixt_${name}_total`, help, labelNames, registers: [registry] });
    const family = (prefix: string, whose: string, labels: readonly string[]): Required<Family> => ({
      packets: counter(`${prefix}packets`, `Packets ${whose}; in: from clients, out: to clients.`, [
        ...labels,
        "direction",
      ]),
      bytes: counter(`${prefix}bytes`, `Bytes of IP packets ${whose}.`, [...labels, "direction"]),
      flows: counter(`${prefix}flows`, `Flows begun ${whose}.`, labels),
      refused: counter(`${prefix}refused_flows`, `Flows refused ${whose}.`, labels),
    });
    this.#total = family("", "of all services", []);
    this.#services = family("service_", "of a service, one address and port of a listener", SERVICE_LABELS);
    const { packets, bytes, flows } = family("backend_", "of an endpoint of a service", BACKEND_LABELS);
    this.#backends = { packets, bytes, flows };
    registry.removeSingleMetric("blixt_backend_refused_flows_total");
    this.#dropped = counter("dropped_packets", "Packets dropped.", ["reason"]);
    this.#dropReasons = dropReasons;
    this.#limits = limits;
    this.set(undefined);
  }

  /** Shows what was measured; zeros where nothing was. */
  set(measurement: Measurement | undefined): void {
    const families = [this.#total, this.#services, this.#backends];
    for (const metric of [...families.flatMap((family) => Object.values(family)), this.#dropped]) {
      metric.reset();
    }
    add(this.#total, {}, totalOf(measurement?.services ?? []));
    for (const reason of this.#dropReasons) {
      this.#dropped.inc({ reason }, Number(measurement?.drops[reason] ?? 0n));
    }
    let left = this.#limits.backends;
    for (
      const { service, traffic, backends } of (measurement?.services ?? []).slice(0, this.#limits.services)
    ) {
      const { parent, listener } = parseListener(service.listener);
      const { kind, key } = parseRef(parent);
      const [namespace = "", name = ""] = key.split("/");
      const place = {
        protocol: service.protocol,
        address: service.address,
        port: String(service.port),
      };
      add(this.#services, { kind, namespace, name, listener, route: service.route ?? "", ...place }, traffic);
      for (const backend of backends.slice(0, left)) {
        add(this.#backends, { ...place, backend: backend.name }, backend.traffic);
      }
      left = Math.max(0, left - backends.length);
    }
  }
}

function add(
  { packets, bytes, flows, refused }: Family,
  labels: Readonly<Record<string, string>>,
  traffic: Traffic,
): void {
  packets.inc({ ...labels, direction: "in" }, Number(traffic.rxPackets));
  packets.inc({ ...labels, direction: "out" }, Number(traffic.txPackets));
  bytes.inc({ ...labels, direction: "in" }, Number(traffic.rxBytes));
  bytes.inc({ ...labels, direction: "out" }, Number(traffic.txBytes));
  flows.inc(labels, Number(traffic.flows));
  refused?.inc(labels, Number(traffic.refused));
}

/** The counters of services that are programmed now: what was counted for one goes with it. */
function totalOf(services: readonly ServiceTraffic[]): Traffic {
  const sum = (field: keyof Traffic): bigint =>
    services.reduce((total, { traffic }) => total + traffic[field], 0n);
  return {
    rxPackets: sum("rxPackets"),
    rxBytes: sum("rxBytes"),
    txPackets: sum("txPackets"),
    txBytes: sum("txBytes"),
    flows: sum("flows"),
    refused: sum("refused"),
  };
}
