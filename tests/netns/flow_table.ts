// SPDX-License-Identifier: Apache-2.0

import type { Netns } from "./netns.ts";

/** An entry of a flow table, as bpftool shows it by the object's BTF. */
export interface FlowEntry {
  /** The map's name: flows4 or flows6; pending4 or pending6 while it may be made up. */
  readonly table: string;
  /** Ports of the packets that it is for, as numbers. */
  readonly sport: number;
  readonly dport: number;
  readonly protocol: number;
  /** `Flow::state` of ebpf/src/layout.rs. */
  readonly state: number;
  /** The key's bytes, as bpftool takes them. */
  readonly key: readonly string[];
}

/** What `bpftool --json map dump` says of one entry. */
interface Dumped {
  readonly key: readonly string[];
  readonly formatted: {
    readonly key: { readonly sport: number; readonly dport: number; readonly protocol: number };
    readonly value: FlowValue | { readonly flow: FlowValue };
  };
}

/** `Flow` of ebpf/src/layout.rs. */
interface FlowValue {
  readonly state: number;
}

/** All flows that the kernel knows on a host. */
export async function readFlows(host: Netns): Promise<FlowEntry[]> {
  const tables = await flowTables(host);
  const entries = await Promise.all(tables.map(async (path) => {
    const { stdout } = await host.run(["bpftool", "--json", "map", "dump", "pinned", path]);
    return (JSON.parse(stdout) as Dumped[]).map(({ key, formatted }): FlowEntry => ({
      table: nameOf(path),
      sport: swapped(formatted.key.sport),
      dport: swapped(formatted.key.dport),
      protocol: formatted.key.protocol,
      state: ("flow" in formatted.value ? formatted.value.flow : formatted.value).state,
      key,
    }));
  }));
  return entries.flat();
}

/** Takes flows out of the kernel: what eviction does to those that were idle for longest. */
export async function forgetFlows(host: Netns, flows: readonly FlowEntry[]): Promise<void> {
  const tables = await flowTables(host);
  const commands = flows.map(({ table, key }) => {
    const path = tables.find((path) => nameOf(path) === table)!;
    return `map delete pinned ${path} key ${key.join(" ")}`;
  });
  while (commands.length > 0) {
    // It ends at one that the kernel evicted meanwhile, which is gone as well.
    const input = commands.join("\n") + "\n";
    const { code } = await host.run(["bpftool", "batch", "file", "-"], { input, tolerant: true });
    if (code === 0) return;
    commands.shift();
  }
}

async function flowTables(host: Netns): Promise<string[]> {
  const { stdout } = await host.run([
    "find",
    ...host.leftBehind(),
    "-regex",
    ".*/maps/\\(flows\\|pending\\)[46]",
  ]);
  const paths = stdout.split("\n").filter((path) => path !== "");
  if (paths.length === 0) throw new Error(`no flow table is pinned for ${host.name}`);
  return paths;
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

/** Ports are in network byte order; bpftool reads them as the machine's integers. */
const swapped = (port: number): number => (port & 255) << 8 | port >> 8;
