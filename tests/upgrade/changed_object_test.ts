// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertThrows } from "@std/assert";
import { paths } from "../../controlplane/tasks/paths.ts";
import { changeLayout } from "./changed_object.ts";

Deno.test("changeLayout() keeps every line of the sources, moves fields, and adds two", async () => {
  const source = await Deno.readTextFile(`${paths.repository}/ebpf/src/layout.rs`);
  const changed = changeLayout(source);
  const lines = (text: string): string[] => text.split("\n").toSorted();
  const added = lines(changed).filter((line) => line.includes("reserved9"));
  assertEquals(added.length, 2);
  assertEquals(lines(changed).filter((line) => !line.includes("reserved9")), lines(source));
  const flow = changed.slice(changed.indexOf("pub struct FlowKey4 {"));
  assertEquals(flow.indexOf("pub daddr") < flow.indexOf("pub saddr"), true);
});

Deno.test("changeLayout() throws where a struct is missing", () => {
  assertThrows(
    () => changeLayout("pub struct Service {\n    pub id: u32,\n    pub slots: u32,\n}\n"),
    Error,
    "no struct FlowKey4",
  );
  assertThrows(
    () => changeLayout("pub struct Service {\n    pub id: u32,\n}\n"),
    Error,
    "no fields id and slots",
  );
});
