// SPDX-License-Identifier: Apache-2.0

// The command as a process of its own, with the permissions that main.ts
// names and no other, against the loader in memory.

import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { blixtObject } from "./dataplane/blixt_object.ts";
import { OBJECT_NAME } from "./dataplane/kernel.ts";
import { LoaderClient } from "./loader/client.ts";
import { FakeLoader } from "./loader/fake.ts";
import { MANIFESTS_ENVIRONMENT } from "./permissions.ts";

const MAIN = fromFileUrl(new URL("main.ts", import.meta.url));
const PROTO = fromFileUrl(new URL("../proto", import.meta.url));

const MANIFESTS = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: { name: blixt }
spec: { controllerName: gateway.networking.k8s.io/blixt }
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: web }
spec:
  gatewayClassName: blixt
  addresses: [{ value: 192.0.2.1 }]
  listeners: [{ name: tcp, port: 80, protocol: TCP }]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: { name: echo }
spec:
  parentRefs: [{ name: web }]
  rules: [{ backendRefs: [{ name: echo, port: 9000 }] }]
---
apiVersion: v1
kind: Service
metadata: { name: echo }
spec: { ports: [{ port: 9000 }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: echo-1, labels: { kubernetes.io/service-name: echo } }
addressType: IPv4
ports: [{ name: "", port: 7000 }]
endpoints: [{ addresses: [10.0.0.1] }]
`;

/** Lines of a stream, which a test waits for. */
class Lines {
  readonly seen: string[] = [];
  readonly ended: Promise<void>;
  #wake = (): void => {};

  constructor(stream: ReadableStream<Uint8Array>) {
    this.ended = this.#read(stream);
  }

  /** The first line from now on, or already seen, that matches. Throws after 20 seconds, or when the stream ends. */
  async find(pattern: RegExp): Promise<string> {
    const timeout = setTimeout(() => this.#wake(), 60_000);
    const end = performance.now() + 60_000;
    let over = false;
    this.ended.then(() => {
      over = true;
      this.#wake();
    });
    try {
      for (;;) {
        const line = this.seen.find((one) => pattern.test(one));
        if (line !== undefined) return line;
        if (over || performance.now() >= end) {
          throw new Error(`No line like ${pattern} in:\n${this.seen.join("\n")}`);
        }
        await new Promise<void>((resolve) => this.#wake = resolve);
      }
    } finally {
      clearTimeout(timeout);
    }
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = "";
    for await (const chunk of stream) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      this.seen.push(...lines);
      this.#wake();
    }
  }
}

interface Fixture {
  readonly folder: string;
  readonly write: (text: string) => Promise<void>;
  readonly spawn: (...more: string[]) => { child: Deno.ChildProcess; stdout: Lines; stderr: Lines };
  readonly loader: FakeLoader;
}

/** A port of 127.0.0.1 that nobody listens on now. */
function freeAddress(): Deno.NetAddr {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr;
}

/** Addresses that the control plane is told to listen on. */
const listening = (args: readonly string[]): string[] =>
  args.flatMap((arg) => /^--(?:health|metrics)=(.*)$/.exec(arg)?.[1] ?? []);

async function withLoader(body: (fixture: Fixture) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "bx-main-" });
  await Deno.mkdir(`${folder}/manifests`);
  await Deno.mkdir(`${folder}/run`);
  await Deno.writeFile(`${folder}/blixt.o`, blixtObject());
  const loader = new FakeLoader({ socket: `${folder}/run/loader.sock` });
  await loader.start();
  const children: Deno.ChildProcess[] = [];
  const spawn: Fixture["spawn"] = (...more) => {
    const child = new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--quiet",
        `--allow-read=${folder}/manifests,${folder}/run,${folder}/blixt.o,${PROTO}`,
        `--allow-write=${folder}/run`,
        `--allow-net=${[`unix:${folder}/run/loader.sock`, ...listening(more)].join(",")}`,
        `--allow-env=${MANIFESTS_ENVIRONMENT.join(",")}`,
        MAIN,
        "--manifests",
        `${folder}/manifests`,
        "--loader",
        `unix:${folder}/run/loader.sock`,
        "--object",
        `${folder}/blixt.o`,
        ...more,
      ],
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    children.push(child);
    return { child, stdout: new Lines(child.stdout), stderr: new Lines(child.stderr) };
  };
  try {
    await body({
      folder,
      write: (text) => Deno.writeTextFile(`${folder}/manifests/all.yaml`, text),
      spawn,
      loader,
    });
  } finally {
    for (const child of children) {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended.
      }
      await child.status;
    }
    loader.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("main programs a folder of manifests, follows its changes, and ends on SIGTERM", async () => {
  await withLoader(async ({ folder, write, spawn }) => {
    await write(MANIFESTS);
    const { child, stdout, stderr } = spawn();
    assertEquals(await stdout.find(/^ready/), "ready: 1 Gateway, 1 listener, 1 route, 1 backend");
    await stdout.find(/^Programmed=True +Gateway default\/web: /);

    await write(MANIFESTS.replace("[10.0.0.1]", "[10.0.0.1] }, { addresses: [10.0.0.2]"));
    assertEquals(await stdout.find(/^applied/), "applied: TCP 192.0.2.1:80 changed to 2 backends");

    await write(MANIFESTS.replace("port: 80,", "port: 99999,"));
    assertEquals(
      await stderr.find(/99999/),
      `error: ${folder}/manifests/all.yaml:12: Gateway default/web: spec.listeners[0].port: is 99999, must be 1 to 65535`,
    );

    await write(MANIFESTS.replace("name: echo, port: 9000", "name: echoo, port: 9000"));
    assertEquals(
      await stderr.find(/^error.*echoo/),
      `error: ${folder}/manifests/all.yaml:19: TCPRoute default/echo: spec.rules[0].backendRefs[0]: Service default/echoo is in no manifest; did you mean default/echo?`,
    );
    await stdout.find(/^ResolvedRefs=False .*BackendNotFound/);

    child.kill("SIGTERM");
    assertEquals((await child.status).code, 0);
    assertMatch(await Deno.readTextFile(`${folder}/run/status.yaml`), /BackendNotFound/);
  });
});

Deno.test("main leaves the kernel as it is at the end, and clean when told so", async () => {
  await withLoader(async ({ folder, write, spawn }) => {
    await write(MANIFESTS);
    const objects = async (): Promise<string[]> => {
      const client = new LoaderClient(`unix:${folder}/run/loader.sock`);
      const { objects } = await client.probe();
      client.close();
      return objects.map(({ name }) => name);
    };
    for (const [flags, left] of [[[], [OBJECT_NAME]], [["--unload-on-exit"], []]] as const) {
      const { child, stdout } = spawn(...flags);
      await stdout.find(/^ready/);
      child.kill("SIGINT");
      assertEquals((await child.status).code, 0);
      assertEquals(await objects(), left);
    }
  });
});

Deno.test("main keeps the time of a condition over a restart", async () => {
  await withLoader(async ({ folder, write, spawn }) => {
    await write(MANIFESTS);
    const statusAfterRun = async (): Promise<string> => {
      const { child, stdout } = spawn();
      await stdout.find(/^ready/);
      child.kill("SIGTERM");
      await child.status;
      return await Deno.readTextFile(`${folder}/run/status.yaml`);
    };
    const first = await statusAfterRun();
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assertEquals(await statusAfterRun(), first);
  });
});

Deno.test("main prints JSON when asked", async () => {
  await withLoader(async ({ write, spawn }) => {
    await write(MANIFESTS);
    const { stdout } = spawn("--json");
    assertEquals(JSON.parse(await stdout.find(/"ready"/)), {
      type: "ready",
      text: "1 Gateway, 1 listener, 1 route, 1 backend",
    });
    for (const line of stdout.seen) JSON.parse(line);
  });
});

Deno.test("main tells health and metrics at one address, with no more permissions than that", async () => {
  await withLoader(async ({ write, spawn }) => {
    await write(MANIFESTS);
    const { port } = freeAddress();
    const address = `127.0.0.1:${port}`;
    const { stdout } = spawn(`--health=${address}`, `--metrics=${address}`, "--services=7");
    await stdout.find(/^ready/);
    const ask = async (path: string): Promise<string> =>
      await (await fetch(`http://${address}${path}`)).text();
    assertEquals(await ask("/readyz"), "ok\n");
    const metrics = await ask("/metrics");
    for (
      const line of [
        "blixt_ready 1",
        "blixt_leader 1",
        "blixt_measured 1",
        'blixt_limit{of="services"} 7',
        'blixt_used{of="services"} 1',
        'blixt_used{of="backends"} 1',
        'blixt_service_packets_total{kind="Gateway",namespace="default",name="web",listener="tcp",' +
        'route="TCPRoute default/echo",protocol="TCP",address="192.0.2.1",port="80",direction="in"} 0',
        "blixt_loader_connections_total 1",
      ]
    ) assertEquals(metrics.split("\n").includes(line), true, `${line} in\n${metrics}`);
  });
});

Deno.test("main waits for a loader that is not there yet", async () => {
  await withLoader(async ({ write, spawn, loader }) => {
    await write(MANIFESTS);
    loader.stop();
    const { stdout, stderr } = spawn();
    await stderr.find(/ECONNREFUSED|ENOENT/);
    await stdout.find(/^Programmed=False +Gateway default\/web: Pending: /);
    await loader.start();
    await stdout.find(/^ready/);
    await stdout.find(/^Programmed=True +Gateway default\/web: /);
  });
});

Deno.test("main ends with 64 and a hint when the command line is wrong", async () => {
  await withLoader(async ({ spawn }) => {
    const { child, stderr } = spawn("--frobnicate");
    assertEquals((await child.status).code, 64);
    await stderr.ended;
    assertEquals(stderr.seen, ["Unknown argument --frobnicate", "Try --help"]);
  });
});

Deno.test("main ends with 1 and the reason when the folder is not there", async () => {
  await withLoader(async ({ folder, spawn }) => {
    await Deno.remove(`${folder}/manifests`);
    const { child, stderr } = spawn();
    assertEquals((await child.status).code, 1);
    await stderr.ended;
    assertMatch(stderr.seen.join("\n"), /^error: The folder of manifests cannot be read: /);
  });
});

Deno.test("main's permissions let nothing else be read, written, called or run", async () => {
  const probe = `
    const denied = async (name, act) => {
      try { await act(); console.log("allowed", name); } catch (error) { console.log(error.name, name); }
    };
    await denied("read", () => Deno.readTextFile("/etc/hostname"));
    await denied("write", () => Deno.writeTextFile("/tmp/bx-not-allowed", ""));
    await denied("net", () => Deno.connect({ hostname: "127.0.0.1", port: 1 }));
    await denied("env", () => Deno.env.get("HOME"));
    await denied("run", () => new Deno.Command("true").output());
    await denied("sys", () => Deno.hostname());
    await denied("ffi", () => Deno.dlopen("libc.so.6", {}));
  `;
  const folder = await Deno.makeTempDir({ prefix: "bx-probe-" });
  try {
    await Deno.writeTextFile(`${folder}/probe.js`, probe);
    const { stdout } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--quiet",
        `--allow-read=${folder},${PROTO}`,
        `--allow-write=${folder}`,
        `--allow-net=unix:${folder}/loader.sock`,
        `--allow-env=${MANIFESTS_ENVIRONMENT.join(",")}`,
        `${folder}/probe.js`,
      ],
    }).output();
    assertEquals(
      new TextDecoder().decode(stdout).trim().split("\n"),
      ["read", "write", "net", "env", "run", "sys", "ffi"].map((name) => `NotCapable ${name}`),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
