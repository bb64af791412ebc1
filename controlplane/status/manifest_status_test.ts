// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import type { KubernetesObject } from "../api/object.ts";
import { ManualClock } from "../manual_clock.ts";
import { type Message, Output } from "../output.ts";
import { Store } from "../store/store.ts";
import type { DesiredStatus, Notice } from "../translate/translation.ts";
import { ManifestStatusWriter } from "./manifest_status.ts";
import { StatusFile } from "./status_file.ts";

const gateway: KubernetesObject = {
  apiVersion: "gateway.networking.k8s.io/v1",
  kind: "Gateway",
  metadata: { name: "web", namespace: "default", generation: 3 },
};

const desired = (status: "True" | "False", message = "words"): DesiredStatus => ({
  kind: "Gateway",
  key: "default/web",
  status: {
    addresses: [{ value: "192.0.2.1" }],
    conditions: [{ type: "Programmed", status, reason: "Programmed", message, observedGeneration: 3 }],
  },
});

interface Fixture {
  readonly writer: ManifestStatusWriter;
  readonly store: Store;
  readonly clock: ManualClock;
  readonly messages: Message[];
  readonly file: StatusFile;
}

async function withWriter(body: (fixture: Fixture) => Promise<void> | void): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-status-" });
  try {
    const store = new Store();
    const clock = new ManualClock();
    const messages: Message[] = [];
    const file = new StatusFile(`${folder}/status.yaml`, () => {});
    store.set("Gateway", gateway);
    const writer = new ManifestStatusWriter({
      store,
      clock,
      file,
      setStatus: (kind, key, status) =>
        store.set(kind, { ...store.get(kind, key)!, status } as KubernetesObject),
      placeOf: () => "k8s/x.yaml:3",
      output: new Output({
        json: true,
        colour: false,
        stdout: (line) => messages.push(JSON.parse(line)),
        stderr: () => {},
      }),
    });
    await body({ writer, store, clock, messages, file });
    await writer.close();
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("ManifestStatusWriter joins the status to its object, says it, and writes it to the file", async () => {
  await withWriter(async ({ writer, store, messages, file }) => {
    writer.set([desired("True")], []);
    const condition = {
      type: "Programmed",
      status: "True",
      reason: "Programmed",
      message: "words",
      observedGeneration: 3,
      lastTransitionTime: "1970-01-01T00:00:00Z",
    };
    const status = { addresses: [{ value: "192.0.2.1" }], conditions: [condition] };
    assertEquals((store.get("Gateway", "default/web") as { status?: unknown }).status, status);
    assertEquals(messages, [
      {
        type: "status",
        object: "Gateway default/web",
        part: "",
        condition,
        place: "k8s/x.yaml:3",
      } as Message,
    ]);
    await writer.close();
    assertEquals(await file.read(), [{
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "Gateway",
      metadata: { name: "web", namespace: "default", generation: 3 },
      status,
    }]);
  });
});

Deno.test("ManifestStatusWriter says only what changed, and changes nothing when nothing did", async () => {
  await withWriter(async ({ writer, store, clock, messages }) => {
    writer.set([desired("True")], []);
    const before = store.snapshot();
    await clock.advance(60_000);
    writer.set([desired("True")], []);
    assertEquals(messages.length, 1);
    assertEquals(store.snapshot() === before, true);
    writer.set([desired("True", "other words")], []);
    writer.set([desired("False", "other words")], []);
    assertEquals(messages.length, 3);
    const { status } = store.get("Gateway", "default/web") as unknown as {
      status: { conditions: { lastTransitionTime: string }[] };
    };
    assertEquals(status.conditions[0]?.lastTransitionTime, "1970-01-01T00:01:00Z");
  });
});

Deno.test("ManifestStatusWriter leaves an object that is gone out of the file", async () => {
  await withWriter(async ({ writer, store, messages, file }) => {
    store.delete("Gateway", "default/web");
    writer.set([desired("True")], []);
    await writer.close();
    assertEquals(messages, []);
    assertEquals(await file.read(), []);
  });
});

Deno.test("ManifestStatusWriter says a notice when it begins to hold, with the place", async () => {
  await withWriter(({ writer, messages }) => {
    const notice: Notice = { kind: "Gateway", key: "default/web", reason: "Odd", message: "words" };
    writer.set([], [notice]);
    writer.set([], [notice]);
    writer.set([], []);
    writer.set([], [notice]);
    const said = { type: "notice", text: "k8s/x.yaml:3: Gateway default/web: Odd: words" } as const;
    assertEquals(messages, [said, said]);
  });
});

Deno.test("ManifestStatusWriter says five hundred good conditions and counts the others, but says every bad one", async () => {
  await withWriter(({ writer, store, messages }) => {
    const count = 600;
    const statuses = Array.from({ length: count }, (_, index): DesiredStatus => {
      const name = `g${index}`;
      store.set("Gateway", { ...gateway, metadata: { ...gateway.metadata, name } });
      const { status } = desired("True");
      const [programmed] = status["conditions"] as { readonly type: string }[];
      const accepted = { ...programmed, type: "Accepted", status: "False" };
      return {
        kind: "Gateway",
        key: `default/${name}`,
        status: { ...status, conditions: [programmed, accepted] },
      };
    });
    writer.set(statuses, []);
    const said = messages.flatMap((message) => message.type === "status" ? [message.condition.type] : []);
    assertEquals(said.filter((type) => type === "Accepted").length, count);
    assertEquals(said.filter((type) => type === "Programmed").length, 500);
    assertEquals(messages.at(-1), { type: "log", text: "100 more conditions are as they should be" });
  });
});
