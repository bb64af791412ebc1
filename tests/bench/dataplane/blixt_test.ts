// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseManifests } from "../../../controlplane/source/manifests/parse.ts";
import { snapshotOf } from "../../../controlplane/translate/testing.ts";
import { translate } from "../../../controlplane/translate/translate.ts";
import { blixtManifests } from "./blixt.ts";
import { makeServices } from "./service.ts";

Deno.test("blixtManifests() asks for exactly the services, with both backends behind each", () => {
  const services = makeServices(200);
  const { objects, problems } = parseManifests("services.json", JSON.stringify(blixtManifests(services)));
  assertEquals(problems, []);
  const { dataplane } = translate(snapshotOf(...objects.map(({ object }) => object)));
  const found = dataplane.services.map(({ address, port, protocol, groups }) => ({
    address,
    port,
    protocol: protocol.toLowerCase(),
    targets: groups.flatMap(({ endpoints }) => endpoints.map((endpoint) => endpoint.address)),
    targetPort: groups[0]?.endpoints[0]?.port,
  }));
  const key = ({ address, port, protocol }: (typeof found)[number]): string =>
    `${address} ${protocol} ${port}`;
  const sorted = (list: typeof found): typeof found => list.toSorted((a, b) => key(a) < key(b) ? -1 : 1);
  assertEquals(
    sorted(found),
    sorted(services.map((service) => ({ ...service, targets: [...service.targets] }))),
  );
});
