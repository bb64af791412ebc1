// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { encodeU32 } from "../dataplane/codec.ts";
import type { LoaderClient } from "./client.ts";
import { CODE, LoaderError } from "./error.ts";
import type { DumpRequest, LoadedObject, Operation, WatchResponse } from "./messages.ts";
import { scenarioObject } from "./scenario_object.ts";

/** A loader under test, fake or real, with nothing loaded. */
export interface Subject {
  /** A client of the loader as it runs now. */
  client(): LoaderClient;
  /** Kills the loader and starts it again; the kernel keeps what it has. */
  restart(): Promise<void>;
  /** Adds an Ethernet interface of that name; returns its index. */
  addInterface(name: string): Promise<number>;
  removeInterface(name: string): Promise<void>;
  /** Makes the next Load fail at the verifier where nothing else would, i.e. without a kernel. */
  verifierRefuses(): void;
  /** Gives the host an on-link way to the IPv4 address 198.51.100.0/24 through the interface of that index. */
  addRoute(name: string, ifindex: number): Promise<void>;
}

/** Something a loader must do, the fake as well as the real one. */
export interface Scenario {
  /** Call and behaviour in plain words. */
  readonly name: string;
  readonly run: (subject: Subject) => Promise<void>;
}

/** Name under which scenarios load their object. */
export const NAME = "scenario";
/** Name of a second object beside it. */
export const NEXT = "scenario-next";

/** Loads the usual object. */
export function load(subject: Subject, object = scenarioObject()): Promise<LoadedObject> {
  return subject.client().load({ name: NAME, object });
}

/** A key: four bytes in host byte order. */
export function key(value: number): Uint8Array {
  return encodeU32(value);
}

/** A value of eight bytes. */
export function value(low: number): Uint8Array {
  const bytes = new Uint8Array(8);
  bytes.set(encodeU32(low));
  return bytes;
}

/** A put of a number. */
export function put(map: string, at: number, low: number): Operation {
  return { map, put: { key: key(at), value: value(low) } };
}

/** A delete. */
export function remove(map: string, at: number): Operation {
  return { map, delete: { key: key(at) } };
}

/** A table of numbers at an index. */
export function putTable(at: number, numbers: readonly number[]): Operation {
  const values = Uint8Array.from(numbers.flatMap((number) => [...encodeU32(number)]));
  return { map: "tables", putTable: { key: key(at), values } };
}

/** Applies operations, and asserts that all were done. */
export async function apply(subject: Subject, generation: number, ...operations: Operation[]): Promise<void> {
  const answer = await subject.client().apply({ name: NAME, generation, operations });
  assertEquals(answer, { applied: operations.length, already: false });
}

/** What a map holds, as hexadecimal text by hexadecimal key, ordered by key. */
export async function dump(
  subject: Subject,
  map: string,
  options: Partial<DumpRequest> = {},
): Promise<Record<string, string>> {
  const elements: [string, string][] = [];
  for await (const element of subject.client().dump({ name: NAME, map, ...options })) {
    elements.push([hex(element.key), hex(element.value)]);
  }
  return Object.fromEntries(elements.sort(([a], [b]) => (a < b ? -1 : 1)));
}

function hex(bytes: Uint8Array): string {
  return Uint8Array.from(bytes).toHex();
}

/** Asserts that a call fails with a status code and a sentence; returns the error. */
export async function refused(call: Promise<unknown>, code: number, sentence: RegExp): Promise<LoaderError> {
  const error = await assertRejects(() => call, LoaderError);
  assertEquals([error.code, CODE[error.code]], [code, CODE[code]], error.message);
  if (!sentence.test(error.message)) throw new Error(`"${error.message}" does not match ${sentence}`);
  return error;
}

/** Waits until the network that the loader reports is as wanted. */
export async function networkUntil(
  subject: Subject,
  wanted: (network: WatchResponse) => boolean,
): Promise<void> {
  const signal = AbortSignal.timeout(60_000);
  for await (const network of subject.client().watch({ signal })) if (wanted(network)) return;
}
