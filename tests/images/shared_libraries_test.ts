// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseLdd } from "./shared_libraries.ts";

Deno.test("parseLdd() finds libraries and the dynamic linker, and not what the kernel maps", () => {
  const output = `\tlinux-vdso.so.1 (0x00007f5b1ba29000)
\tlibm.so.6 => /lib/x86_64-linux-gnu/libm.so.6 (0x00007f5b15b20000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f5b1593e000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f5b1ba2b000)
`;
  assertEquals(parseLdd(output), [
    "/lib/x86_64-linux-gnu/libm.so.6",
    "/lib/x86_64-linux-gnu/libc.so.6",
    "/lib64/ld-linux-x86-64.so.2",
  ]);
});

Deno.test("parseLdd() finds nothing in a static program's answer", () => {
  assertEquals(parseLdd("\tstatically linked\n"), []);
});
