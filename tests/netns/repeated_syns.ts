// SPDX-License-Identifier: Apache-2.0

import { readSnmp } from "./checksums.ts";
import type { Netns } from "./netns.ts";

/**
 * SYNs that a network namespace sent again, as it does a second after one was lost (TCPSynRetrans of linux/snmp.h).
 * The time until a connection stands would tell of a busy machine too.
 */
export async function countRepeatedSyns(netns: Netns): Promise<number> {
  return (await readSnmp(netns)).get("TcpExt.TCPSynRetrans")!;
}
