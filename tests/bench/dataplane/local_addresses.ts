// SPDX-License-Identifier: Apache-2.0

import type { Site } from "./contender.ts";
import { NETWORK } from "./service.ts";

/** Lets programs of the host listen at every address of the services. */
export async function ownAddresses({ topology }: Site): Promise<void> {
  await topology.host.ip([`route add local ${NETWORK} dev lo`]);
}
