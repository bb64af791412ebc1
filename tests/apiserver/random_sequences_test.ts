// SPDX-License-Identifier: Apache-2.0

// Whatever happened before, the statuses depend on the objects alone: after a
// random sequence of steps they are those that the objects would have if no
// status had ever been written, and a control plane that starts afresh writes
// nothing. BLIXT_SEED and BLIXT_SEQUENCES choose other sequences than those of
// every run, and how many.

import { assert, assertEquals, equal } from "@std/assert";
import type { Gateway } from "../../controlplane/api/gateway.ts";
import type { ListenerSet } from "../../controlplane/api/listener_set.ts";
import type { Condition } from "../../controlplane/api/object.ts";
import { type Kind, objectKey } from "../../controlplane/api/snapshot.ts";
import { ApiClient } from "../../controlplane/source/apiserver/api_client.ts";
import { loadApiServer } from "../../controlplane/source/apiserver/kube_config.ts";
import { parentGateway } from "../../controlplane/translate/listener_set.ts";
import { translate } from "../../controlplane/translate/translate.ts";
import type { Translation } from "../../controlplane/translate/translation.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { ApiServer } from "../cluster/api_server.ts";
import { installCrds } from "../cluster/kubectl.ts";
import { RunningControlPlane, whyNot } from "./fixture.ts";
import {
  comparable,
  deleteAll,
  type Found,
  listAll,
  perform,
  versionsOf,
  withoutStatuses,
} from "./random/objects.ts";
import { NAMESPACES, type Step, stepsOf } from "./random/steps.ts";

const SEED = Number(Deno.env.get("BLIXT_SEED") ?? 1);
const SEQUENCES = Number(Deno.env.get("BLIXT_SEQUENCES") ?? 5);
const LENGTH = 80;

/** Milliseconds without a change, after which nothing more is expected. */
const QUIET = 700;

/** Milliseconds that a sequence may take to come to rest. */
const PATIENCE = 60_000;

const why = await whyNot();

/** Waits until no object has changed for a while. */
async function atRest(client: ApiClient, signal: AbortSignal): Promise<ReadonlyMap<Kind, readonly Found[]>> {
  let last = "";
  let since = performance.now();
  for (const end = performance.now() + PATIENCE; performance.now() < end;) {
    const all = await listAll(client, signal);
    const versions = versionsOf(all);
    if (versions !== last) since = performance.now();
    else if (performance.now() - since > QUIET) return all;
    last = versions;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`Objects still change after ${PATIENCE} ms:\n${last}`);
}

/** Statuses by object, of those alone that Blixt owns. */
function statusesOf(
  all: ReadonlyMap<Kind, readonly Found[]>,
  owned: ReadonlySet<string>,
): Map<string, unknown> {
  const statuses = [...all].flatMap(([kind, objects]) =>
    objects.map((object) => [`${kind} ${objectKey(object)}`, comparable(object.status)] as const)
  );
  return new Map(statuses.filter(([name]) => owned.has(name)).sort());
}

/** Gateways without class, and ListenerSets without Gateway, of which a status still says what they were. */
function decidedWithoutOwner(all: ReadonlyMap<Kind, readonly Found[]>): string[] {
  const keys = (kind: Kind): Set<string> => new Set(all.get(kind)?.map(objectKey));
  const [classes, gateways] = [keys("GatewayClass"), keys("Gateway")];
  const orphans = [
    ...(all.get("Gateway") as Gateway[]).filter(({ spec }) => !classes.has(spec.gatewayClassName)),
    ...(all.get("ListenerSet") as ListenerSet[]).filter((set) => !gateways.has(parentGateway(set) ?? "")),
  ] as Found[];
  return orphans.filter(({ status }) =>
    ((status?.["conditions"] ?? []) as Condition[]).some(({ status }) => status !== "Unknown") ||
    ((status?.["listeners"] ?? []) as unknown[]).length > 0
  ).map((object) => `${object.kind} ${objectKey(object)}: ${JSON.stringify(object.status)}`);
}

/** What there is, beside what the objects alone ask for. */
interface Compared {
  readonly all: ReadonlyMap<Kind, readonly Found[]>;
  readonly expected: Translation;
  readonly statuses: Map<string, unknown>;
  readonly wanted: Map<string, unknown>;
}

function compare(all: ReadonlyMap<Kind, readonly Found[]>, plane: RunningControlPlane): Compared {
  const expected = translate(withoutStatuses(all), plane.options);
  const wanted = new Map(
    expected.statuses.map(({ kind, key, status }) => [`${kind} ${key}`, comparable(status)] as const).sort(),
  );
  return { all, expected, wanted, statuses: statusesOf(all, new Set(wanted.keys())) };
}

const isAsWanted = ({ all, statuses, wanted }: Compared): boolean =>
  equal(statuses, wanted) && decidedWithoutOwner(all).length === 0;

/** What sequences came to; zeros would mean that they tested nothing. */
interface Count {
  /** Steps that the API server did not refuse. */
  done: number;
  statuses: number;
  services: number;
}

/** Runs one sequence and compares. */
async function check(
  server: ApiServer,
  client: ApiClient,
  steps: readonly Step[],
  count: Count,
  signal: AbortSignal,
): Promise<void> {
  let all: ReadonlyMap<Kind, readonly Found[]>;
  {
    await using first = new RunningControlPlane(server.kubeconfig);
    let done = 0;
    for (const [index, step] of steps.entries()) {
      if (await perform(client, step, signal)) done++;
      // Now and then the control plane gets the time to write what is overtaken at once.
      if (index % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 60));
    }
    const now = (): Promise<Compared> => atRest(client, signal).then((all) => compare(all, first));
    let compared = await now();
    // A machine may be busy with other things for longer than what counts as rest.
    for (const end = performance.now() + PATIENCE; !isAsWanted(compared) && performance.now() < end;) {
      compared = await now();
    }
    const { expected, wanted } = compared;
    all = compared.all;
    assertEquals(decidedWithoutOwner(all), [], "what belongs to nobody");
    assertEquals(compared.statuses, wanted, "the objects alone decide");
    assertEquals(first.dataplane.desired, expected.dataplane);
    count.done += done;
    count.statuses += wanted.size;
    count.services += expected.dataplane.services.length;
    const { writes } = first;
    await new Promise((resolve) => setTimeout(resolve, QUIET));
    assertEquals(first.writes - writes, 0, "writes at rest");
  }
  await using fresh = new RunningControlPlane(server.kubeconfig);
  await fresh.ready;
  const later = await atRest(client, signal);
  assertEquals(
    versionsOf(later),
    versionsOf(all),
    "a control plane that starts afresh finds nothing to write",
  );
}

Deno.test({
  name: `statuses depend on the objects alone, whatever happened before (BLIXT_SEED=${SEED})`,
  ignore: why !== undefined,
  async fn(t): Promise<void> {
    await using server = await ApiServer.start();
    await installCrds(server.kubeconfig, `${paths.repository}/k8s/base/gatewayclassconfig_crd.yaml`);
    const client = new ApiClient(loadApiServer({ kubeconfig: server.kubeconfig }));
    const { signal } = new AbortController();
    const count: Count = { done: 0, statuses: 0, services: 0 };
    try {
      for (const name of NAMESPACES) {
        await perform(client, {
          verb: "apply",
          object: { apiVersion: "v1", kind: "Namespace", metadata: { name } },
        }, signal);
      }
      for (let index = 0; index < SEQUENCES; index++) {
        const seed = SEED + index;
        await t.step(`BLIXT_SEED=${seed} BLIXT_SEQUENCES=1`, async () => {
          await check(server, client, stepsOf(seed, LENGTH), count, signal);
        });
        await deleteAll(client, signal);
      }
      console.log(`${SEQUENCES} sequences of ${LENGTH} steps: ${JSON.stringify(count)}`);
      assert(count.done > SEQUENCES * LENGTH / 2 && count.statuses > SEQUENCES && count.services > 0);
    } finally {
      client.close();
    }
  },
});
