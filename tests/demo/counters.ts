// SPDX-License-Identifier: Apache-2.0

import { checkLayout, type Layout } from "../../controlplane/dataplane/layout.ts";
import { readObject } from "../../controlplane/dataplane/object.ts";
import { type BackendState, readState, type ServiceState } from "../../controlplane/dataplane/state.ts";
import { LoaderClient } from "../../controlplane/loader/client.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { runPaths } from "../../controlplane/tasks/run_paths.ts";
import { joinHostPort } from "../netns/addresses.ts";
import type { ManifestFolder } from "../netns/manifest_folder.ts";
import type { Backend, Topology } from "../netns/topology.ts";
import type { Row } from "./table.ts";
import { readWeights, type Weights } from "./weights.ts";

/** A row of the table with what the kernel has counted since the backend was made. */
export interface Counted extends Omit<Row, "client"> {
  /** The backend's own name and its address, as its answers can be told. */
  readonly name: string;
  readonly family: "ipv4" | "ipv6";
}

/** Milliseconds for one reading. */
const PATIENCE = 60_000;

/** Reads the kernel's counters through the loader on the topology's host. */
export class Counters {
  readonly #topology: Topology;
  readonly #manifests: ManifestFolder;
  readonly #layout: Layout;

  private constructor(topology: Topology, manifests: ManifestFolder, layout: Layout) {
    this.#topology = topology;
    this.#manifests = manifests;
    this.#layout = layout;
  }

  /** Learns how the kernel's maps look from the object that was built. */
  static async open(topology: Topology, manifests: ManifestFolder): Promise<Counters> {
    return new Counters(
      topology,
      manifests,
      checkLayout(readObject(await Deno.readFile(paths.kernelObject))),
    );
  }

  /** One row for each backend of each service in the kernel. Throws when no loader answers. */
  async read(): Promise<Counted[]> {
    // A new client each time: the loader may have been killed and started again.
    const client = new LoaderClient(`unix:${runPaths(this.#topology.host.inode).socket}`);
    try {
      const { services } = await readState(client, this.#layout, AbortSignal.timeout(PATIENCE));
      const weights = readWeights(await this.#manifests.readAll());
      return rowsOf(services, this.#topology.backends, weights);
    } finally {
      client.close();
    }
  }
}

/** Makes rows of what the kernel has, TCP before UDP, IPv4 before IPv6. */
export function rowsOf(
  services: readonly ServiceState[],
  backends: readonly Pick<Backend, "name" | "ipv4" | "ipv6">[],
  weights: Weights,
): Counted[] {
  const rows = services.flatMap((service) =>
    service.backends.map((backend) => rowOf(service, backend, backends, weights))
  );
  return rows.toSorted((a, b) => sortKey(a).localeCompare(sortKey(b), "en"));
}

function rowOf(
  { protocol, address, port }: ServiceState,
  backend: BackendState,
  backends: readonly Pick<Backend, "name" | "ipv4" | "ipv6">[],
  weights: Weights,
): Counted {
  const { flows, rxPackets, txPackets, rxBytes, txBytes } = backend.traffic;
  const found = backends.find(({ ipv4, ipv6 }) => [ipv4, ipv6].includes(backend.address));
  const weight = weights.get(`${protocol} ${backend.address}`);
  return {
    listener: `${protocol} ${joinHostPort(address, port)}`,
    backend: `${found?.name ?? "?"} ${backend.address}`,
    name: found?.name ?? "?",
    family: backend.address.includes(":") ? "ipv6" : "ipv4",
    ...(weight === undefined ? {} : { weight }),
    flows: Number(flows),
    packets: Number(rxPackets + txPackets),
    bytes: Number(rxBytes + txBytes),
  };
}

function sortKey({ listener, family, name }: Counted): string {
  return `${listener.slice(0, 3)} ${family} ${listener} ${name}`;
}
