// SPDX-License-Identifier: Apache-2.0

// What operators watch, as Prometheus reads it: each metric is there from the
// start, at 0 until the first event. The kernel's counters are read when they
// are asked for.

import type { Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Measurement } from "../dataplane/measure.ts";
import type { Use } from "../dataplane/use.ts";
import type { Meter } from "../meter.ts";
import { KIND_NAMES } from "../store/store.ts";
import type { Prometheus } from "./prometheus.ts";
import { type SeriesLimits, TrafficMetrics } from "./traffic.ts";

/** What is asked when metrics are read. */
export interface Subject {
  readonly isReady: () => boolean;
  readonly leads: () => boolean;
  readonly isConnected: () => boolean;
  /** Listeners' addresses and ports that the kernel has no room for. */
  readonly unprogrammed: () => number;
  /** Gateways, ListenerSets and routes that there is no room for. */
  readonly withoutRoom: () => number;
  readonly dropReasons: readonly string[];
  readonly measure: () => Promise<Measurement | undefined>;
  /** Milliseconds that only grow; default performance.now(). */
  readonly now?: () => number;
}

/** Milliseconds for which what was measured is told again, so that many readers cost the loader no more than one. */
const CACHED = 1_000;

const LIMITS: readonly Use["of"][] = ["flows4", "flows6", "services", "backends", "clients"];
const METHODS = ["POST", "PATCH", "DELETE"];
const RESULTS = ["ok", "conflict", "error"];

/** Seconds. */
const BUCKETS = [0.0001, 0.001, 0.01, 0.1, 1, 10];

/** Counts what it is told of, and asks the rest when it is read. */
export class Metrics implements Meter {
  readonly #registry: Registry;
  readonly #subject: Subject;
  readonly #traffic: TrafficMetrics;
  readonly #states: readonly { readonly gauge: Gauge; readonly value: () => number }[];
  readonly #limit: Gauge;
  readonly #used: Gauge;
  readonly #live: Gauge;
  readonly #memory: Gauge;
  readonly #measured: Gauge;
  readonly #apiWrites: Counter;
  readonly #watchEnds: Counter;
  readonly #connections: Counter;
  readonly #translate: Histogram;
  readonly #program: Histogram;
  #reading: { readonly at: number; readonly text: Promise<string> } | undefined;

  constructor(prometheus: Prometheus, subject: Subject, limits?: SeriesLimits) {
    const registry = new prometheus.Registry();
    const common = { registers: [registry] };
    const gauge = (name: string, help: string, labelNames: readonly string[] = []): Gauge =>
      new prometheus.Gauge({ name: `blixt_${name}`, help, labelNames, ...common });
    const counter = (name: string, help: string, labelNames: readonly string[] = []): Counter =>
      new prometheus.Counter({ name: `blixt_${name}_total`, help, labelNames, ...common });
    const histogram = (name: string, help: string): Histogram =>
      new prometheus.Histogram({ name: `blixt_${name}_duration_seconds`, help, buckets: BUCKETS, ...common });
    this.#registry = registry;
    this.#subject = subject;
    this.#states = [
      {
        gauge: gauge("ready", "1 once everything that was read is in the kernel."),
        value: bit(subject.isReady),
      },
      { gauge: gauge("leader", "1 on the control plane that writes statuses."), value: bit(subject.leads) },
      { gauge: gauge("loader_connected", "1 while the loader answers."), value: bit(subject.isConnected) },
      {
        gauge: gauge("unprogrammed_services", "Addresses and ports that the kernel has no room for."),
        value: subject.unprogrammed,
      },
      {
        gauge: gauge("objects_without_room", "Objects of which a NoResources is told."),
        value: subject.withoutRoom,
      },
      {
        gauge: gauge("memory_bytes", "Resident memory of the control plane."),
        value: () => Deno.memoryUsage().rss,
      },
    ];
    this.#limit = gauge("limit", "How many there is room for.", ["of"]);
    this.#used = gauge("used", "How many there are; flows that have ended count until the room is needed.", [
      "of",
    ]);
    this.#live = gauge(
      "live",
      "Flows that have not ended, of those there are: the limit is reached when they are.",
      [
        "of",
      ],
    );
    this.#memory = gauge("maps_memory_bytes", "Kernel memory of all maps.");
    this.#measured = gauge("measured", "1 when the kernel's counters could be read this time.");
    this.#apiWrites = counter("api_writes", "Writing requests to the API server.", ["method", "result"]);
    this.#watchEnds = counter("api_watch_ends", "Watches that ended and began again.", ["kind"]);
    this.#connections = counter("loader_connections", "Sessions with the loader.");
    this.#translate = histogram("translate", "Time to translate a snapshot.");
    this.#program = histogram("program", "Time from a new desired state to the kernel having it.");
    this.#traffic = new TrafficMetrics(prometheus, registry, subject.dropReasons, limits);
    for (const of of LIMITS) {
      this.#limit.set({ of }, 0);
      this.#used.set({ of }, 0);
    }
    for (const  of of["flows4", "flows6"]) this.#live.set({ of }, 0);
    for (const method of METHODS) for (const result of RESULTS) this.#apiWrites.inc({ method, result }, 0);
    for (const kind of [...KIND_NAMES, "Lease"]) this.#watchEnds.inc({ kind }, 0);
  }

  apiWrite(method: string, status: number): void {
    const result = status >= 200 && status < 300 ? "ok" : status === 409 ? "conflict" : "error";
    this.#apiWrites.inc({ method, result });
  }

  watchEnded(kind: string): void {
    this.#watchEnds.inc({ kind });
  }

  translated(seconds: number): void {
    this.#translate.observe(seconds);
  }

  programmed(seconds: number): void {
    this.#program.observe(seconds);
  }

  connected(): void {
    this.#connections.inc();
  }

  /** The path /metrics, in Prometheus' text format. */
  answer(path: string): Promise<Response> | undefined {
    return path === "/metrics" ? this.#respond() : undefined;
  }

  async #respond(): Promise<Response> {
    const now = (this.#subject.now ?? performance.now.bind(performance))();
    if (this.#reading === undefined || now - this.#reading.at >= CACHED) {
      this.#reading = { at: now, text: this.#read() };
    }
    return new Response(await this.#reading.text, {
      headers: { "content-type": this.#registry.contentType },
    });
  }

  async #read(): Promise<string> {
    // A loader that is away takes its counters along, and no other metric.
    const measurement = await this.#subject.measure().catch(() => undefined);
    this.#measured.set(measurement === undefined ? 0 : 1);
    if (measurement !== undefined) this.#show(measurement);
    for (const { gauge, value } of this.#states) gauge.set(value());
    return await this.#registry.metrics();
  }

  #show(measurement: Measurement): void {
    this.#traffic.set(measurement);
    this.#memory.set(measurement.memory);
    for (const { of, most, used, live } of measurement.uses) {
      this.#limit.set({ of }, most);
      this.#used.set({ of }, used);
      if (live !== undefined) this.#live.set({ of }, live);
    }
  }
}

function bit(holds: () => boolean): () => number {
  return () => holds() ? 1 : 0;
}
