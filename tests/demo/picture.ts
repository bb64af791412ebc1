// SPDX-License-Identifier: Apache-2.0

import { backendAddresses, CLIENT, GATEWAY } from "../netns/addresses.ts";

/** Who is where in the demo. */
export function picture(): string[] {
  const b = [1, 2, 3].map((number) =>
    `b${number}  ${backendAddresses(number).ipv4}  ${backendAddresses(number).ipv6}`
  );
  return [
    "  client                     host: forwarding off, masquerade on          backends, port 9000",
    "  ──────────────             ──────────────────────────────────           ───────────────────",
    `                            ┌──────────────────────────────────┐   ┌──── ${b[0]}`,
    `  ${CLIENT.ipv4.padEnd(16)}───────── │ eth0  Gateway ${GATEWAY.ipv4.padEnd(19)}│ ──┼──── ${b[1]}`,
    `  ${CLIENT.ipv6.padEnd(16)}          │               ${GATEWAY.ipv6.padEnd(19)}│   └──── ${b[2]}`,
    "                            │       TCP 80, UDP 53             │",
    "                            └──────────────────────────────────┘",
  ];
}
