// SPDX-License-Identifier: Apache-2.0

import { FAMILIES, type Family, PROTOCOLS } from "../../netns/addresses.ts";
import { readIcmpErrors } from "../../netns/icmp.ts";
import { countRepeatedSyns } from "../../netns/repeated_syns.ts";
import { sendFlows } from "../../netns/traffic.ts";
import { type DemoContext, label, type Step } from "../context.ts";

/** Flows to a Service that does not exist: TCP is refused at once, UDP gets silence. */
export const refusal: Step = {
  title: "Both routes name Services that do not exist: TCP is refused with RST, UDP stays silent",
  run: async (context) => {
    const { blixt, manifests } = context;
    const before = new Map<string, string>();
    for (const protocol of PROTOCOLS) {
      const file = `${protocol}-route.yaml`;
      before.set(file, await manifests.read(file));
      await blixt.apply(() => manifests.edit(file, /name: echo-(stable|canary)$/, "name: missing-$1"));
    }
    for (const family of FAMILIES) {
      await checkTcp(context, family);
      await checkUdp(context, family);
    }
    for (const [file, text] of before) await blixt.apply(() => manifests.write(file, text));
  },
};

/** Connections to try; none may wait, as it would if its SYN were dropped. */
const CONNECTIONS = 50;

async function checkTcp({ topology, checks }: DemoContext, family: Family): Promise<void> {
  const before = await countRepeatedSyns(topology.client);
  const report = await sendFlows(topology, { protocol: "tcp", family, flows: CONNECTIONS });
  const refused = report.failures["ConnectionRefused"] ?? 0;
  const repeated = await countRepeatedSyns(topology.client) - before;
  checks.check(
    refused === CONNECTIONS && repeated === 0,
    `${label("tcp", family)}: all of ${CONNECTIONS} connections refused at once`,
    `${refused} refused, ${repeated} SYNs had to be sent again`,
  );
}

async function checkUdp({ topology, checks }: DemoContext, family: Family): Promise<void> {
  const before = await readIcmpErrors(topology.client);
  const report = await sendFlows(topology, { protocol: "udp", family, flows: 20, timeout: 500 });
  const errors = await readIcmpErrors(topology.client) - before;
  checks.check(
    report.failures["TimedOut"] === 20 && errors === 0,
    `${label("udp", family)}: 20 datagrams, no answer and no ICMP error`,
    `${report.answered} answered, ${errors} ICMP errors`,
  );
}
