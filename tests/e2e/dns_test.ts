// SPDX-License-Identifier: Apache-2.0

// A real DNS server and client: UDP and TCP at one port, answers in one packet and in several.

import { assert, assertEquals } from "@std/assert";
import { FAMILIES, GATEWAY } from "../netns/addresses.ts";
import { readChecksumCounters, readSnmp } from "../netns/checksums.ts";
import { networkTest } from "../netns/network_test_case.ts";
import { PROGRAM_PORT, takeOnePort } from "./one_port.ts";
import { Testbed } from "./testbed.ts";

const PORT = 53;

/** Strings of the large answer; each has 200 bytes, so that it takes three packets. */
const STRINGS = Array.from({ length: 18 }, (_, index) => `${index}-`.padEnd(200, "x"));

const SERVER = [
  "dnsmasq",
  "--no-daemon",
  "--conf-file=/dev/null",
  "--no-resolv",
  "--no-hosts",
  "--user=root",
  "--pid-file=",
  `--port=${PROGRAM_PORT}`,
  "--edns-packet-max=4096",
  "--host-record=small.test,203.0.113.7,2001:db8:f::7",
  `--txt-record=large.test,${STRINGS.join(",")}`,
];

networkTest("DNS over UDP and TCP at one port", async (test) => {
  await using testbed = await Testbed.create({ prepare: (manifests) => takeOnePort(manifests, PORT) });
  const { client, backends } = testbed.topology;
  const server = backends[0]!.netns.start(SERVER);
  await server.waitForLine(/started/, 60_000);

  for (const family of FAMILIES) {
    const ask = async (...words: string[]): Promise<string[]> => {
      const { stdout } = await client.run(["dig", `@${GATEWAY[family]}`, "+time=15", "+tries=1", ...words]);
      return stdout.split("\n");
    };

    for (const transport of ["+notcp", "+tcp"]) {
      await test.step(`${family} ${transport}: both records of a name`, async () => {
        assertEquals((await ask(transport, "+short", "small.test", "A"))[0], "203.0.113.7");
        assertEquals((await ask(transport, "+short", "small.test", "AAAA"))[0], "2001:db8:f::7");
      });
    }

    await test.step(`${family}: an answer in fragments is whole`, async () => {
      const lines = await ask("+notcp", "+ignore", "+bufsize=4096", "large.test", "TXT");
      const text = lines.join("\n");
      assert(!/flags:[^;]* tc/.test(text), `truncated:\n${text}`);
      for (const string of STRINGS) assert(text.includes(`"${string}"`), `${string} is missing`);
      assert(lines.some((line) => /SERVER: .*\(UDP\)/.test(line)), text);
    });

    await test.step(`${family}: an answer too large for its datagram comes over TCP`, async () => {
      const lines = await ask("+notcp", "+bufsize=512", "large.test", "TXT");
      assert(lines.some((line) => /Truncated, retrying in TCP mode/.test(line)), lines.join("\n"));
      assert(lines.some((line) => /SERVER: .*\(TCP\)/.test(line)), lines.join("\n"));
      assert(lines.some((line) => line.includes(STRINGS.at(-1)!)), lines.join("\n"));
    });
  }

  await test.step("the answers came in fragments, and every checksum was right", async () => {
    const counters = await readSnmp(client);
    for (const name of ["Ip.ReasmOKs", "Ip6ReasmOKs"]) assert(counters.get(name)! > 0, name);
    assertEquals((await readChecksumCounters(client)).wrong, 0);
  });
}, ["dig", "dnsmasq"]);
