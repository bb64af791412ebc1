// SPDX-License-Identifier: Apache-2.0

import type { Path } from "./schema.ts";

/** What is wrong, or merely odd, in a manifest. */
export interface Problem {
  /** An error keeps an object or a reference from working; a notice does not. */
  readonly severity: "error" | "notice";
  /** As the user would name it: the folder given, and the way below it. */
  readonly file: string;
  /** From 1; absent when it is about the whole file. */
  readonly line?: number;
  /** "TCPRoute default/echo"; absent when the text could not be read that far. */
  readonly object?: string;
  /** Field within the object. */
  readonly path?: Path;
  readonly reason: string;
}

/** "k8s/x.yaml:12: TCPRoute default/echo: spec.rules: has 2 rules, …". */
export function formatProblem(problem: Problem): string {
  const { file, line, object, path, reason } = problem;
  const place = line === undefined ? file : `${file}:${line}`;
  const field = path === undefined || path.length === 0 ? undefined : formatPath(path);
  return [place, object, field, reason].filter((part) => part !== undefined).join(": ");
}

/** "spec.rules[0].backendRefs". */
export function formatPath(path: Path): string {
  return path.reduce<string>(
    (text, step) => typeof step === "number" ? `${text}[${step}]` : text === "" ? step : `${text}.${step}`,
    "",
  );
}
