// SPDX-License-Identifier: Apache-2.0

/** The library, which is loaded only where metrics are asked for: it takes twenty megabytes. */
export type Prometheus = typeof import("prom-client");

/** Loads it. */
export async function loadPrometheus(): Promise<Prometheus> {
  return (await import("prom-client")).default;
}
