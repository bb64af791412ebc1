// SPDX-License-Identifier: Apache-2.0

import type { Contender } from "./contender.ts";

const nothing = (): Promise<void> => Promise.resolve();

/** Client and server in one network namespace: what the measuring programs themselves cost. */
export const loopback: Contender = {
  name: "loopback",
  title: "loopback (the tools alone)",
  requirements: [],
  balances: false,
  client: ({ backends }) => backends[0]!.netns,
  start: nothing,
};

/** The host routes, and balances nothing: no netfilter rule, no connection tracking. */
export const routing: Contender = {
  name: "routing",
  title: "plain routing",
  requirements: [],
  balances: false,
  start: nothing,
};
