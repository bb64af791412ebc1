// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { paths } from "../tasks/paths.ts";
import { BLIXT_STRUCTS, blixtObject, type BlixtObjectOptions } from "./blixt_object.ts";
import { checkLayout, type Layout, LayoutError } from "./layout.ts";
import { readObject } from "./object.ts";

function check(options: BlixtObjectOptions = {}): Layout {
  return checkLayout(readObject(blixtObject(options)));
}

const backend = {
  address: "10.1.2.3",
  gateway: "2001:db8::1",
  source: "2001:db8::2",
  ifindex: 7,
  epoch: 0x01020304,
  service: 9,
  port: 8080,
  flags: 1,
};

Deno.test("checkLayout() writes a backend as ebpf/src/layout.rs lays it out, ports in network byte order", () => {
  const bytes = check().Backend.encode(backend);
  assertEquals(
    bytes.toHex(),
    "00000000000000000000ffff0a010203" + "20010db8000000000000000000000001" +
      "20010db8000000000000000000000002" + "07000000" + "04030201" + "09000000" + "1f90" + "0100",
  );
});

Deno.test("checkLayout() takes offsets from the object, not from this control plane", () => {
  const { flags, ...rest } = BLIXT_STRUCTS.Backend;
  const layout = check({ structs: { Backend: { flags, reserved: "u16", ...rest } } });
  const bytes = layout.Backend.encode(backend);
  assertEquals(bytes.subarray(0, 4).toHex(), "01000000");
  assertEquals(layout.Backend.decode(bytes), backend);
});

Deno.test("checkLayout() reads the drop reasons from the object", () => {
  const layout = check({ structs: { Drops: { bad_luck: "u64", worse_luck: "u64" } } });
  assertEquals(layout.dropReasons, ["bad_luck", "worse_luck"]);
});

const refusals: Readonly<Record<string, readonly [BlixtObjectOptions, string]>> = {
  "a field that is missing": [
    { structs: { Service: { id: "u32", table: "u32", slots: "u32" } } },
    "Struct Service has no field affinity in the object, this control plane writes u32",
  ],
  "a field of another size": [
    { structs: { Service: { ...BLIXT_STRUCTS.Service, slots: "u16" } } },
    "Field slots of struct Service is u16 with 2 bytes in the object and u32 with 4 bytes in this control plane",
  ],
  "a field that is not known": [
    { structs: { Service: { ...BLIXT_STRUCTS.Service, colour: "u32" } } },
    "Struct Service has the field colour in the object, which this control plane does not know",
  ],
  "a drop reason of another size": [
    { structs: { Drops: { bad_luck: "u32" } } },
    "Field bad_luck of struct Drops is u32 with 4 bytes in the object and u64 with 8 bytes in this control plane",
  ],
  "a map that is missing": [
    { change: (map) => map.name === "devices" ? undefined : map },
    "The object has no map devices",
  ],
  "a map of another type": [
    { change: (map) => map.name === "services" ? { ...map, type: 9 } : map },
    "Map services has type 9 in the object and 1 in this control plane",
  ],
  "a map with another value": [
    {
      change: (map) =>
        map.name === "backends" ? { ...map, value: { struct: "Pod", fields: { id: "u32" } } } : map,
    },
    "Map backends has struct Pod as value in the object and struct Backend in this control plane",
  ],
  "a map with another plain key": [
    { change: (map) => map.name === "devices" ? { ...map, key: "u64" } : map },
    "Map devices has u64 as key in the object and u32 of 4 bytes in this control plane",
  ],
  "a missing program": [
    { programs: ["egress", "emit"] },
    "The object has no program ingress of type sched_cls",
  ],
  "a second missing program": [
    { programs: ["ingress", "emit"] },
    "The object has no program egress of type sched_cls",
  ],
};

for (const [what, [options, message]] of Object.entries(refusals)) {
  Deno.test(`checkLayout() refuses ${what} and names both sides`, () => {
    const error = assertThrows(() => check(options), LayoutError);
    assertEquals(error.message, message);
  });
}

async function exists(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

Deno.test({
  name: "checkLayout() accepts the kernel object as built, which agrees with the stand-in that tests use",
  ignore: !await exists(paths.kernelObject),
  fn: async () => {
    const real = checkLayout(readObject(await Deno.readFile(paths.kernelObject)));
    assertEquals(real.Backend.encode(backend), check().Backend.encode(backend));
    for (const name of ["ServiceKey", "Service", "Backend", "Device", "AddressInfo", "Stats"] as const) {
      assertEquals(real[name].size, check()[name].size, name);
    }
  },
});
