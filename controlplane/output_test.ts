// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { type Message, Output } from "./output.ts";

/** What is said on each stream. */
function said(
  message: Message,
  options: { json?: boolean; colour?: boolean } = {},
): { out: string[]; err: string[] } {
  const out: string[] = [];
  const err: string[] = [];
  new Output({
    json: options.json ?? false,
    colour: options.colour ?? false,
    stdout: (line) => out.push(line),
    stderr: (line) => err.push(line),
  }).say(message);
  return { out, err };
}

const refused: Message = {
  type: "status",
  object: "TCPRoute default/echo",
  part: "parent Gateway default/web",
  condition: {
    type: "ResolvedRefs",
    status: "False",
    reason: "BackendNotFound",
    message: "Service a is missing",
  },
  place: "k8s/x.yaml:3",
};

Deno.test("Output.say() puts readiness and changes on stdout, each with its word in front", () => {
  assertEquals(said({ type: "ready", text: "1 Gateway" }), { out: ["ready: 1 Gateway"], err: [] });
  assertEquals(said({ type: "applied", text: "a change" }), { out: ["applied: a change"], err: [] });
});

Deno.test("Output.say() puts errors, notices and its own doings on stderr", () => {
  assertEquals(said({ type: "error", text: "bad" }), { out: [], err: ["error: bad"] });
  assertEquals(said({ type: "notice", text: "odd" }), { out: [], err: ["notice: odd"] });
  assertEquals(said({ type: "log", text: "Connected" }), { out: [], err: ["Connected"] });
});

Deno.test("Output.say() prints a condition with its object, reason and message, and where to mend it", () => {
  assertEquals(said(refused).out, [
    "ResolvedRefs=False     TCPRoute default/echo, parent Gateway default/web: BackendNotFound: Service a is missing (k8s/x.yaml:3)",
  ]);
});

Deno.test("Output.say() leaves the place and a reason that repeats the type out of a good condition", () => {
  const condition = { type: "Accepted", status: "True", reason: "Accepted", message: "Fine" } as const;
  assertEquals(said({ ...refused, part: "", condition }).out, [
    "Accepted=True          TCPRoute default/echo: Fine",
  ]);
});

Deno.test("Output.say() colours good green and bad red, and Conflicted the other way round", () => {
  const colourOf = (type: string, status: "True" | "False"): string | undefined =>
    said({ ...refused, condition: { ...refused.condition, type, status } }, { colour: true }).out[0]?.slice(
      0,
      5,
    );
  assertEquals(colourOf("Accepted", "True"), "\x1b[32m");
  assertEquals(colourOf("Accepted", "False"), "\x1b[31m");
  assertEquals(colourOf("Conflicted", "False"), "\x1b[32m");
  assertEquals(colourOf("Conflicted", "True"), "\x1b[31m");
});

Deno.test("Output.say() prints everything as JSON on stdout when asked", () => {
  for (const message of [refused, { type: "error", text: "bad" } as const]) {
    const { out, err } = said(message, { json: true, colour: true });
    assertEquals(out.map((line) => JSON.parse(line)), [message]);
    assertEquals(err, []);
  }
});
