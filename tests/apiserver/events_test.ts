// SPDX-License-Identifier: Apache-2.0

// Events on a real API server: each is told once, whoever leads.

import { assertEquals } from "@std/assert";
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

/** "reason resourceVersion" of the Events, by the Gateway that they are about, once there are so many. */
async function eventsOf(server: ApiServer, count: number): Promise<Record<string, string>> {
  for (const end = performance.now() + 20_000;;) {
    const { items } = JSON.parse(
      await server.kubectl(["get", "events", "--namespace=default", "--output=json"]),
    ) as { items: readonly Event[] };
    if (items.length >= count || performance.now() > end) {
      assertEquals(items.length, count);
      return Object.fromEntries(
        items.map(({ metadata, involvedObject, reason }) => [
          involvedObject.name,
          `${reason} ${metadata.resourceVersion}`,
        ]),
      );
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

Deno.test({
  name:
    "an Event is written for each object with a name of any length, and not again by the next control plane",
  ignore: why !== undefined,
  async fn(): Promise<void> {
    await using server = await ApiServer.start();
    await server.kubectl(["apply", "--filename=-"], ["short", ...LONG].map(astray).join(""));
    let first: Record<string, string>;
    {
      await using _plane = new RunningControlPlane(server.kubeconfig);
      first = await eventsOf(server, 3);
    }
    assertEquals(Object.keys(first).sort(), [...LONG, "short"].sort());
    await using plane = new RunningControlPlane(server.kubeconfig);
    await plane.ready;
    // Events are written one after another, so this one comes after those that were there to be told.
    await server.kubectl(["apply", "--filename=-"], astray("late"));
    const { late, ...second } = await eventsOf(server, 4);
    assertEquals(late?.split(" ")[0], "GatewayClassNotFound");
    assertEquals(second, first);
  },
});
