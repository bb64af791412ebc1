// SPDX-License-Identifier: Apache-2.0

// `deno task start` as a command: how it is started, refused, stopped and killed. Whether packets go on
// meanwhile is for tests/e2e.

import { assertEquals, assertMatch } from "@std/assert";
import { delay } from "@std/async/delay";
import { buildAll } from "../../controlplane/tasks/build.ts";
import { run } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { ApiServer } from "../cluster/api_server.ts";
import { Background } from "../netns/background.ts";
import { Blixt } from "../netns/blixt.ts";
import { ManifestFolder } from "../netns/manifest_folder.ts";
import { networkTest, networkTestObstacle } from "../netns/network_test_case.ts";
import { signalProcess } from "../netns/processes.ts";
import { Topology } from "../netns/topology.ts";

const manifests = `${paths.repository}/k8s/samples/bare-host`;
const startArguments = ["task", "start", "--manifests", manifests];

/** Milliseconds for a start or a stop that has nothing to build. */
const PATIENCE = 60_000;

// A start must not spend its time with a compiler.
if (networkTestObstacle() === undefined) await buildAll();

/** A field of /proc/PID/status. */
function statusField(pid: number, field: string): string | undefined {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  return new RegExp(`^${field}:\\s*(.*)$`, "m").exec(status)?.[1];
}

function hasPins(inode: number): boolean {
  const places = [`/sys/fs/bpf/blixt/${inode}`, `/run/blixt/bpf/blixt/${inode}`];
  return places.some((place) => {
    try {
      return [...Deno.readDirSync(place)].length > 0;
    } catch {
      return false;
    }
  });
}

networkTest(
  "deno task start runs the control plane without capabilities and the loader with three",
  async () => {
    await using topology = await Topology.create({ backends: 1 });
    await using blixt = await Blixt.start(topology.host, { manifests });
    const { pid } = blixt.process("control plane");
    assertEquals(statusField(pid, "CapPrm"), "0000000000000000");
    assertEquals(statusField(pid, "CapBnd"), "0000000000000000");
    assertEquals(statusField(pid, "NoNewPrivs"), "1");
    // CAP_NET_ADMIN 12, CAP_PERFMON 38, CAP_BPF 39 of linux/capability.h.
    assertEquals(statusField(blixt.process("loader").pid, "CapPrm"), "000000c000001000");
  },
);

networkTest("deno task start leaves nothing behind after SIGTERM", async () => {
  await using topology = await Topology.create({ backends: 1 });
  await using blixt = await Blixt.start(topology.host, { manifests });
  assertEquals(hasPins(topology.host.inode), true);
  await blixt.stop();
  assertEquals(topology.host.leftBehind(), []);
});

networkTest("deno task start refuses to run twice in one network namespace and names the first", async () => {
  await using topology = await Topology.create({ backends: 1 });
  await using _blixt = await Blixt.start(topology.host, { manifests });
  const { code, stderr } = await topology.host.run([Deno.execPath(), ...startArguments], { tolerant: true });
  assertEquals(code, 1);
  assertMatch(stderr, /already runs in this network namespace as process \d+: stop that one first/);
});

networkTest("deno task start refuses a source that is not there or of the wrong sort", async () => {
  await using topology = await Topology.create({ backends: 1 });
  const cases: [string[], RegExp][] = [
    [["--manifests", "/no/such"], /--manifests is \/no\/such, which cannot be found/],
    [["--kubeconfig", "/etc"], /--kubeconfig is \/etc, must be a file/],
    [["--manifests", "/etc/passwd"], /--manifests is \/etc\/passwd, must be a folder/],
  ];
  for (const [flags, message] of cases) {
    const argv = [Deno.execPath(), "task", "start", ...flags];
    const { code, stderr } = await topology.host.run(argv, { tolerant: true });
    assertEquals(code, 64);
    assertMatch(stderr, message);
  }
  assertEquals(topology.host.leftBehind(), []);
});

networkTest(
  "deno task start ends with its parts, and leaves what they programmed to the next start",
  async () => {
    await using topology = await Topology.create({ backends: 1 });
    for (const part of ["loader", "control plane"] as const) {
      await using blixt = await Blixt.start(topology.host, { manifests });
      blixt.kill(part);
      await blixt.program.waitForLine(new RegExp(`^the ${part} was ended by SIGKILL: packets go on`), 5_000);
      assertEquals((await blixt.program.ended).code, 1);
      assertEquals(hasPins(topology.host.inode), true);
    }
    await using last = await Blixt.start(topology.host, { manifests });
    await last.stop();
    assertEquals(topology.host.leftBehind(), []);
  },
);

networkTest("deno task start under ip netns exec keeps its pins when everything is killed", async () => {
  await using topology = await Topology.create({ backends: 1 });
  const { name, inode } = topology.host;
  const start = () => new Background(["ip", "netns", "exec", name, Deno.execPath(), ...startArguments]);
  {
    await using program = start();
    await program.waitForLine(/^ready\b/, PATIENCE);
    for (const { pid } of program.tree().reverse()) signalProcess(pid, "SIGKILL");
    await program.ended;
  }
  assertEquals(hasPins(inode), true);
  await using next = start();
  await next.waitForLine(/^ready\b/, PATIENCE);
  next.signal("SIGTERM");
  await next.finish(PATIENCE);
  assertEquals(topology.host.leftBehind(), []);
});

networkTest("deno task start reads manifests in a folder that only another user may enter", async () => {
  await using topology = await Topology.create({ backends: 1 });
  await using folder = await ManifestFolder.copyOf("bare-host");
  await Deno.chmod(folder.path, 0o700);
  await Deno.chown(folder.path, 65534, 65534);
  await using blixt = await Blixt.start(topology.host, { manifests: folder.path });
  // CAP_DAC_READ_SEARCH 2 of linux/capability.h, and nothing else.
  assertEquals(statusField(blixt.process("control plane").pid, "CapPrm"), "0000000000000004");
  await blixt.stop();
});

networkTest("deno task start takes its objects from an API server", async () => {
  await using topology = await Topology.create({ backends: 1 });
  await using server = await ApiServer.start({ netns: topology.host.name });
  await server.kubectl(["apply", "--filename", manifests]);
  const fromServer = ["task", "start", "--kubeconfig", server.kubeconfig];
  await using program = topology.host.start([Deno.execPath(), ...fromServer], { cwd: paths.repository });
  await program.waitForLine(/^ready\b/, PATIENCE);
  const programmed = ["wait", "gateway/bare-host", "--for=condition=Programmed", "--timeout=10s"];
  assertMatch(await server.kubectl(programmed), /condition met/);
  program.signal("SIGTERM");
  await program.finish(PATIENCE);
  assertEquals(topology.host.leftBehind(), []);
});

// npx asks the registry even for what it has, and a network namespace of a test has no way out.
const npx = ["npx", "--offline", "--yes", `deno@${Deno.version.deno}`];
const npxWorks = await run([...npx, "--version"]).then(({ code }) => code === 0, () => false);
const npxTest: typeof networkTest = npxWorks
  ? networkTest
  : (name) => Deno.test({ name: `${name} (skipped: npx has no ${npx.at(-1)})`, ignore: true, fn: () => {} });

npxTest("deno task start through npx takes everything down on SIGTERM to npx", async () => {
  await using topology = await Topology.create({ backends: 1 });
  await using program = topology.host.start([...npx, ...startArguments], { cwd: paths.repository });
  await program.waitForLine(/^ready\b/, PATIENCE);
  program.signal("SIGTERM");
  await program.ended;
  for (let waited = 0; waited < 20_000 && topology.host.leftBehind().length > 0; waited += 100) {
    await delay(100);
  }
  assertEquals(topology.host.leftBehind(), []);
});
