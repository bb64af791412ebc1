// SPDX-License-Identifier: Apache-2.0

import { applyScenarios } from "./scenarios_apply.ts";
import { attachScenarios } from "./scenarios_attach.ts";
import { copyScenarios } from "./scenarios_copy.ts";
import { loadScenarios } from "./scenarios_load.ts";
import { networkScenarios } from "./scenarios_network.ts";
import { queryScenarios } from "./scenarios_query.ts";
import { replaceScenarios } from "./scenarios_replace.ts";
import { runScenarios } from "./scenarios_run.ts";
import type { Scenario } from "./scenario.ts";

/** Everything that the fake and the real loader must do alike. */
export const SCENARIOS: readonly Scenario[] = [
  ...loadScenarios,
  ...applyScenarios,
  ...attachScenarios,
  ...copyScenarios,
  ...queryScenarios,
  ...replaceScenarios,
  ...runScenarios,
  ...networkScenarios,
];
