// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals, assertRejects } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { GRPC_ENVIRONMENT } from "../permissions.ts";
import { LoaderClient } from "./client.ts";
import { CODE, LoaderError } from "./error.ts";
import { FakeLoader } from "./fake.ts";

async function withFake(
  test: (client: LoaderClient, fake: FakeLoader, socket: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const socket = `${folder}/loader.sock`;
  const fake = new FakeLoader({ socket });
  await fake.start();
  const client = new LoaderClient(fake.target);
  try {
    await test(client, fake, socket);
  } finally {
    client.close();
    fake.stop();
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("LoaderClient fails with UNAVAILABLE and the socket's path when nobody listens", () =>
  withFake(async (client, fake, socket) => {
    fake.stop();
    const error = await assertRejects(() => client.probe(), LoaderError);
    assertEquals(error.code, CODE.UNAVAILABLE);
    assert(error.message.includes(socket), error.message);
    assert(!error.message.includes("Resolution note"), error.message);
  }));

Deno.test("LoaderClient gives up after the time-out with DEADLINE_EXCEEDED", () =>
  withFake(async (client, fake) => {
    fake.faults.delay = 500;
    const error = await assertRejects(() => client.probe({ timeout: 30 }), LoaderError);
    assertEquals(error.code, CODE.DEADLINE_EXCEEDED);
  }));

Deno.test("LoaderClient rejects with the signal's reason, before and during a call", () =>
  withFake(async (client, fake) => {
    const aborted = AbortSignal.abort(new Error("Before"));
    await assertRejects(() => client.probe({ signal: aborted }), Error, "Before");
    fake.faults.delay = 500;
    const abort = new AbortController();
    const call = client.probe({ signal: abort.signal });
    setTimeout(() => abort.abort(new Error("During")), 20);
    await assertRejects(() => call, Error, "During");
  }));

Deno.test("LoaderClient.watch() ends with the signal's reason, and with UNAVAILABLE when the loader goes", () =>
  withFake(async (client, fake) => {
    const abort = new AbortController();
    const watching = client.watch({ signal: abort.signal });
    assertEquals((await watching.next()).value?.interfaces, []);
    abort.abort(new Error("Enough"));
    await assertRejects(() => watching.next(), Error, "Enough");

    const other = client.watch();
    await other.next();
    fake.stop();
    const error = await assertRejects(() => other.next(), LoaderError);
    assert([CODE.UNAVAILABLE, CODE.CANCELLED].includes(error.code), `${error.code} ${error.message}`);
  }));

Deno.test("LoaderClient.watch() can be left in the middle, and the connection stays usable", () =>
  withFake(async (client) => {
    for await (const network of client.watch()) {
      assertEquals(network.interfaces, []);
      break;
    }
    assertEquals((await client.probe()).objects, []);
  }));

Deno.test("LoaderClient reads fields of every kind by the names of messages.ts", () =>
  withFake(async (client, fake) => {
    const mac = Uint8Array.of(2, 0, 0, 0, 0, 9);
    const address = Uint8Array.of(10, 0, 0, 1);
    const device = {
      ifindex: 9,
      name: "veth9",
      kind: "veth",
      type: 1,
      up: true,
      mac,
      mtu: 1_500,
      master: 4,
      peerElsewhere: true,
      addresses: [address],
      defaultRoute: true,
      link: 3,
    };
    fake.network.setInterfaces([device]);
    const network = await client.watch().next();
    const [read] = network.value?.interfaces ?? [];
    const plain = {
      ...read!,
      mac: Uint8Array.from(read!.mac),
      addresses: [Uint8Array.from(read!.addresses[0]!)],
    };
    assertEquals(plain, device);
    assertEquals(network.value?.routesGeneration, 1);
  }));

Deno.test("LoaderClient needs no more permissions than its header says", () =>
  withFake(async (_client, _fake, socket) => {
    const module = new URL("./client.ts", import.meta.url);
    const script = `import { LoaderClient } from ${JSON.stringify(module.href)};
      const client = new LoaderClient("unix:${socket}");
      console.log((await client.probe()).version);
      client.close();`;
    const root = fromFileUrl(new URL("../../", import.meta.url));
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--quiet",
        "--no-prompt",
        "--no-check",
        "--ext=ts",
        `--config=${root}deno.json`,
        `--allow-net=unix:${socket}`,
        `--allow-read=${socket},${root}proto`,
        `--allow-write=${socket}`,
        `--allow-env=${GRPC_ENVIRONMENT.join()}`,
        `data:application/typescript,${encodeURIComponent(script)}`,
      ],
      env: { NO_COLOR: "1" },
    }).output();
    assertEquals(new TextDecoder().decode(stderr), "");
    assertEquals([code, new TextDecoder().decode(stdout)], [0, "0.0.0-fake\n"]);
  }));
