// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { missingPackages } from "./debian_packages.ts";

Deno.test("missingPackages() names each package once, whichever of its programs is missing", async () => {
  const wanted = [
    { program: "setpriv", package: "util-linux" },
    { program: "nsenter", package: "util-linux" },
    { program: "ip", package: "iproute2" },
    { program: "curl", package: "curl" },
  ];
  const find = (program: string): Promise<string | undefined> =>
    Promise.resolve(program === "curl" ? "/usr/bin/curl" : undefined);
  assertEquals(await missingPackages(wanted, find), ["iproute2", "util-linux"]);
});
