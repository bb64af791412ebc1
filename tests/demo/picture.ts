// SPDX-License-Identifier: Apache-2.0

import { backendAddresses, CLIENT, GATEWAY, LISTENER_PORT, TARGET_PORT } from "../netns/addresses.ts";

/** Columns within the host's frame. */
const INSIDE = 30;

/** Who is where in the demo, within 80 columns. */
export function picture(): string[] {
  const [b1, b2, b3] = [backendAddresses(1), backendAddresses(2), backendAddresses(3)];
  const host = [
    `Gateway      ${GATEWAY.ipv4}`,
    `             ${GATEWAY.ipv6}`,
    `listeners    TCP ${LISTENER_PORT.tcp}, UDP ${LISTENER_PORT.udp}`,
    `targets      port ${TARGET_PORT}`,
    "forwarding   off",
    "masquerade   on",
  ].map((line) => ` ${line.padEnd(INSIDE - 1)}`);
  const edge = "─".repeat(INSIDE);
  return [
    "  client           host                               backends",
    `                 ┌${edge}┐`,
    `  ${CLIENT.ipv4.padEnd(15)}│${host[0]}│   ┌── b1  ${b1.ipv4}`,
    `  ${CLIENT.ipv6.padEnd(15)}│${host[1]}│   │       ${b1.ipv6}`,
    `  ───────────────┤${host[2]}├───┼── b2  ${b2.ipv4}`,
    `                 │${host[3]}│   │       ${b2.ipv6}`,
    `                 │${host[4]}│   └── b3  ${b3.ipv4}`,
    `                 │${host[5]}│           ${b3.ipv6}`,
    `                 └${edge}┘`,
  ];
}
