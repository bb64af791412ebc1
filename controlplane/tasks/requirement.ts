// SPDX-License-Identifier: Apache-2.0

import { step } from "./progress.ts";

/** Something a machine must have before a task can do its work. */
export interface Requirement {
  /** What is missing, in words that stand in front of "is missing"; undefined when nothing is. */
  missing(): Promise<string | undefined>;
  /** Brings it here; absent where only a person can. */
  readonly install?: () => Promise<void>;
  /** The command that a person would type. */
  readonly remedy: (missing: string) => string;
}

/** Something is missing that could not be installed; the message says what, and the command that would. */
export class MissingRequirementError extends Error {
  override readonly name = "MissingRequirementError";
}

/** Runs a step with a name for people. */
export type StepRunner = <T>(name: string, work: () => Promise<T>) => Promise<T>;

/**
 * Installs what is missing, in order. All that no program can install is
 * looked for first and reported in one go. Throws MissingRequirementError.
 */
export async function ensure(
  requirements: readonly Requirement[],
  runStep: StepRunner = step,
): Promise<void> {
  const manual: string[] = [];
  for (const requirement of requirements.filter(({ install }) => install === undefined)) {
    const missing = await requirement.missing();
    if (missing !== undefined) manual.push(sentence(requirement, missing));
  }
  if (manual.length > 0) throw new MissingRequirementError(manual.join("\n"));
  for (const requirement of requirements) {
    const missing = await requirement.missing();
    if (missing === undefined || requirement.install === undefined) continue;
    try {
      await runStep(`installing ${missing}`, requirement.install);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new MissingRequirementError(`${sentence(requirement, missing)}\n${why}`, { cause });
    }
    const still = await requirement.missing();
    if (still !== undefined) throw new MissingRequirementError(sentence(requirement, still));
  }
}

function sentence(requirement: Requirement, missing: string): string {
  return `${missing} is missing; install it with: ${requirement.remedy(missing)}`;
}
