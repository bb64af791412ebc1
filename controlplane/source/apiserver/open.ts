// SPDX-License-Identifier: Apache-2.0

import { OPTIONAL_KINDS } from "../../api/snapshot.ts";
import type { SourceConfig } from "../../cli.ts";
import type { Ends } from "../../ends.ts";
import { type Meter, NO_METER } from "../../meter.ts";
import type { Output } from "../../output.ts";
import { Membership } from "../../nodes/membership.ts";
import { ApiServerStatusWriter } from "../../status/api_server_status.ts";
import { LoadBalancerWriter } from "../../status/load_balancer_writer.ts";
import type { StatusWriter } from "../../status/status_writer.ts";
import { KIND_NAMES, type Store } from "../../store/store.ts";
import { ApiClient, type ApiServer } from "./api_client.ts";
import { BundleVersion } from "./bundle_version.ts";
import { Reflector } from "./reflector.ts";
import { podApiServer } from "./service_account.ts";
import { Trouble } from "./trouble.ts";

/** The part of the command line that tells of the API server. */
type ApiServerConfig = SourceConfig & { readonly type: "apiserver" };

/** Reads the kubeconfig; the package that knows the format is loaded only where there is one. */
export async function findApiServer({ kubeconfig, context }: ApiServerConfig): Promise<ApiServer> {
  if (kubeconfig === undefined) return podApiServer();
  const { loadApiServer } = await import("./kube_config.ts");
  return loadApiServer({ kubeconfig, ...(context !== undefined && { context }) });
}

/** The server is asked only by the source's run. */
export function openApiServer(
  { node }: ApiServerConfig,
  server: ApiServer,
  store: Store,
  output: Output,
  meter: Meter = NO_METER,
): Ends {
  const client = new ApiClient(server, meter);
  const trouble = new Trouble((text) => output.say({ type: "error", text }));
  const bundle = new BundleVersion({ client, trouble, onChange: () => store.notify() });
  const onWatchEnd = (kind: string): void => {
    meter.watchEnded(kind);
    // The server ends the watches of a kind whose CRD is another; otherwise this is a look every few minutes.
    if (kind === "GatewayClass") bundle.look();
  };
  const reflectors = KIND_NAMES.map((kind) =>
    new Reflector({
      kind,
      client,
      store,
      trouble,
      onWatchEnd,
      onPresence: (kind, present) => {
        if (kind === "GatewayClass") bundle.look();
        if (present) output.log(`API server has ${kind} now`);
        else if (!OPTIONAL_KINDS.has(kind)) {
          output.say({
            type: "error",
            text: `API server does not have ${kind}; install the Gateway API's CRDs, v1.6 or later`,
          });
        }
      },
    })
  );
  const peers = node === undefined ? undefined : new Membership({
    client,
    trouble,
    node,
    nodeObject: () => store.get("Node", node),
    catchUp: async (signal) => {
      await store.synced(signal);
      // An address that a former leader has assigned must not be given twice.
      await reflectors[KIND_NAMES.indexOf("Gateway")]!.refresh(signal);
    },
    onChange: () => store.notify(),
    onWatchEnd,
    log: output.log,
  });
  const mayWrite = (): boolean => peers?.leads ?? true;
  const statuses = new ApiServerStatusWriter({ client, store, trouble, mayWrite });
  const services = new LoadBalancerWriter({ client, store, trouble, mayWrite });
  const status: StatusWriter = {
    set: (list, notices, loadBalancers) => {
      statuses.set(list, notices);
      services.set(loadBalancers);
    },
    setOfNode: (notices) => statuses.setOfNode(notices),
    close: () => statuses.close(),
  };
  return {
    status,
    translateOptions: async (signal) => {
      await bundle.read(signal);
      return () => ({
        ...(bundle.value !== undefined && { bundleVersion: bundle.value }),
        ...(node !== undefined && { node }),
      });
    },
    run: async (signal) => {
      const parts = [bundle, ...reflectors, statuses, services, ...(peers === undefined ? [] : [peers])];
      await Promise.all(parts.map((part) => part.run(signal)));
      client.close();
    },
    ...(peers !== undefined && { peers }),
  };
}
