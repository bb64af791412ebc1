// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertMatch } from "@std/assert";
import { type StopReason, supervise, type SupervisorEnd } from "./supervisor.ts";

const children = {
  // Says that it got SIGTERM, then ends; `wait` lets a trap run at once.
  polite: (name: string, log: string) => `trap 'echo ${name} >> ${log}; exit 0' TERM; sleep 30 & wait`,
  deaf: () => `trap '' TERM; while :; do sleep 0.1; done`,
};

/** Two real children under supervision, and what happened to them. */
class Scene implements AsyncDisposable {
  readonly lines: string[] = [];
  readonly log = Deno.makeTempFileSync();
  readonly stop = Promise.withResolvers<StopReason>();
  readonly loader: Deno.ChildProcess;
  readonly controlPlane: Deno.ChildProcess;

  constructor(scripts: { loader?: string; controlPlane?: string } = {}) {
    this.loader = this.#spawn(scripts.loader ?? children.polite("loader", this.log));
    this.controlPlane = this.#spawn(scripts.controlPlane ?? children.polite("control plane", this.log));
  }

  supervise(): Promise<SupervisorEnd> {
    return supervise({
      loader: this.loader,
      controlPlane: this.controlPlane,
      stop: this.stop.promise,
      patience: 2_000,
      say: (line) => this.lines.push(line),
    });
  }

  /** Names of the children that got SIGTERM, in that order. */
  terminated(): string[] {
    return Deno.readTextFileSync(this.log).trim().split("\n").filter((line) => line !== "");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.loader.status, this.controlPlane.status]);
    await Deno.remove(this.log);
  }

  #spawn(script: string): Deno.ChildProcess {
    return new Deno.Command("sh", { args: ["-c", `echo ready; ${script}`], stdout: "piped" }).spawn();
  }

  /** Waits until both have set their traps. */
  async ready(): Promise<void> {
    for (const child of [this.loader, this.controlPlane]) {
      await child.stdout.pipeThrough(new TextDecoderStream()).values({ preventCancel: true }).next();
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

Deno.test("supervise() ends the control plane before the loader", async () => {
  await using scene = new Scene();
  await scene.ready();
  const end = scene.supervise();
  scene.stop.resolve("terminated");
  assertEquals(await end, "stopped");
  assertEquals(scene.terminated(), ["control plane", "loader"]);
  assertEquals(scene.lines, []);
});

Deno.test("supervise() kills a child that does not end, says so, and goes on", async () => {
  await using scene = new Scene({ controlPlane: children.deaf() });
  await scene.ready();
  const end = scene.supervise();
  scene.stop.resolve("terminated");
  assertEquals(await end, "stopped");
  assertEquals(scene.terminated(), ["loader"]);
  assertEquals(scene.lines, ["the control plane did not end within 2000 ms and was killed"]);
});

for (const victim of ["loader", "controlPlane"] as const) {
  Deno.test(`supervise() kills the other child without a warning when the ${victim} is killed`, async () => {
    await using scene = new Scene();
    await scene.ready();
    const end = scene.supervise();
    scene[victim].kill("SIGKILL");
    assertEquals(await end, "left running in the kernel");
    assertEquals(scene.terminated(), []);
    assertEquals(scene.lines.length, 1);
    assertMatch(scene.lines[0]!, /^the (loader|control plane) was ended by SIGKILL: packets go on/);
  });
}

Deno.test("supervise() tells the exit code of a child that ends by itself", async () => {
  await using scene = new Scene({ controlPlane: "exit 64" });
  assertEquals(await scene.supervise(), "left running in the kernel");
  assertMatch(scene.lines[0]!, /^the control plane ended with code 64: /);
});

Deno.test("supervise() takes nothing down when the command itself was killed", async () => {
  await using scene = new Scene();
  await scene.ready();
  const end = scene.supervise();
  scene.stop.resolve("killed");
  assertEquals(await end, "left running in the kernel");
  assertEquals(scene.terminated(), []);
});
