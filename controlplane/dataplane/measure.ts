// SPDX-License-Identifier: Apache-2.0

import type { LoaderClient } from "../loader/client.ts";
import type { LoadedObject } from "../loader/messages.ts";
import type { DesiredService } from "../translate/desired.ts";
import type { Layout } from "./layout.ts";
import { NO_TRAFFIC, readDrops, readStats, type Traffic } from "./state.ts";
import { readUses, type Use } from "./use.ts";

/** A service that is programmed, with the ids of its counters. */
export interface ProgrammedService {
  readonly service: DesiredService;
  readonly id: number;
  /** By "address:port". */
  readonly backends: readonly { readonly name: string; readonly id: number }[];
}

/** What was counted for one service since it was programmed. */
export interface ServiceTraffic {
  readonly service: DesiredService;
  readonly traffic: Traffic;
  /** By "address:port". */
  readonly backends: readonly { readonly name: string; readonly traffic: Traffic }[];
}

/** Counters of the kernel, and what there is room for. */
export interface Measurement {
  readonly services: readonly ServiceTraffic[];
  /** Packets by reason. */
  readonly drops: Readonly<Record<string, bigint>>;
  readonly uses: readonly Use[];
  /** Bytes of kernel memory of all maps. */
  readonly memory: number;
}

/** Reads counters through the loader; what is programmed needs not be asked of it. */
export async function measure(
  client: LoaderClient,
  layout: Layout,
  object: Pick<LoadedObject, "maps">,
  programmed: readonly ProgrammedService[],
  signal?: AbortSignal,
): Promise<Measurement> {
  const backendIds = programmed.flatMap(({ backends }) => backends.map(({ id }) => id));
  const serviceIds = new Set(programmed.map(({ id }) => id));
  const services = await readStats(client, layout, "service_stats", serviceIds, signal);
  const backends = await readStats(client, layout, "backend_stats", new Set(backendIds), signal);
  const known = { services: programmed.length, backends: backendIds.length };
  return {
    services: programmed.map((one) => ({
      service: one.service,
      traffic: services.get(one.id) ?? NO_TRAFFIC,
      backends: one.backends.map(({ name, id }) => ({ name, traffic: backends.get(id) ?? NO_TRAFFIC })),
    })),
    drops: await readDrops(client, layout, signal),
    ...await readUses(client, layout, object, known, signal),
  };
}
