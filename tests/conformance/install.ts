// SPDX-License-Identifier: Apache-2.0

import { paths } from "../../controlplane/tasks/paths.ts";
import { kubectl } from "../cluster/kubectl.ts";

/** Installs Blixt as a user does, gives it addresses of the test cluster, and waits until it runs on every node. */
export async function install(kubeconfig: string): Promise<void> {
  const apply = (...args: string[]): Promise<string> => kubectl(kubeconfig, ["apply", ...args]);
  await apply("--kustomize", `${paths.repository}/k8s`);
  const crd = "crd/gatewayclassconfigs.blixt.x-k8s.io";
  await kubectl(kubeconfig, ["wait", "--for=condition=Established", "--timeout=30s", crd]);
  await apply("--filename", `${import.meta.dirname}/pool.yaml`);
  const rollout = ["rollout", "status", "daemonset/blixt", "--namespace=blixt-system", "--timeout=120s"];
  await kubectl(kubeconfig, rollout);
  await kubectl(kubeconfig, ["wait", "--for=condition=Accepted", "--timeout=60s", "gatewayclass/blixt"]);
}
