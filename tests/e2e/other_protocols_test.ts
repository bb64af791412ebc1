// SPDX-License-Identifier: Apache-2.0

// What is neither TCP nor UDP nor about them is none of Blixt's business, whatever it says.

import { assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { CLIENT, FAMILIES } from "../netns/addresses.ts";
import type { Netns } from "../netns/netns.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { Testbed } from "./testbed.ts";

/** IP protocols (IANA) that a cluster may have: GRE, ESP, SCTP, and one for experiments (RFC 3692). */
const PROTOCOLS = { GRE: 47, ESP: 50, SCTP: 132, "an experiment's protocol": 253 };

/** Begins as a TCP segment to the listener's port would. */
const PAYLOAD = "\\234\\100\\000\\120" + "a packet of another protocol ".repeat(30);

/** The SHA-256 of what the other end gets. */
async function pass(from: Netns, to: Netns, address: string, number: number): Promise<string> {
  const [version, target] = address.includes(":") ? [6, `[${address}]`] : [4, address];
  await using receiver = to.start(["sh", "-c", `socat -u IP${version}-RECVFROM:${number} - | sha256sum`]);
  // A raw socket gives no sign of being there: packets are sent until one was heard.
  let heard = false;
  const line = receiver.waitForLine(/^[0-9a-f]{64} /, 60_000).finally(() => heard = true);
  while (!heard) {
    await from.run(["sh", "-c", `printf '${PAYLOAD}' | socat -u - IP${version}-SENDTO:${target}:${number}`]);
    await delay(50);
  }
  return (await line).slice(0, 64);
}

networkTest("packets of other protocols pass unchanged, between client and pod", async (test) => {
  await using testbed = await Testbed.create({ forwarding: true, masquerade: false });
  const { client, backends } = testbed.topology;
  const pod = backends[0]!;
  const { stdout } = await client.run(["sh", "-c", `printf '${PAYLOAD}' | sha256sum`]);
  const sent = stdout.slice(0, 64);
  for (const family of FAMILIES) {
    for (const [name, number] of Object.entries(PROTOCOLS)) {
      await test.step(`${name} over ${family}`, async () => {
        assertEquals(await pass(client, pod.netns, pod[family], number), sent, "to the pod");
        assertEquals(await pass(pod.netns, client, CLIENT[family], number), sent, "from the pod");
      });
    }
  }
});
