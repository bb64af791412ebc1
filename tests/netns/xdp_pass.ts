// SPDX-License-Identifier: Apache-2.0

import { MAP_TYPE } from "../../controlplane/dataplane/object.ts";
import { buildObject, type MapSpec } from "../../controlplane/loader/object_builder.ts";
import type { Netns } from "./netns.ts";

/** return 2, which is XDP_PASS. */
const XDP_PASS = Uint8Array.of(0xb7, 0, 0, 0, 2, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0);

/** Without any map libbpf refuses the file. */
const UNUSED: MapSpec = { name: "unused", type: MAP_TYPE.ARRAY, key: "u32", value: "u32", maxEntries: 1 };

/**
 * Puts an XDP program that lets everything pass in the driver of an interface. The other end of a veth from which
 * frames are sent back needs one: the kernel wakes no other.
 */
export async function attachXdpPass(netns: Netns, device: string): Promise<void> {
  const file = await Deno.makeTempFile({ suffix: ".o" });
  try {
    const programs = [{ name: "pass", section: "xdp", code: XDP_PASS }];
    await Deno.writeFile(file, buildObject([UNUSED], programs));
    await netns.run(["ip", "link", "set", "dev", device, "xdpdrv", "object", file, "section", "xdp"]);
  } finally {
    await Deno.remove(file);
  }
}
