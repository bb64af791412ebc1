// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { CODE } from "./error.ts";
import { apply, dump, load, NAME, put, putTable, refused, type Scenario } from "./scenario.ts";
import { refusedObject, scenarioObject, smallerObject } from "./scenario_object.ts";

/** Probe, Load, Unload, and what a restart keeps. */
export const loadScenarios: readonly Scenario[] = [
  {
    name: "Probe tells version, kernel, CPUs, features, and no object when none is loaded",
    run: async (subject) => {
      const { version, kernel, cpus, features, objects } = await subject.client().probe();
      assert(version !== "" && kernel !== "" && cpus >= 1);
      for (const name of ["tcx", "xdp", "lru_hash", "array_of_maps", "redirect_peer"]) {
        const feature = features.find((candidate) => candidate.name === name);
        assert(feature?.supported, `${name}: ${feature?.detail}`);
      }
      assertEquals(objects, []);
    },
  },
  {
    name: "Load describes maps and programs as the object declares them",
    run: async (subject) => {
      const object = await load(subject);
      const maps = object.maps.toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, type, keySize, valueSize, maxEntries, adopted }) =>
          [name, type, keySize, valueSize, maxEntries, adopted].join(" ")
        );
      assertEquals(maps, [
        "array 2 4 8 8 false",
        "counters 6 4 12 2 false",
        "hash 1 4 8 4 false",
        "recent 9 4 8 64 false",
        "tables 12 4 4 8 false",
      ]);
      const programs = object.programs.map(({ name, type }) => `${name} ${type}`).sort();
      assertEquals(programs, ["early xdp", "ingress sched_cls"]);
      assertEquals([object.name, object.attachments, object.generation], [NAME, [], 0]);
      assertEquals((await subject.client().probe()).objects.map((found) => found.name), [NAME]);
    },
  },
  {
    name: "Load makes maps of the size that max_entries says",
    run: async (subject) => {
      const request = { name: NAME, object: scenarioObject(), maxEntries: { hash: 2 } };
      const { maps } = await subject.client().load(request);
      assertEquals(maps.find((map) => map.name === "hash")?.maxEntries, 2);
    },
  },
  {
    name: "Load says what each map costs, at least what its values take",
    run: async (subject) => {
      const { maps } = await load(subject);
      for (const { name, maxEntries, memory } of maps) {
        assert(memory >= 8 * maxEntries && memory < 8 * maxEntries + 20_000, `${name}: ${memory} bytes`);
      }
    },
  },
  {
    name: "Load refuses bytes that are no object, and an empty or unsafe name",
    run: async (subject) => {
      const client = subject.client();
      const text = new TextEncoder().encode("This is no ELF file");
      await refused(client.load({ name: NAME, object: text }), CODE.INVALID_ARGUMENT, /no eBPF ELF file/);
      await refused(
        client.load({ name: NAME, object: new Uint8Array() }),
        CODE.INVALID_ARGUMENT,
        /no eBPF ELF file/,
      );
      const cut = scenarioObject().subarray(0, 900);
      await refused(client.load({ name: NAME, object: cut }), CODE.INVALID_ARGUMENT, /no eBPF ELF file/);
      for (const name of ["", "../up", "Capital", "x".repeat(33)]) {
        await refused(
          client.load({ name, object: scenarioObject() }),
          CODE.INVALID_ARGUMENT,
          /object's name is 1 to 32/,
        );
      }
      assertEquals((await client.probe()).objects, []);
    },
  },
  {
    name: "Load refuses a max_entries of a map that the object does not have",
    run: async (subject) => {
      const request = { name: NAME, object: scenarioObject(), maxEntries: { nothing: 2 } };
      await refused(subject.client().load(request), CODE.INVALID_ARGUMENT, /max_entries names map "nothing"/);
    },
  },
  {
    name: "Load says what the verifier said, and the version before stays as it was",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, put("hash", 1, 11));
      subject.verifierRefuses();
      await refused(
        load(subject, refusedObject()),
        CODE.FAILED_PRECONDITION,
        /verifier refuses program ingress/,
      );
      assertEquals(await dump(subject, "hash"), { "01000000": "0b00000000000000" });
      await apply(subject, 2, put("hash", 1, 12));
    },
  },
  {
    name: "Load of the same object again keeps maps, content and generation",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 5, put("hash", 1, 11), putTable(2, [7, 8]));
      const again = await load(subject);
      assert(again.maps.every((map) => map.adopted));
      assertEquals(again.generation, 5);
      assertEquals(await dump(subject, "hash"), { "01000000": "0b00000000000000" });
      assertEquals(await dump(subject, "tables"), { "02000000": "0700000008000000" });
    },
  },
  {
    name: "Load of a version with fewer maps and programs drops those and keeps the rest",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, put("hash", 1, 11), put("recent", 1, 11));
      const smaller = await load(subject, smallerObject());
      assertEquals(smaller.maps.map((map) => map.name).sort(), ["array", "counters", "hash", "tables"]);
      assertEquals(smaller.programs.map((program) => program.name), ["ingress"]);
      assertEquals(await dump(subject, "hash"), { "01000000": "0b00000000000000" });
      await refused(dump(subject, "recent"), CODE.NOT_FOUND, /no map "recent"/);
    },
  },
  {
    name: "Load refuses a pinned map of another size, and says that Unload is the way out",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 1, put("hash", 1, 11));
      const request = { name: NAME, object: scenarioObject(), maxEntries: { hash: 9 } };
      await refused(
        subject.client().load(request),
        CODE.FAILED_PRECONDITION,
        /Map hash is pinned as .*Unload scenario first/,
      );
      assertEquals(await dump(subject, "hash"), { "01000000": "0b00000000000000" });
    },
  },
  {
    name: "Unload takes all of it away, and a second time there is nothing",
    run: async (subject) => {
      const client = subject.client();
      await load(subject);
      await apply(subject, 3, put("hash", 1, 11));
      await client.unload(NAME);
      assertEquals((await client.probe()).objects, []);
      await refused(client.unload(NAME), CODE.NOT_FOUND, /No object scenario is loaded/);
      const fresh = await load(subject);
      assertEquals(fresh.generation, 0);
      assert(fresh.maps.every((map) => !map.adopted));
      assertEquals(await dump(subject, "hash"), {});
    },
  },
  {
    name: "Requests for an object that is not loaded are answered with NOT_FOUND",
    run: async (subject) => {
      const client = subject.client();
      const request = { name: "nothing", generation: 1, operations: [] };
      await refused(client.apply(request), CODE.NOT_FOUND, /No object nothing is loaded; Load it first/);
      await refused(client.attach({ name: "nothing", attachments: [] }), CODE.NOT_FOUND, /No object nothing/);
      await refused(client.detach({ name: "nothing", attachments: [] }), CODE.NOT_FOUND, /No object nothing/);
      await refused(
        client.dump({ name: "nothing", map: "hash" }).next(),
        CODE.NOT_FOUND,
        /No object nothing/,
      );
    },
  },
  {
    name: "A restarted loader knows what is loaded, and Load adopts the maps with their content",
    run: async (subject) => {
      await load(subject);
      await apply(subject, 7, put("hash", 1, 11), put("array", 3, 33), putTable(2, [7, 8]));
      await subject.restart();
      const { objects } = await subject.client().probe();
      assertEquals(objects.map((object) => [object.name, object.generation]), [[NAME, 0]]);
      const adopted = await load(subject);
      assert(adopted.maps.every((map) => map.adopted));
      assertEquals(await dump(subject, "hash"), { "01000000": "0b00000000000000" });
      assertEquals((await dump(subject, "array"))["03000000"], "2100000000000000");
      assertEquals(await dump(subject, "tables"), { "02000000": "0700000008000000" });
      await apply(subject, 1, put("hash", 1, 12), putTable(2, [9]));
      assertEquals(await dump(subject, "tables"), { "02000000": "09000000" });
    },
  },
];
