// SPDX-License-Identifier: Apache-2.0

import type { ManifestFolder } from "../netns/manifest_folder.ts";

/** The port at which the programs of the backends listen, for both protocols; the servers of traffic/ have another. */
export const PROGRAM_PORT = 9100;

/**
 * Changes the sample so that TCP and UDP are taken at one port, as iperf3 and DNS want it, and all of it goes to the
 * program at {@link PROGRAM_PORT} of b1.
 */
export async function takeOnePort(manifests: ManifestFolder, port: number): Promise<void> {
  await manifests.edit("gateway.yaml", /port: \d+$/, `port: ${port}`);
  for (const route of ["tcp-route.yaml", "udp-route.yaml"]) {
    await manifests.edit(route, /weight: 20$/, "weight: 0");
  }
  await manifests.edit("echo-stable.yaml", /^ +- addresses: \[".*12"\]\n/, "");
  await manifests.edit("echo-stable.yaml", /port: 9000$/, `port: ${PROGRAM_PORT}`);
  await manifests.edit("echo-stable.yaml", /targetPort: 9000$/, `targetPort: ${PROGRAM_PORT}`);
}
