// SPDX-License-Identifier: Apache-2.0

import { dirname } from "@std/path";
import { ensureBpffs, pinFolder } from "./bpffs.ts";
import { buildAll } from "./build.ts";
import { findProgram, taskPath } from "./command.ts";
import { kubeconfigAccess } from "./kubeconfig_access.ts";
import { findLauncher, watchLauncher } from "./launcher.ts";
import { lastingMountNamespace } from "./mount_namespace.ts";
import { controlPlaneCommand, loaderCommand, withoutCapabilities } from "./part_commands.ts";
import { paths } from "./paths.ts";
import { removeTree } from "./remove_tree.ts";
import { ensure } from "./requirement.ts";
import { startRequirements } from "./requirements.ts";
import { presentNetns, type RunPaths, runPaths } from "./run_paths.ts";
import { requireRoot, runTask, UsageError } from "./run_task.ts";
import { takeStartLock } from "./start_lock.ts";
import { parseStartOptions, type StartOptions, USAGE } from "./start_options.ts";
import { type StopReason, supervise } from "./supervisor.ts";
import { waitForSocket } from "./wait_for_socket.ts";

/** Milliseconds the loader has until its socket answers. */
const LOADER_PATIENCE = 15_000;

/** Milliseconds each part has to end after SIGTERM. */
const STOP_PATIENCE = 10_000;

/** Settles when the user wants the end: by a signal to this process, or by ending what started it. */
function stopRequested(signal: AbortSignal): Promise<StopReason> {
  const { promise, resolve } = Promise.withResolvers<StopReason>();
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    Deno.addSignalListener(name, () => resolve("terminated"));
  }
  watchLauncher(findLauncher(Deno.pid), signal).then(resolve);
  return promise;
}

/** Starts a program in a session of its own, so that Ctrl-C reaches it through its supervisor alone. */
async function spawn(argv: readonly string[]): Promise<Deno.ChildProcess> {
  const [name = "", ...args] = argv;
  const program = await findProgram(name);
  if (program === undefined) throw new Error(`${name} is not installed`);
  return new Deno.Command(program, { args, env: { PATH: taskPath() }, stdin: "null", detached: true })
    .spawn();
}

/**
 * Capabilities the control plane cannot do without: none, unless the
 * repository, Deno or the user's files lie in a folder that is closed to root
 * without them, such as another user's home.
 */
async function neededCapabilities(files: readonly string[]): Promise<string[]> {
  const [setpriv = "", ...args] = withoutCapabilities([]);
  const test = files.flatMap((file, index) => index === 0 ? ["-r", file] : ["-a", "-r", file]);
  const { success } = await new Deno.Command(setpriv, { args: [...args, "test", ...test] }).output();
  return success ? [] : ["dac_read_search"];
}

async function controlPlane(options: StartOptions, run: RunPaths): Promise<string[]> {
  const { source } = options;
  const needed = [
    `${paths.repository}/controlplane/main.ts`,
    paths.kernelObject,
    source.path,
    Deno.execPath(),
  ];
  const settings = {
    deno: Deno.execPath(),
    paths,
    options,
    socket: run.socket,
    capabilities: await neededCapabilities(needed),
  };
  if (source.kind === "manifests") return controlPlaneCommand(settings);
  const text = await Deno.readTextFile(source.path);
  return controlPlaneCommand({ ...settings, kubeconfig: kubeconfigAccess(text, dirname(source.path)) });
}

async function prepare(): Promise<"prepared"> {
  await ensure(startRequirements);
  await buildAll();
  return "prepared";
}

async function requireSource({ source }: StartOptions): Promise<void> {
  const { isDirectory } = await Deno.stat(source.path).catch(() => {
    throw new UsageError(`--${source.kind} is ${source.path}, which cannot be found`);
  });
  if (isDirectory === (source.kind === "manifests")) return;
  throw new UsageError(`--${source.kind} is ${source.path}, must be a ${isDirectory ? "file" : "folder"}`);
}

/** Runs both parts until the end. Gives the exit code. */
async function start(options: StartOptions): Promise<number> {
  requireRoot("start");
  await requireSource(options);
  const netns = presentNetns();
  const run = runPaths(netns);
  await Deno.mkdir(run.folder, { recursive: true, mode: 0o700 });
  using _lock = await takeStartLock(run.lock);
  const aborter = new AbortController();
  const stop = stopRequested(aborter.signal);

  // A compiler that runs when the user gives up goes on to its end, which the next start then need not wait for.
  if (await Promise.race([prepare(), stop]) !== "prepared") {
    await removeTree(run.folder);
    return 0;
  }
  const namespace = lastingMountNamespace(paths.loader);
  const pins = pinFolder(await ensureBpffs(namespace), netns);
  await Deno.remove(run.socket).catch(() => {});
  const loader = await spawn(loaderCommand(paths, namespace, run.socket, pins));
  await waitForSocket(run.socket, loader.status, LOADER_PATIENCE);
  const end = await supervise({
    loader,
    controlPlane: await spawn(await controlPlane(options, run)),
    stop,
    patience: STOP_PATIENCE,
    say: console.error,
  });
  aborter.abort();
  if (end !== "stopped") return 1;
  await removeTree(namespace.root + pins);
  await removeTree(run.folder);
  return 0;
}

if (import.meta.main) {
  await runTask(async () => {
    if (Deno.args.includes("--help")) return console.log(USAGE);
    return await start(parseStartOptions(Deno.args, Deno.env.get("INIT_CWD") ?? Deno.cwd()));
  });
}
