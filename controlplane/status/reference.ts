// SPDX-License-Identifier: Apache-2.0

/** A parentRef as it stands in a status. */
export interface Reference {
  readonly kind?: string;
  readonly namespace?: string;
  readonly name: string;
  readonly sectionName?: string;
  readonly port?: number;
}

/** "Gateway default/web, listener tcp, port 80"; the namespace is the route's where the reference has none. */
export function formatReference(reference: Reference, namespace: string | undefined): string {
  const { kind = "Gateway", name, sectionName, port } = reference;
  const home = reference.namespace ?? namespace;
  const parts = [`${kind} ${home === undefined ? name : `${home}/${name}`}`];
  if (sectionName !== undefined) parts.push(`listener ${sectionName}`);
  if (port !== undefined) parts.push(`port ${port}`);
  return parts.join(", ");
}
