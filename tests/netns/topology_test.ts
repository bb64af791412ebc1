// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { CLIENT, FAMILIES, HOST, joinHostPort, PROTOCOLS, TARGET_PORT } from "./addresses.ts";
import { readProcess } from "../../controlplane/tasks/process_table.ts";
import { Background } from "./background.ts";
import { readChecksumCounters } from "./checksums.ts";
import { readMasqueraded } from "./masquerade.ts";
import { networkTest } from "./network_test_case.ts";
import { runCommand } from "./run_command.ts";
import { Topology } from "./topology.ts";
import { sendFlows, startServer, startServers } from "./traffic.ts";

for (const wiring of ["veth", "bridge"] as const) {
  networkTest(`Topology with ${wiring}: the kernel forwards to every backend when it may`, async () => {
    await using topology = await Topology.create({ wiring, forwarding: true });
    await startServers(topology);
    for (const family of FAMILIES) {
      for (const { name, ...addresses } of topology.backends) {
        for (const protocol of PROTOCOLS) {
          const to = addresses[family];
          const report = await sendFlows(topology, { protocol, family, to, port: TARGET_PORT, flows: 20 });
          assertEquals([report.backends, report.disguised, report.failures], [{ [name]: 20 }, 0, {}]);
          assertEquals(report.sources, [joinHostPort(to, TARGET_PORT)]);
        }
      }
    }
    const { tcpReceived, wrong } = await readChecksumCounters(topology.backends[0]!.netns);
    assert(tcpReceived > 0);
    assertEquals(wrong, 0);
  });
}

networkTest("Topology: with forwarding off nothing gets through by the kernel's own doing", async () => {
  await using topology = await Topology.create({ backends: 1 });
  await startServers(topology);
  for (const family of FAMILIES) {
    const to = topology.backends[0]![family];
    const report = await sendFlows(topology, {
      protocol: "udp",
      family,
      to,
      port: TARGET_PORT,
      timeout: 300,
    });
    assertEquals([report.answered, report.failures], [0, { TimedOut: 1 }]);
  }
});

networkTest("Topology: a pod that connects to the outside has the host's address there", async () => {
  await using topology = await Topology.create({ backends: 1, forwarding: true });
  const [backend] = topology.backends;
  const { netns: client } = backend!;
  await using _server = await startServer({ ...backend!, netns: topology.client, ...CLIENT });
  for (const family of FAMILIES) {
    const target = `TCP:${joinHostPort(CLIENT[family], TARGET_PORT)}`;
    const { stdout } = await client.run(["socat", "-t", "2", "-", target], { input: "who\n" });
    assert(stdout.startsWith(`b1 ${joinHostPort(HOST[family], 0).slice(0, -1)}`), stdout);
  }
  assertEquals(await readMasqueraded(topology.host), FAMILIES.length);
});

const netns = (): string[] => [...Deno.readDirSync("/run/netns")].map(({ name }) => name);

/** Builds a topology in a process of its own, with a program inside, and prints its prefix. */
const PROGRAM = `
  import { Topology } from "${new URL("topology.ts", import.meta.url)}";
  const topology = await Topology.create({ backends: 1 });
  topology.host.start(["sleep", "300"]);
  console.log(topology.prefix);
  setInterval(() => {}, 1000);
`;

networkTest("Topology.create() removes what a killed run left, and nothing of a living one", async () => {
  await using living = await Topology.create({ backends: 1 });
  await using killed = new Background([Deno.execPath(), "eval", PROGRAM]);
  const prefix = await killed.waitForLine(/^bx-/, 60_000);
  const sleeper = Number((await runCommand(["ip", "netns", "pids", `${prefix}-host`])).stdout);
  assert(readProcess(sleeper) !== undefined);
  assert(netns().includes(`${prefix}-host`));
  killed.signal("SIGKILL");
  await killed.ended;
  await using _next = await Topology.create({ backends: 1 });
  assertEquals(netns().filter((name) => name.startsWith(prefix)), []);
  assert(netns().includes(living.host.name));
  assertEquals(readProcess(sleeper), undefined);
});

networkTest("Topology.destroy() removes everything when it is interrupted", async () => {
  await using interrupted = new Background([Deno.execPath(), "eval", PROGRAM]);
  const prefix = await interrupted.waitForLine(/^bx-/, 60_000);
  interrupted.signal("SIGINT");
  assertEquals((await interrupted.ended).code, 130);
  assertEquals(netns().filter((name) => name.startsWith(prefix)), []);
});
