// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertThrows } from "@std/assert";
import { parseManifests } from "../../../controlplane/source/manifests/parse.ts";
import { UsageError } from "../../../controlplane/tasks/run_task.ts";
import { translate } from "../../../controlplane/translate/translate.ts";
import { Store } from "../../../controlplane/store/store.ts";
import { networkTest } from "../../netns/network_test_case.ts";
import { scaleManifests, withOneEndpointChanged } from "./manifests.ts";
import { measureScale } from "./measure.ts";
import { formatScale, parseScaleOptions } from "./scale.ts";

/** Endpoints by listener, as the manifests ask for. */
function endpoints(text: string): Record<string, string[]> {
  const { objects, problems } = parseManifests("a.yaml", text);
  assertEquals(problems, []);
  const store = new Store();
  for (const { kind, object } of objects) store.set(kind, object);
  const { services } = translate(store.snapshot()).dataplane;
  return Object.fromEntries(services.map(({ listener, groups }) => [
    listener,
    groups.flatMap((group) => group.endpoints.map(({ address }) => address)),
  ]));
}

Deno.test("scaleManifests() makes as many services as asked for, each with endpoints of its own", () => {
  const all = endpoints(scaleManifests(120));
  assertEquals(Object.keys(all).length, 120);
  assertEquals(new Set(Object.values(all).flat()).size, 240);
});

Deno.test("withOneEndpointChanged() changes one endpoint of one service, time after time", () => {
  let text = scaleManifests(60);
  for (let time = 0; time < 3; time++) {
    const [before, after] = [endpoints(text), endpoints(text = withOneEndpointChanged(text, 60, time))];
    const changed = Object.keys(after).filter((name) => before[name]?.join() !== after[name]?.join());
    assertEquals(changed.length, 1);
  }
});

Deno.test("parseScaleOptions() takes numbers of services, and refuses what is none", () => {
  assertEquals(parseScaleOptions([]), { services: [1, 1_000, 10_000], idle: 60, json: false });
  assertEquals(parseScaleOptions(["--services", "7", "--idle=2", "--json"]), {
    services: [7],
    idle: 2,
    json: true,
  });
  for (const words of [["--services", "0"], ["--services", "x"], ["--idle", "0"], ["--fast"], ["word"]]) {
    assertThrows(() => parseScaleOptions(words), UsageError);
  }
});

networkTest("deno task bench scale", async (test) => {
  await test.step("measures a start, a change and a rest", async () => {
    const figures = await measureScale({ services: 60, changes: 1, idle: 1, settle: 0 });
    const { services, idleMinute, changeCpu, ...positive } = figures;
    // Processor time comes in ticks of 10 ms, and a small change takes less.
    assertEquals([services, idleMinute >= 0, changeCpu >= 0], [60, true, true]);
    assert(Object.values(positive).every((value) => value > 0), JSON.stringify(figures));
    assertEquals(formatScale([figures, figures]).length, 9);
  });
});
