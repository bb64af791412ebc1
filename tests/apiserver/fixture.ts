// SPDX-License-Identifier: Apache-2.0

// The control plane against a real API server, in this process, with a
// dataplane that takes everything at once.

import type { Kind, ObjectKey } from "../../controlplane/api/snapshot.ts";
import { KINDS } from "../../controlplane/api/snapshot.ts";
import { findProgram } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { type Message, Output } from "../../controlplane/output.ts";
import { type DataplaneWriter, runLoop } from "../../controlplane/run.ts";
import { openApiServer } from "../../controlplane/source/apiserver/open.ts";
import { Store } from "../../controlplane/store/store.ts";
import type { DesiredDataplane } from "../../controlplane/translate/desired.ts";
import { Translator } from "../../controlplane/translate/translator.ts";
import type { ApiServer } from "../cluster/api_server.ts";

/** Milliseconds that the statuses may take; conformance allows 30 s. */
const PATIENCE = 20_000;

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
  readonly #stop = new AbortController();
  readonly #running: Promise<unknown>;

  constructor(kubeconfig: string) {
    const output = new Output({
      json: true,
      colour: false,
      stdout: (line) => this.messages.push(JSON.parse(line)),
      stderr: () => {},
    });
    const { store, dataplane } = this;
    const translator = new Translator();
    const { status, run } = openApiServer({ type: "apiserver", kubeconfig }, store, output);
    this.#running = Promise.all([
      run(this.#stop.signal),
      runLoop(
        { store, translate: (snapshot) => translator.translate(snapshot), dataplane, status, output },
        this.#stop.signal,
      ),
    ]);
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
  const group = KINDS[kind].apiVersion.split("/")[0];
  return JSON.parse(
    await server.kubectl(["get", `${KINDS[kind].plural}.${group}`, name ?? "", ...place, "--output=json"]),
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
    const object = await read(server, kind, key);
    if (holds(object)) return object;
    if (performance.now() > end) {
      throw new Error(`${kind} ${key} is after ${PATIENCE} ms still ${JSON.stringify(object, undefined, 1)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
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
