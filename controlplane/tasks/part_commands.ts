// SPDX-License-Identifier: Apache-2.0

import { dirname } from "@std/path";
import { MANIFESTS_ENVIRONMENT } from "../permissions.ts";
import type { KubeconfigAccess } from "./kubeconfig_access.ts";
import type { MountNamespace } from "./mount_namespace.ts";
import type { Paths } from "./paths.ts";
import type { StartOptions } from "./start_options.ts";

/** Makes the kernel end a child with its parent, so that a killed start leaves no process behind. */
const withParent = ["setpriv", "--pdeathsig", "KILL"];

/** The loader's command line. It runs where its pins outlive this session, and drops its capabilities itself. */
export function loaderCommand(
  paths: Paths,
  namespace: MountNamespace,
  socket: string,
  pinFolder: string,
): string[] {
  return [...withParent, ...namespace.enter, paths.loader, "--socket", socket, "--pin-dir", pinFolder];
}

/**
 * With ten thousand services the heap would grow to four times what is in it before anything is collected, and the
 * part of it for what is new to 64 MB: a quarter as much again, and 32 MB, are enough at no more processor time. The
 * Containerfile has the same.
 */
export const HEAP_FLAGS = "--v8-flags=--heap-growing-percent=25,--max-semi-space-size=16";

/**
 * The C library keeps freed messages of a megabyte for the next ones, unless each is a mapping of its own, and something
 * for each of the garbage collector's threads, unless they share (mallopt(3)).
 */
export const ALLOCATOR: readonly string[] = [
  "MALLOC_ARENA_MAX=2",
  "MALLOC_MMAP_THRESHOLD_=65536",
  "MALLOC_TRIM_THRESHOLD_=1048576",
];

/** Everything that decides the control plane's command line. */
export interface ControlPlaneSettings {
  /** The running deno, which need not be on the search path. */
  readonly deno: string;
  readonly paths: Paths;
  readonly options: StartOptions;
  readonly socket: string;
  /** Present when the source is a kubeconfig. */
  readonly kubeconfig?: KubeconfigAccess;
  /** Capabilities to keep, as setpriv names them; none unless files would be unreadable. */
  readonly capabilities: readonly string[];
}

/** Runs a command as root in name only: without capabilities, and without a way to get any. */
export function withoutCapabilities(keep: readonly string[]): string[] {
  const bounding = ["-all", ...keep.map((name) => `+${name}`)].join(",");
  return ["setpriv", `--bounding-set=${bounding}`, "--inh-caps=-all", "--no-new-privs"];
}

/**
 * The control plane's command line: the Deno permissions that its main.ts
 * lists, no capability. It stays user 0, since the loader's socket opens for nobody else.
 */
export function controlPlaneCommand(settings: ControlPlaneSettings): string[] {
  const { deno, paths, options, socket, kubeconfig } = settings;
  const { source, interfaces, statusFile, others } = options;
  // To connect to a unix socket, Deno asks for its path among what may be read and written too.
  const folders = [dirname(socket), ...(statusFile === undefined ? [] : [dirname(statusFile)])];
  const read = [
    source.path,
    ...(kubeconfig?.read ?? []),
    paths.kernelObject,
    `${paths.repository}/proto`,
    ...folders,
  ];
  const net = [`unix:${socket}`, ...listenAddresses(others), ...(kubeconfig?.net ?? [])];
  const programs = kubeconfig?.run ?? [];
  return [
    ...withParent,
    ...withoutCapabilities(settings.capabilities),
    "env",
    ...ALLOCATOR,
    deno,
    "run",
    HEAP_FLAGS,
    "--no-prompt",
    "--quiet",
    `--config=${paths.repository}/deno.json`,
    `--allow-read=${list(read)}`,
    `--allow-write=${list(folders)}`,
    `--allow-net=${list(net)}`,
    source.kind === "manifests" ? `--allow-env=${list(MANIFESTS_ENVIRONMENT)}` : "--allow-env",
    ...(programs.length === 0 ? [] : [`--allow-run=${list(programs)}`]),
    `${paths.repository}/controlplane/main.ts`,
    `--${source.kind}`,
    source.path,
    "--loader",
    `unix:${socket}`,
    "--object",
    paths.kernelObject,
    ...(statusFile === undefined ? [] : ["--status-file", statusFile]),
    "--unload-on-exit",
    ...interfaces.flatMap((name) => ["--interface", name]),
    ...others,
  ];
}

/** Where the control plane answers over HTTP, by the options that it is passed. */
function listenAddresses(options: readonly string[]): string[] {
  return options.flatMap((option, i) => {
    const [, name, attached] = /^(--health|--metrics)(?:=(.*))?$/.exec(option) ?? [];
    const address = attached ?? options[i + 1];
    return name === undefined || address === undefined ? [] : [address];
  });
}

/** A value of Deno's permission flags: elements between commas, a comma within one doubled. */
function list(elements: readonly string[]): string {
  return elements.map((element) => element.replaceAll(",", ",,")).join(",");
}
