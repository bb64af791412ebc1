// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertRejects } from "@std/assert";
import { ensure, MissingRequirementError, type Requirement, type StepRunner } from "./requirement.ts";

/** A machine that has some things and can install others. */
class Machine {
  readonly has = new Set<string>();
  readonly steps: string[] = [];
  readonly runStep: StepRunner = (name, work) => {
    this.steps.push(name);
    return work();
  };

  requirement(name: string, install?: () => Promise<void>): Requirement {
    return {
      missing: () => Promise.resolve(this.has.has(name) ? undefined : name),
      ...(install === undefined ? {} : { install }),
      remedy: (missing) => `get ${missing}`,
    };
  }

  installable(name: string): Requirement {
    return this.requirement(name, () => {
      this.has.add(name);
      return Promise.resolve();
    });
  }
}

Deno.test("ensure() installs what is missing, in order, and once", async () => {
  const machine = new Machine();
  machine.has.add("present");
  const all = ["present", "first", "second"].map((name) => machine.installable(name));
  await ensure(all, machine.runStep);
  await ensure(all, machine.runStep);
  assertEquals(machine.steps, ["installing first", "installing second"]);
});

Deno.test("ensure() lists all that only a person can install before it installs anything", async () => {
  const machine = new Machine();
  const wanted = [machine.installable("first"), machine.requirement("Rust"), machine.requirement("Go")];
  const error = await assertRejects(() => ensure(wanted, machine.runStep), MissingRequirementError);
  assertEquals(
    error.message,
    "Rust is missing; install it with: get Rust\nGo is missing; install it with: get Go",
  );
  assertEquals(machine.steps, []);
});

Deno.test("ensure() says why an installation failed and which command would do it", async () => {
  const machine = new Machine();
  const broken = machine.requirement("curl", () => Promise.reject(new Error("no network")));
  const error = await assertRejects(() => ensure([broken], machine.runStep), MissingRequirementError);
  assertEquals(error.message, "curl is missing; install it with: get curl\nno network");
});

Deno.test("ensure() does not believe an installation that changed nothing", async () => {
  const machine = new Machine();
  const idle = machine.requirement("curl", () => Promise.resolve());
  await assertRejects(() => ensure([idle], machine.runStep), MissingRequirementError, "curl is missing");
});
