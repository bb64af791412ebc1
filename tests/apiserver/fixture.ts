// SPDX-License-Identifier: Apache-2.0

// The control plane against a real API server, in this process, with a
// dataplane that takes everything at once.

import type { Kind, ObjectKey } from "../../controlplane/api/snapshot.ts";
import { KINDS } from "../../controlplane/api/snapshot.ts";
import { findProgram } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { NO_METER } from "../../controlplane/meter.ts";
import { type Message, Output } from "../../controlplane/output.ts";
import { type DataplaneWriter, runLoop } from "../../controlplane/run.ts";
import { loadApiServer } from "../../controlplane/source/apiserver/kube_config.ts";
import { openApiServer } from "../../controlplane/source/apiserver/open.ts";
import type { Peers } from "../../controlplane/ends.ts";
import { Store } from "../../controlplane/store/store.ts";
import type { DesiredDataplane } from "../../controlplane/translate/desired.ts";
import type { TranslateOptions } from "../../controlplane/translate/options.ts";
import { translateHere } from "../../controlplane/translate_here.ts";
import type { ApiServer } from "../cluster/api_server.ts";

/** Milliseconds that statuses may take on a machine that is busy with other things. */
const PATIENCE = 60_000;

/** Why the tests here cannot run on this machine; undefined when they can. */
export async function whyNot(): Promise<string | undefined> {
  const missing = [];
  for (const program of ["kube-apiserver", "kubectl", "etcd"]) {
    if (
      await findProgram(program, paths.clusterBin) === undefined && await findProgram(program) === undefined
    ) {
      missing.push(program);
    }
  }
  return missing.length === 0 ? undefined : `${missing.join(", ")} missing; run deno task setup test`;
}

/** A dataplane that remembers what it was given. */
export class RecordingDataplane implements DataplaneWriter {
  desired: DesiredDataplane = { services: [] };
  sets = 0;

  set(desired: DesiredDataplane): void {
    this.desired = desired;
    this.sets++;
  }

  programmed(): Promise<void> {
    return Promise.resolve();
  }
}

/** A control plane that runs until it is disposed of. */
export class RunningControlPlane implements AsyncDisposable {
  readonly store = new Store();
  readonly dataplane = new RecordingDataplane();
  readonly messages: Message[] = [];
  /** Requests that write, so far. */
  writes = 0;
  /** Resolves when all that was read has been translated, and is to be written. */
  readonly ready: Promise<void>;
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;
  #options: () => TranslateOptions = () => ({});
  readonly #peers: Peers | undefined;

  /** @param node name of the node that it says it is on; alone when absent */
  constructor(kubeconfig: string, node?: string) {
    const output = new Output({
      json: true,
      colour: false,
      stdout: (line) => this.messages.push(JSON.parse(line)),
      stderr: () => {},
    });
    const { store, dataplane } = this;
    const config = { type: "apiserver", kubeconfig, ...(node !== undefined && { node }) } as const;
    const meter = { ...NO_METER, apiWrite: (): void => void this.writes++ };
    const { status, run, peers, translateOptions } = openApiServer(
      config,
      loadApiServer({ kubeconfig }),
      store,
      output,
      meter,
    );
    this.#peers = peers;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.ready = promise;
    const onReady = (): void => {
      peers?.ready();
      resolve();
    };
    const { signal } = this.#stop;
    const translateAndWrite = async (): Promise<void> => {
      const options = await translateOptions(signal);
      this.#options = options;
      const translate = translateHere(options, peers);
      await runLoop({ store, translate, dataplane, status, output, onReady }, signal);
    };
    this.#running = Promise.all([
      run(signal),
      translateAndWrite().catch((error) => {
        if (!signal.aborted) throw error;
      }),
    ]);
  }

  /** Whether it is the one that writes. */
  get leads(): boolean {
    return this.#peers?.leads ?? true;
  }

  /** What the API server has told the translation besides the objects. */
  get options(): TranslateOptions {
    return this.#options();
  }

  /** Ends it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort(new Error("The test is over"));
    await this.#running;
  }
}

/** An object as kubectl prints it. */
export interface Read {
  readonly metadata: { readonly resourceVersion: string; readonly generation: number };
  // deno-lint-ignore no-explicit-any -- tests look into statuses of every shape
  readonly status?: any;
}

/** Reads an object with kubectl. */
export async function read(server: ApiServer, kind: Kind, key: ObjectKey): Promise<Read> {
  const [name, namespace] = key.split("/").reverse();
  const place = namespace === undefined ? [] : ["--namespace", namespace];
  const { apiVersion, plural } = KINDS[kind];
  const type = apiVersion.includes("/") ? `${plural}.${apiVersion.split("/")[0]}` : plural;
  return JSON.parse(
    await server.kubectl(["get", type, name ?? "", ...place, "--output=json"]),
  );
}

/** Reads an object until its status is as wanted. Throws with the last one seen. */
export async function eventually(
  server: ApiServer,
  kind: Kind,
  key: ObjectKey,
  holds: (object: Read) => boolean,
): Promise<Read> {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const object = await read(server, kind, key).catch((error: Error) => {
      if (!error.message.includes("(NotFound)")) throw error;
    });
    if (object !== undefined && holds(object)) return object;
    if (performance.now() > end) {
      throw new Error(`${kind} ${key} is after ${PATIENCE} ms still ${JSON.stringify(object, undefined, 1)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** Milliseconds between two looks of {@link until}. */
const PAUSE = 20;

/**
 * Waits until something holds in this process; returns the milliseconds. Throws when it does not in so many. Looks
 * are counted, not the clock's time: where this process, and the control planes in it, get few turns, there are few.
 */
export async function until(holds: () => boolean, what: string, milliseconds: number): Promise<number> {
  let waited = 0;
  for (; !holds(); waited += PAUSE) {
    if (waited > milliseconds) throw new Error(`It is not so after ${milliseconds} ms that ${what}`);
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
  return waited;
}

/** The condition of that type is there, has the status, and is about the object as it is. */
export function has(
  conditions: readonly { type: string; status: string; observedGeneration?: number }[] | undefined,
  type: string,
  status: string,
  generation: number,
): boolean {
  return conditions?.some((one) =>
    one.type === type && one.status === status && one.observedGeneration === generation
  ) ?? false;
}
