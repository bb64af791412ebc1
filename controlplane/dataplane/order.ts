// SPDX-License-Identifier: Apache-2.0

import { type Anchor, ORDER, type Order } from "../loader/messages.ts";

/** Where Blixt's programs hang among those of others at an interface's TCX hook. */
export interface AttachOrder {
  readonly order: Order;
  readonly anchor?: Anchor;
}

/** Before all others: what others redirect or drop would never come to Blixt. */
export const FIRST: AttachOrder = { order: ORDER.FIRST };

/** What users may write, for messages. */
export const ORDER_SYNTAX = "first, last, before:PROGRAM or after:PROGRAM";

/** Reads what a user wrote: PROGRAM is the kernel's id of a program, or the path of a pinned one; undefined when it is neither. */
export function parseOrder(text: string): AttachOrder | undefined {
  if (text === "first") return FIRST;
  if (text === "last") return { order: ORDER.LAST };
  const [, side, program = ""] = /^(before|after):(.+)$/.exec(text) ?? [];
  if (side === undefined) return undefined;
  const order = side === "before" ? ORDER.BEFORE : ORDER.AFTER;
  if (program.startsWith("/")) return { order, anchor: { pin: program } };
  return /^[1-9]\d{0,9}$/.test(program) ? { order, anchor: { programId: Number(program) } } : undefined;
}
