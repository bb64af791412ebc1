// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { MANIFESTS_ENVIRONMENT, POD_ENVIRONMENT } from "../permissions.ts";
import {
  ALLOCATOR,
  controlPlaneCommand,
  type ControlPlaneSettings,
  HEAP_FLAGS,
  loaderCommand,
} from "./part_commands.ts";
import { layOut, paths as here } from "./paths.ts";

const paths = layOut("/repo", "/cache");
const object = "/cache/target-bpf/bpfel-unknown-none/release/blixt";

const settings: ControlPlaneSettings = {
  deno: "/opt/deno",
  paths,
  options: { source: { kind: "manifests", path: "/home/me/m" }, interfaces: [], others: [] },
  socket: "/run/blixt/7/loader.sock",
  capabilities: [],
};

/** Values of the Deno permission flags, by flag. */
function permissions(command: readonly string[]): Record<string, string> {
  const flags = command.filter((word) => word.startsWith("--allow-"));
  return Object.fromEntries(flags.map((flag) => flag.slice("--allow-".length).split("=", 2)));
}

Deno.test("loaderCommand() ties the loader to this process and to the namespace that outlives it", () => {
  const namespace = { root: "/proc/1/root", enter: ["nsenter", "--mount=/proc/1/ns/mnt", "--"] };
  assertEquals(loaderCommand(paths, namespace, "/run/blixt/7/loader.sock", "/sys/fs/bpf/blixt/7"), [
    ..."setpriv --pdeathsig KILL nsenter --mount=/proc/1/ns/mnt --".split(" "),
    ..."/cache/target/release/blixt-loader --socket /run/blixt/7/loader.sock".split(" "),
    ..."--pin-dir /sys/fs/bpf/blixt/7".split(" "),
  ]);
});

Deno.test("controlPlaneCommand() takes every capability away before Deno starts", () => {
  const command = controlPlaneCommand(settings);
  assertEquals(command.slice(0, command.indexOf("/opt/deno")), [
    ..."setpriv --pdeathsig KILL".split(" "),
    ..."setpriv --bounding-set=-all --inh-caps=-all --no-new-privs".split(" "),
    "env",
    ...ALLOCATOR,
  ]);
});

Deno.test("controlPlaneCommand() keeps the capabilities that it is told to", () => {
  const command = controlPlaneCommand({ ...settings, capabilities: ["dac_read_search"] });
  assertEquals(command.includes("--bounding-set=-all,+dac_read_search"), true);
});

Deno.test("controlPlaneCommand() lets manifests and the loader be reached, and nothing else", () => {
  assertEquals(permissions(controlPlaneCommand(settings)), {
    read: `/home/me/m,${object},/repo/proto,/run/blixt/7`,
    write: "/run/blixt/7",
    net: "unix:/run/blixt/7/loader.sock",
    env: MANIFESTS_ENVIRONMENT.join(","),
  });
});

Deno.test("controlPlaneCommand() adds what the kubeconfig names", () => {
  const source = { kind: "kubeconfig", path: "/home/me/k" } as const;
  const kubeconfig = { read: ["/pki/ca.crt"], net: ["10.0.0.1:6443"], run: ["aws"] };
  assertEquals(
    permissions(controlPlaneCommand({ ...settings, options: { ...settings.options, source }, kubeconfig })),
    {
      read: `/home/me/k,/pki/ca.crt,${object},/repo/proto,/run/blixt/7`,
      write: "/run/blixt/7",
      net: "unix:/run/blixt/7/loader.sock,10.0.0.1:6443",
      env: undefined!,
      run: "aws",
    },
  );
});

Deno.test("controlPlaneCommand() passes options on and lets the status file be written", () => {
  const options = {
    ...settings.options,
    interfaces: ["eth0", "eth1"],
    statusFile: "/var/s/st.yaml",
    others: ["--json"],
  };
  const command = controlPlaneCommand({ ...settings, options });
  assertEquals(command.slice(command.indexOf("/repo/controlplane/main.ts") + 1), [
    ..."--manifests /home/me/m --loader unix:/run/blixt/7/loader.sock".split(" "),
    ..."--object".split(" "),
    object,
    ..."--status-file /var/s/st.yaml --unload-on-exit --interface eth0 --interface eth1 --json".split(" "),
  ]);
  assertEquals(permissions(command)["write"], "/run/blixt/7,/var/s");
});

Deno.test("controlPlaneCommand() lets the control plane listen where it is told to, and nowhere else", () => {
  const others = ["--health=127.0.0.1:9441", "--json", "--metrics", "[::1]:9442"];
  const { net } = permissions(controlPlaneCommand({ ...settings, options: { ...settings.options, others } }));
  assertEquals(net, "unix:/run/blixt/7/loader.sock,127.0.0.1:9441,[::1]:9442");
});

Deno.test("controlPlaneCommand() keeps a path with a comma in one piece", () => {
  const source = { kind: "manifests", path: "/home/me/a,b" } as const;
  const { read } = permissions(
    controlPlaneCommand({ ...settings, options: { ...settings.options, source } }),
  );
  assertEquals(read?.startsWith("/home/me/a,,b,"), true);
});

Deno.test("controlPlaneCommand() and the container image ask for the same use of memory", async () => {
  const image = await Deno.readTextFile(`${here.repository}/controlplane/Containerfile`);
  for (const setting of [HEAP_FLAGS, ...ALLOCATOR]) assertEquals(image.includes(setting), true, setting);
});

Deno.test("the container image asks for the environment variables that a pod needs, and no other", async () => {
  const image = await Deno.readTextFile(`${here.repository}/controlplane/Containerfile`);
  const asked = image.matchAll(/"--allow-env(?:=([^"]*))?"/g).map(([, names]) => names?.split(",")).toArray();
  assertEquals(asked, [[...POD_ENVIRONMENT]]);
});
