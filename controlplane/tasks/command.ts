// SPDX-License-Identifier: Apache-2.0

import { dirname } from "@std/path";
import { paths } from "./paths.ts";

/** How to run a command. */
export interface CommandOptions {
  readonly cwd?: string;
  /** Added to the present environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Written to the command's standard input. */
  readonly input?: string;
  /** File that receives both outputs, created anew. */
  readonly log?: string;
  readonly signal?: AbortSignal;
}

/** How a command ended. */
export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  /** Standard output and standard error, in the order of arrival as far as two pipes can tell. */
  readonly output: string;
}

/**
 * The search path with the folders where rustup, Go and Debian put their
 * programs, which sudo and login shells often leave out.
 */
export function searchPath(present: string, home: string, tools: string): string {
  const wanted = [`${tools}/bin`, `${home}/.cargo/bin`, "/usr/local/go/bin", "/usr/sbin", "/sbin"];
  const folders = present.split(":").filter((folder) => folder !== "");
  const before = wanted.slice(0, 1).filter((folder) => !folders.includes(folder));
  const after = wanted.slice(1).filter((folder) => !folders.includes(folder));
  return [...before, ...folders, ...after].join(":");
}

/** PATH for every program that a task starts. */
export function taskPath(): string {
  return searchPath(Deno.env.get("PATH") ?? "", Deno.env.get("HOME") ?? "/root", paths.tools);
}

/** The program's absolute path, or undefined where no folder of the search path has it. */
export async function findProgram(name: string, path: string = taskPath()): Promise<string | undefined> {
  for (const folder of path.split(":")) {
    const candidate = `${folder}/${name}`;
    const info = await Deno.stat(candidate).catch(() => undefined);
    if (info?.isFile && ((info.mode ?? 0) & 0o111) !== 0) return candidate;
  }
  return undefined;
}

/** Runs a command to its end; its failure is in the result. Throws NotFound when there is no such program. */
export async function run(argv: readonly string[], options: CommandOptions = {}): Promise<CommandResult> {
  const [name = "", ...args] = argv;
  const program = name.includes("/") ? name : await findProgram(name);
  if (program === undefined) throw new Deno.errors.NotFound(`${name} is not installed`);
  const child = new Deno.Command(program, {
    args,
    env: { PATH: taskPath(), NO_COLOR: "1", ...options.env },
    stdin: options.input === undefined ? "null" : "piped",
    stdout: "piped",
    stderr: "piped",
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  }).spawn();
  // A command that ends before it has read its input says why by itself.
  if (options.input !== undefined) new Blob([options.input]).stream().pipeTo(child.stdin).catch(() => {});
  if (options.log !== undefined) await Deno.mkdir(dirname(options.log), { recursive: true });
  using log = options.log === undefined ? undefined : await openLog(options.log);
  const all: Uint8Array<ArrayBuffer>[] = [];
  const collect = async (stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Blob> => {
    const own: Uint8Array<ArrayBuffer>[] = [];
    for await (const chunk of stream) {
      own.push(chunk);
      all.push(chunk);
      log?.writeSync(chunk);
    }
    return new Blob(own);
  };
  const [{ code }, stdout] = await Promise.all([child.status, collect(child.stdout), collect(child.stderr)]);
  return { code, stdout: await stdout.text(), output: await new Blob(all).text() };
}

/** Runs a command that has to succeed, for its standard output. Throws with the last lines of all that it wrote. */
export async function runOrThrow(argv: readonly string[], options: CommandOptions = {}): Promise<string> {
  const { code, stdout, output } = await run(argv, options);
  if (code === 0) return stdout;
  const where = options.log === undefined ? "" : `, all of it in ${options.log}`;
  throw new Error(`${argv.join(" ")} ended with code ${code}${where}:\n${lastLines(output, 40)}`);
}

function openLog(path: string): Promise<Deno.FsFile> {
  return Deno.open(path, { create: true, write: true, truncate: true });
}

/** The last lines of a text. */
export function lastLines(text: string, count: number): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}
