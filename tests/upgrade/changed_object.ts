// SPDX-License-Identifier: Apache-2.0

// The kernel object as a later version might be: the same programs, but maps whose keys and values are laid out in
// another way. Built from a copy of the sources.

import { runOrThrow } from "../../controlplane/tasks/command.ts";
import { kernelObjectBuild } from "../../controlplane/tasks/build.ts";
import { paths } from "../../controlplane/tasks/paths.ts";

/**
 * Pairs of fields of one type that change places, by struct. No more than that: the programs use nearly all of the stack
 * that the kernel gives them, and a struct laid out quite another way is compiled to other code.
 */
const SWAPPED: Readonly<Record<string, readonly [string, string]>> = {
  Service: ["id", "slots"],
  FlowKey4: ["saddr", "daddr"],
  FlowKey6: ["saddr", "daddr"],
  Flow: ["backend", "epoch"],
};

/** Structs that grow; no program makes a value of these, so that a field more asks nothing of the code. */
const GROWN = ["Device", "AddressInfo"];

/** Builds it in the cache; returns the ELF file. Where nothing has changed it takes about a second. */
export async function buildChangedObject(): Promise<Uint8Array> {
  const sources = `${paths.cache}/changed-object`;
  await Deno.mkdir(sources, { recursive: true });
  const members = ["Cargo.toml", "Cargo.lock", "ebpf", "loader", "proto"];
  const from = members.map((name) => `${paths.repository}/${name}`);
  const log = `${paths.logs}/changed-object.log`;
  // With their times, so that cargo sees what is new.
  await runOrThrow(["cp", "--archive", ...from, `${sources}/`], { log });
  const layout = `${sources}/ebpf/src/layout.rs`;
  await Deno.writeTextFile(layout, changeLayout(await Deno.readTextFile(layout)));
  const target = `${paths.bpfTarget}/changed`;
  const { argv, env } = kernelObjectBuild(target);
  await runOrThrow(argv, { cwd: sources, env, log });
  return await Deno.readFile(`${target}/bpfel-unknown-none/release/blixt`);
}

/** The source of the layout with other structs. Throws when it does not find one of them. */
export function changeLayout(source: string): string {
  const swapped = Object.entries(SWAPPED).reduce(
    (text, [name, pair]) => changeFields(text, name, (fields) => swap(fields, pair)),
    source,
  );
  const field = "    pub reserved9: [u32; 2],\n";
  return GROWN.reduce((text, name) => changeFields(text, name, (fields) => [field, ...fields]), swapped);
}

function swap(fields: readonly string[], pair: readonly [string, string]): string[] {
  const [one, other] = pair.map((name) => fields.findIndex((field) => field.includes(`    pub ${name}: `)));
  if (one === undefined || other === undefined || one < 0 || other < 0) {
    throw new Error(`The layout has no fields ${pair.join(" and ")} in one struct`);
  }
  return fields.map((field, i) => (i === one ? fields[other] : i === other ? fields[one] : field) as string);
}

/** Changes the fields of a struct, each with the comments before it. */
function changeFields(source: string, name: string, change: (fields: string[]) => string[]): string {
  const start = source.indexOf(`pub struct ${name} {\n`);
  const end = source.indexOf("\n}", start) + 1;
  if (start < 0) throw new Error(`The layout has no struct ${name}`);
  const body = start + `pub struct ${name} {\n`.length;
  const fields = source.slice(body, end).match(/(?: +\/\/\/.*\n)* +pub .*\n/g) ?? [];
  return source.slice(0, body) + change(fields).join("") + source.slice(end);
}
