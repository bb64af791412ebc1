// SPDX-License-Identifier: Apache-2.0

import { blixt } from "./blixt.ts";
import type { Contender } from "./contender.ts";
import { haproxy } from "./haproxy.ts";
import { iptables } from "./iptables.ts";
import { nftables } from "./nftables.ts";
import { nginx } from "./nginx.ts";
import { loopback, routing } from "./unbalanced.ts";

/** All that are compared, as the table lists them. */
export const CONTENDERS: readonly Contender[] = [
  blixt,
  routing,
  nftables,
  iptables,
  haproxy,
  nginx,
  loopback,
];

/** What the others are compared with. */
export const BASELINE = routing.name;
