// SPDX-License-Identifier: Apache-2.0

import { applyScenarios } from "./scenarios_apply.ts";
import { attachScenarios } from "./scenarios_attach.ts";
import { loadScenarios } from "./scenarios_load.ts";
import { networkScenarios } from "./scenarios_network.ts";
import type { Scenario } from "./scenario.ts";

/** Everything that the fake and the real loader must do alike. */
export const SCENARIOS: readonly Scenario[] = [
  ...loadScenarios,
  ...applyScenarios,
  ...attachScenarios,
  ...networkScenarios,
];
