// SPDX-License-Identifier: Apache-2.0

import { LoaderError } from "./error.ts";

/** A method of the loader. */
export type Method =
  | "probe"
  | "load"
  | "unload"
  | "attach"
  | "detach"
  | "apply"
  | "copy"
  | "run"
  | "query"
  | "replace"
  | "dump"
  | "count"
  | "watch"
  | "resolve";

/** A failure to come. */
export interface Fault {
  readonly method: Method;
  /** Which call of the method from now on, beginning with 1. */
  readonly nth?: number;
  /** gRPC status code and message to answer with. */
  readonly code: number;
  readonly message: string;
  /** Of an Apply: fail after so many operations; default before anything is looked at. */
  readonly after?: number;
}

/** Failures that a test has ordered, each of which happens once. */
export class FakeFaults {
  /** Milliseconds before any answer. */
  delay = 0;
  /** Why interfaces refuse the program, by ifindex. */
  readonly refusals = new Map<number, string>();
  /** Features that Probe says are not supported. */
  readonly missingFeatures = new Set<string>();
  /** The same at the XDP hooks. */
  readonly xdpRefusals = new Map<number, string>();
  /** Methods in the order of calls; those that a delay holds back are not there yet. */
  readonly calls: Method[] = [];
  #pending: (Required<Omit<Fault, "after">> & { readonly after: number | undefined })[] = [];

  /** Orders a failure. */
  order(fault: Fault): void {
    this.#pending.push({ nth: 1, after: undefined, ...fault });
  }

  /** Counts a call of a method; the failure that is due, if there is one. */
  due(method: Method): { after: number | undefined; error: LoaderError } | undefined {
    this.calls.push(method);
    const pending = this.#pending.map((fault) =>
      fault.method === method ? { ...fault, nth: fault.nth - 1 } : fault
    );
    const fault = pending.find((candidate) => candidate.method === method && candidate.nth <= 0);
    this.#pending = pending.filter((candidate) => candidate !== fault);
    return fault && { after: fault.after, error: new LoaderError(fault.code, fault.message) };
  }
}
