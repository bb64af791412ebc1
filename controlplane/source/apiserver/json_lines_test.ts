// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { jsonLines } from "./json_lines.ts";

const never = new AbortController().signal;

/** A body of these chunks, which then ends or stays open. */
function body(chunks: readonly (string | Uint8Array)[], open = false): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller): void {
      for (const chunk of chunks) {
        controller.enqueue(typeof chunk === "string" ? new TextEncoder().encode(chunk) : chunk);
      }
      if (!open) controller.close();
    },
  });
}

Deno.test("jsonLines() gives a value for each line, however the chunks fall", async () => {
  const whole = '{"a":1}\n\n{"b":"äöü"}\n[3]\n';
  const bytes = new TextEncoder().encode(whole);
  for (let size = 1; size <= bytes.length; size++) {
    const chunks = Array.from(
      { length: Math.ceil(bytes.length / size) },
      (_, i) => bytes.slice(i * size, (i + 1) * size),
    );
    assertEquals(await Array.fromAsync(jsonLines(body(chunks), never)), [{ a: 1 }, { b: "äöü" }, [3]]);
  }
});

Deno.test("jsonLines() passes over half a line at the end", async () => {
  assertEquals(await Array.fromAsync(jsonLines(body(['{"a":1}\n{"b'], false), never)), [{ a: 1 }]);
});

Deno.test("jsonLines() throws at a line that is no JSON, after the values before it", async () => {
  const values: unknown[] = [];
  await assertRejects(async () => {
    for await (const value of jsonLines(body(["1\n{oops\n2\n"]), never)) values.push(value);
  }, SyntaxError);
  assertEquals(values, [1]);
});

Deno.test("jsonLines() throws the signal's reason while it waits, and lets the body go", async () => {
  const stop = new AbortController();
  let cancelled = false;
  const stream = new ReadableStream<Uint8Array>({ cancel: () => void (cancelled = true) });
  const reading = Array.fromAsync(jsonLines(stream, stop.signal));
  stop.abort(new Error("enough"));
  await assertRejects(() => reading, Error, "enough");
  assertEquals(cancelled, true);
});

Deno.test("jsonLines() goes on with a watch over HTTP whose Response is garbage, and ends it when its signal aborts", async () => {
  // `gc` needs a flag of V8's, so the test runs in a process of its own.
  const code = `
    import { jsonLines } from ${JSON.stringify(import.meta.resolve("./json_lines.ts"))};
    const pause = () => new Promise((resolve) => setTimeout(resolve, 20));
    let send;
    const body = new ReadableStream({ start: (controller) => { send = (text) => controller.enqueue(new TextEncoder().encode(text)); } });
    const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen() {} }, () => new Response(body));
    const stop = new AbortController();
    const signal = AbortSignal.any([stop.signal]);
    const watch = async () => {
      const { body } = await fetch("http://127.0.0.1:" + server.addr.port, { signal });
      for await (const line of jsonLines(body, signal)) console.log(line);
    };
    const watching = watch().catch((error) => error.message);
    for (let round = 0; round < 5; round++) {
      send(round + "\\n");
      await pause();
      gc();
    }
    stop.abort(new Error("enough"));
    console.log(await Promise.race([watching, new Promise((resolve) => setTimeout(resolve, 2_000, "still watching"))]));
    Deno.exit();
  `;
  const args = ["eval", "--quiet", "--no-check", "--v8-flags=--expose-gc", code];
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), { args }).output();
  const lines = new TextDecoder().decode(stdout).trim().split("\n");
  assertEquals(lines, ["0", "1", "2", "3", "4", "enough"], new TextDecoder().decode(stderr));
});
