// SPDX-License-Identifier: Apache-2.0

import { formatEndpoint } from "./address.ts";
import { formatBytes, formatNumber } from "./format.ts";
import { Fullness } from "./fullness.ts";
import type { BackendState, ServiceState, State, Traffic } from "./state.ts";

const HEADER = ["SERVICE", "BACKEND", "WEIGHT", "FLOWS", "SHARE", "PACKETS", "IN", "OUT", "REFUSED"] as const;

/** Columns that hold text; the others are numbers and set to the right. */
const TEXT_COLUMNS = 2;

/** Options of formatState(). */
export interface ShowOptions {
  /** Write ANSI colours. */
  readonly colour: boolean;
}

/**
 * The state as tables for people: a line for each service with its totals, below it one for each backend,
 * then the drops that happened, the interfaces, and what there is room for. WEIGHT is the part of the table's slots, SHARE the
 * part of the flows so far.
 */
export function formatState(state: State, { colour }: ShowOptions): string {
  return formatServices(state, colour) + formatDrops(state, colour) + formatInterfaces(state, colour) +
    formatUses(state, colour);
}

function formatServices(state: State, colour: boolean): string {
  if (state.services.length === 0) return "No service is programmed\n";
  const rows = state.services.flatMap(serviceRows);
  const [header = "", ...lines] = alignColumns([HEADER, ...rows], TEXT_COLUMNS);
  const marked = lines.map((line, i) => rows[i]?.[0] === "" ? line : bold(line, colour));
  return [dim(header, colour), ...marked].join("\n") + "\n";
}

/** Lines of columns; the first ones hold text, the others numbers, which are set to the right. */
function alignColumns(rows: readonly (readonly string[])[], textColumns: number): string[] {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? "").length)));
  return rows.map((row) =>
    row.map((cell, i) => i < textColumns ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))
      .join("  ").trimEnd()
  );
}

function formatInterfaces({ interfaces }: State, colour: boolean): string {
  if (interfaces.length === 0) return "";
  const rows = interfaces.map(({ name, outward, tcx, xdp, programs, reason }) => [
    name,
    outward ? "clients" : "",
    [xdp ? "XDP" : "", tcx ? "TCX" : ""].filter((hook) => hook !== "").join(" and ") || "nothing",
    programs,
    reason,
  ]);
  const [header = "", ...lines] = alignColumns([
    ["INTERFACE", "FACES", "HAS", "IN THIS ORDER", "WHY"],
    ...rows,
  ], 5);
  return ["", dim(header, colour), ...lines].join("\n") + "\n";
}

/** "~" stands before a number that is estimated. */
function formatUses({ uses, memory }: State, colour: boolean): string {
  if (uses.length === 0) return "";
  const about = (estimated: boolean, number: number): string =>
    `${estimated ? "~" : ""}${formatNumber(number)}`;
  const rows = uses.map(({ name, used, live, estimated, most, memory }) => [
    name,
    about(estimated, used),
    live === undefined ? "" : about(estimated, live),
    formatNumber(most),
    formatBytes(BigInt(memory)),
  ]);
  const [header = "", ...lines] = alignColumns([
    ["ROOM FOR", "USED", "LIVE", "MOST", "MEMORY"],
    ...rows,
    ["all maps", "", "", "", formatBytes(BigInt(memory))],
  ], 1);
  const full = new Fullness().update(uses).map(({ message }) => `${message}.`);
  return ["", dim(header, colour), ...lines, ...full].join("\n") + "\n";
}

function serviceRows(service: ServiceState): string[][] {
  const { flows, refused } = service.traffic;
  const name = `${formatEndpoint(service.address, service.port)}/${service.protocol}`;
  const total = [name, "", "", String(flows), "", ...traffic(service.traffic), String(refused)];
  const backends = service.backends.map((backend) => backendRow(backend, flows));
  const refusal = service.refusedShare > 0 ? [["", "(refused)", percent(service.refusedShare)]] : [];
  return [total, ...backends, ...refusal];
}

function backendRow(backend: BackendState, flows: bigint): string[] {
  const share = flows === 0n ? "" : percent(Number(backend.traffic.flows) / Number(flows));
  return [
    "",
    formatEndpoint(backend.address, backend.port),
    percent(backend.share),
    String(backend.traffic.flows),
    share,
    ...traffic(backend.traffic),
    "",
  ];
}

function traffic({ rxPackets, txPackets, rxBytes, txBytes }: Traffic): string[] {
  return [String(rxPackets + txPackets), formatBytes(rxBytes), formatBytes(txBytes)];
}

function percent(part: number): string {
  return `${(part * 100).toFixed(1)}%`;
}

function formatDrops({ drops }: State, colour: boolean): string {
  const happened = Object.entries(drops).filter(([, packets]) => packets > 0n);
  if (happened.length === 0) return "\nNo packet was dropped\n";
  const width = Math.max(...happened.map(([reason]) => reason.length));
  const lines = happened.map(([reason, packets]) => `${reason.padEnd(width)}  ${packets}`);
  return ["", dim("DROPPED PACKETS", colour), ...lines].join("\n") + "\n";
}

/** The state as JSON; counters are decimal strings, as they may exceed 2^53. */
export function stateToJson(state: State): string {
  return JSON.stringify(state, (_, value) => typeof value === "bigint" ? value.toString() : value, 2) + "\n";
}

function bold(text: string, colour: boolean): string {
  return colour ? `\x1b[1m${text}\x1b[0m` : text;
}

function dim(text: string, colour: boolean): string {
  return colour ? `\x1b[2m${text}\x1b[0m` : text;
}
