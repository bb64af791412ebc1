// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import fc from "fast-check";
import { IdPool } from "./id_pool.ts";

Deno.test("IdPool.take() gives the lowest free id from 1 on, then undefined", () => {
  const pool = new IdPool(2);
  assertEquals([pool.take(), pool.take(), pool.take(), pool.free], [1, 2, undefined, 0]);
});

Deno.test("IdPool.take() gives an id again once it is released", () => {
  const pool = new IdPool(9);
  for (let i = 0; i < 5; i++) pool.take();
  pool.release(4);
  pool.release(2);
  assertEquals([pool.take(), pool.take(), pool.take(), pool.free], [2, 4, 6, 3]);
});

Deno.test("IdPool.take() never gives a claimed id", () => {
  const pool = new IdPool(4);
  pool.claim(1);
  pool.claim(3);
  assertEquals([pool.take(), pool.take(), pool.take()], [2, 4, undefined]);
});

Deno.test("IdPool never gives one id to two owners, whatever is taken and released", () => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -8, max: 8 })), (steps) => {
    const pool = new IdPool(6);
    const owned = new Set<number>();
    for (const step of steps) {
      if (step < 0) {
        pool.release(-step);
        owned.delete(-step);
        continue;
      }
      const id = pool.take();
      assertEquals(id === undefined, owned.size === 6);
      if (id === undefined) continue;
      assertEquals(owned.has(id), false);
      owned.add(id);
    }
    assertEquals(pool.free, 6 - owned.size);
  }));
});
