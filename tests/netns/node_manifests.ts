// SPDX-License-Identifier: Apache-2.0

import type { ManifestFolder } from "./manifest_folder.ts";
import type { ClusterNode, TwoNodes } from "./two_nodes.ts";

/** Adds Nodes to a copy of the bare-host sample, and the name of the node that has it at each endpoint. */
export async function addNodes(manifests: ManifestFolder, { east, west }: TwoNodes): Promise<void> {
  const node = ({ name, ipv4, ipv6 }: ClusterNode): string =>
    `apiVersion: v1\nkind: Node\nmetadata: {name: ${name}}\nstatus:\n  addresses:\n` +
    [ipv4, ipv6].map((address) => `  - {type: InternalIP, address: "${address}"}\n`).join("");
  await manifests.write("nodes.yaml", `${node(east)}---\n${node(west)}`);
  const place = (_: string, address: string): string =>
    `  - addresses: ["${address}"]\n    nodeName: ${/[.:]11$/.test(address) ? "east" : "west"}`;
  for (const file of ["echo-stable.yaml", "echo-canary.yaml"]) {
    await manifests.edit(file, /^ {2}- addresses: \["(.*)"\]$/, place);
  }
}
