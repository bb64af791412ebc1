// SPDX-License-Identifier: Apache-2.0

// Events on a real API server: each is told once, whoever leads.

import { assertEquals } from "@std/assert";
import { CONTROLLER_NAME } from "../../controlplane/api/gateway_class.ts";
import { ApiServer } from "../cluster/api_server.ts";
import { RunningControlPlane, whyNot } from "./fixture.ts";

const why = await whyNot();

/** As long as a name may be, and another that differs in the last character. */
const LONG = ["a", "b"].map((last) => `${`${"g".repeat(59)}.`.repeat(4)}${"h".repeat(12)}${last}`);

/** A Gateway of a class that does not exist. */
const astray = (name: string): string =>
  `---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: { name: ${name}, namespace: default }
spec: { gatewayClassName: nowhere, listeners: [{ name: tcp, port: 80, protocol: TCP }] }
`;

interface Event {
  readonly metadata: { readonly resourceVersion: string };
  readonly involvedObject: { readonly name: string };
  readonly reason: string;
}

/** "name reason resourceVersion" of our Events, sorted, once there are so many; the API server writes some of its own. */
async function eventsOf(server: ApiServer, count: number): Promise<string[]> {
  const ours = `--field-selector=reportingComponent=${CONTROLLER_NAME}`;
  for (const end = performance.now() + 60_000;;) {
    const { items } = JSON.parse(
      await server.kubectl(["get", "events", "--namespace=default", ours, "--output=json"]),
    ) as { items: readonly Event[] };
    if (items.length >= count || performance.now() > end) {
      return items.map(({ metadata, involvedObject, reason }) =>
        `${involvedObject.name} ${reason} ${metadata.resourceVersion}`
      ).sort();
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const withoutVersion = (event: string): string => event.slice(0, event.lastIndexOf(" "));

Deno.test({
  name:
    "an Event is written for each object with a name of any length, and not again by the next control plane",
  ignore: why !== undefined,
  async fn(): Promise<void> {
    await using server = await ApiServer.start();
    await server.kubectl(["apply", "--filename=-"], ["short", ...LONG].map(astray).join(""));
    let first: string[];
    {
      await using _plane = new RunningControlPlane(server.kubeconfig);
      first = await eventsOf(server, 3);
    }
    const said = (name: string): string => `${name} GatewayClassNotFound`;
    assertEquals(first.map(withoutVersion), [...LONG, "short"].map(said));
    await using plane = new RunningControlPlane(server.kubeconfig);
    await plane.ready;
    // Events are written one after another, so this one comes after those that were there to be told.
    await server.kubectl(["apply", "--filename=-"], astray("late"));
    const second = await eventsOf(server, 4);
    assertEquals(second.filter((event) => !event.startsWith(`${said("late")} `)), first);
    assertEquals(second.map(withoutVersion), [...LONG, "late", "short"].map(said));
  },
});
