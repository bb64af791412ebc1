// SPDX-License-Identifier: Apache-2.0

// The DaemonSet on a real node, with a kubelet, containerd and runc: what its
// processes may do as the kernel has it, and what stays when they go.

import { assert, assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { runOrThrow } from "../../controlplane/tasks/command.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { bringUp, takeDown } from "../cluster/cluster.ts";
import { DEFAULTS } from "../cluster/cluster_options.ts";
import { kubectl } from "../cluster/kubectl.ts";
import { inNode } from "../cluster/node.ts";
import { poll } from "../cluster/poll.ts";
import type { ClusterSite } from "../cluster/site.ts";
import { readState } from "../cluster/state.ts";
import { buildImages } from "../images/build_images.ts";
import { runOnInterrupt } from "../netns/interrupt.ts";
import { processTree } from "../netns/processes.ts";

/** Milliseconds that pods may take to come or go. */
const PATIENCE = 90_000;

/** CAP_NET_ADMIN (12), CAP_PERFMON (38) and CAP_BPF (39) of linux/capability.h. */
const THREE = (1n << 12n) | (1n << 38n) | (1n << 39n);

/** A cluster of one node, for tests of the install. */
class Node {
  readonly #site: ClusterSite;
  readonly #pid: number;

  private constructor(site: ClusterSite, pid: number) {
    this.#site = site;
    this.#pid = pid;
  }

  static async of(site: ClusterSite): Promise<Node> {
    const first = (await readState(site.state))?.processes.find(({ name }) => name === "n1");
    if (first === undefined) throw new Error("The cluster has no node n1");
    return new Node(site, first.pid);
  }

  kubectl(command: string): Promise<string> {
    return kubectl(this.#site.kubeconfig, command.split(" "));
  }

  /** Applies a folder of the repository and waits until the pods are those it describes, and ready. */
  async apply(folder: string): Promise<void> {
    await kubectl(this.#site.kubeconfig, ["apply", "--kustomize", `${paths.repository}/${folder}`]);
    await this.rolledOut();
  }

  async rolledOut(): Promise<void> {
    await this.kubectl(`--namespace=blixt-system rollout status daemonset/blixt --timeout=${PATIENCE}ms`);
  }

  /** Takes the install away and waits until its pods are gone. */
  async delete(): Promise<void> {
    const flags = ["--wait", `--timeout=${PATIENCE}ms`];
    await kubectl(this.#site.kubeconfig, ["delete", ...flags, "--kustomize", `${paths.repository}/k8s`]);
  }

  /** A process of the node's only pod with that program. */
  process(program: string): number {
    const found = processTree(this.#pid).find(({ name }) => name === program);
    if (found === undefined) throw new Error(`No ${program} runs on the node`);
    return found.pid;
  }

  /** Runs a program in all namespaces of the node. */
  run(command: string): Promise<string> {
    return runOrThrow(inNode(this.#pid, command.split(" ")));
  }

  /** Links of Blixt's program that are pinned on the node, by the kernel's number of the file. */
  async links(): Promise<string[]> {
    return (await this.run("find /sys/fs/bpf/blixt -path */links/* -printf %i:%f\\n")).trim().split("\n");
  }
}

/** A field of /proc/<pid>/status. */
async function statusOf(pid: number, field: string): Promise<string> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`);
  const value = new RegExp(`^${field}:\\s*(.*)$`, "m").exec(status)?.[1];
  if (value === undefined) throw new Error(`/proc/${pid}/status has no ${field}`);
  return value.trim();
}

/** Every set of capabilities of a process, by name. */
async function capabilitiesOf(pid: number): Promise<Record<string, bigint>> {
  const sets = ["CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"];
  const values = await Promise.all(sets.map((set) => statusOf(pid, set)));
  return Object.fromEntries(sets.map((set, index) => [set, BigInt(`0x${values[index]}`)]));
}

async function controlPlaneCanDoNothingToItsHost(node: Node): Promise<void> {
  const pid = node.process("deno");
  assertEquals(await capabilitiesOf(pid), { CapInh: 0n, CapPrm: 0n, CapEff: 0n, CapBnd: 0n, CapAmb: 0n });
  assertEquals(await statusOf(pid, "Uid"), "65532\t65532\t65532\t65532");
  assertEquals([await statusOf(pid, "NoNewPrivs"), await statusOf(pid, "Seccomp")], ["1", "2"]);
  assertStringIncludes(await Deno.readTextFile(`/proc/${pid}/mountinfo`), " / / ro,");
}

async function loaderHasItsThreeCapabilities(node: Node): Promise<void> {
  const pid = node.process("blixt-loader");
  assertEquals(await capabilitiesOf(pid), {
    CapInh: 0n,
    CapPrm: THREE,
    CapEff: THREE,
    CapBnd: THREE,
    CapAmb: 0n,
  });
  assertEquals([await statusOf(pid, "NoNewPrivs"), await statusOf(pid, "Seccomp")], ["1", "2"]);
  assertStringIncludes(await Deno.readTextFile(`/proc/${pid}/mountinfo`), " / / ro,");
}

async function onlyTheControlPlaneSeesTheToken(node: Node): Promise<void> {
  const folder = "root/var/run/secrets/kubernetes.io/serviceaccount";
  await Deno.stat(`/proc/${node.process("deno")}/${folder}/token`);
  const loader = `/proc/${node.process("blixt-loader")}`;
  assertEquals(await Deno.stat(`${loader}/${folder}`).catch(() => "none"), "none");
  assert(!(await Deno.readTextFile(`${loader}/mountinfo`)).includes("kubernetes.io~projected"));
}

async function linksStayWhilePodsAreReplaced(node: Node): Promise<void> {
  const [before, loader] = [await node.links(), node.process("blixt-loader")];
  assert(before.length > 0);
  let over = false;
  await node.kubectl("--namespace=blixt-system rollout restart daemonset/blixt");
  const rolling = node.rolledOut().finally(() => over = true);
  while (!over) assertEquals(await node.links(), before);
  await rolling;
  assertNotEquals(node.process("blixt-loader"), loader);
  assertEquals(await node.links(), before);
}

async function unloadLeavesNothing(node: Node): Promise<void> {
  await node.apply("k8s/overlays/unload");
  await node.delete();
  assertEquals(await node.run("find /sys/fs/bpf/blixt -type f"), "");
}

async function loaderSaysThatTheBpffsIsMissing(node: Node): Promise<void> {
  await node.run("umount /sys/fs/bpf");
  await node.kubectl(`apply --kustomize=${paths.repository}/k8s`);
  const path = 'jsonpath={.items[0].status.containerStatuses[?(@.name=="loader")]..terminated.message}';
  let message = "";
  await poll({
    ready: async () => {
      message = await node.kubectl(`--namespace=blixt-system get pods --output=${path}`);
      return message !== "";
    },
    patience: PATIENCE,
  });
  assertStringIncludes(message, "The pin directory must be in a bpffs");
  assertStringIncludes(message, "mount -t bpf bpf");
}

Deno.test("the install on a real node", async (t) => {
  // A step begins where the one before ended, so none makes sense after a failure.
  const step = async (name: string, body: () => Promise<void>): Promise<void> => {
    if (!await t.step(name, body)) throw new Error(`The step "${name}" failed`);
  };
  await buildImages();
  const name = "install";
  const forget = runOnInterrupt(() => takeDown(name));
  try {
    const node = await Node.of(await bringUp({ ...DEFAULTS, name, nodes: 1 }, (_, work) => work()));
    await step("becomes ready", () => node.apply("k8s"));
    await step(
      "has a control plane that can do nothing to its host",
      () => controlPlaneCanDoNothingToItsHost(node),
    );
    await step("has a loader with three capabilities", () => loaderHasItsThreeCapabilities(node));
    await step("shows the token to the control plane alone", () => onlyTheControlPlaneSeesTheToken(node));
    await step(
      "leaves the kernel alone while its pods are replaced",
      () => linksStayWhilePodsAreReplaced(node),
    );
    await step("goes without a trace by way of the overlay unload", () => unloadLeavesNothing(node));
    await step("says so where no bpffs is mounted", () => loaderSaysThatTheBpffsIsMissing(node));
  } finally {
    await takeDown(name);
    forget();
  }
});
