// SPDX-License-Identifier: Apache-2.0

// The scenario suite against the real loader, so that the fake and it cannot drift apart.

import { SCENARIOS } from "../../controlplane/loader/scenarios.ts";
import { realLoaderTest } from "./real_loader.ts";

for (const scenario of SCENARIOS) {
  realLoaderTest(`real loader: ${scenario.name}`, (loader) => scenario.run(loader));
}
