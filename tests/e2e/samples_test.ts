// SPDX-License-Identifier: Apache-2.0

import { assert, assertEquals } from "@std/assert";
import { parseAllDocuments } from "yaml";
import type { Condition, KubernetesObject } from "../../controlplane/api/object.ts";
import { type Kind, KINDS, objectKey, type Snapshot } from "../../controlplane/api/snapshot.ts";
import { paths } from "../../controlplane/tasks/paths.ts";
import { translate } from "../../controlplane/translate/translate.ts";
import { type Schema, validate } from "./crd_schema.ts";

const SAMPLES = `${paths.repository}/k8s/samples`;
const folders = [...Deno.readDirSync(SAMPLES)].filter(({ isDirectory }) => isDirectory).map(({ name }) =>
  name
);
const gatewayClass = readObjects(`${paths.repository}/k8s/base/gatewayclass.yaml`);

/** An object as written, with the namespace that kubectl would give it. */
interface Written extends KubernetesObject {
  // Fields differ from kind to kind, and the samples are to be judged as they are written.
  // deno-lint-ignore no-explicit-any
  readonly spec?: any;
}

function readObjects(file: string): Written[] {
  return parseAllDocuments(Deno.readTextFileSync(file)).map((document) => {
    const object = document.toJS() as Written;
    const namespaced = KINDS[object.kind as Kind]?.namespaced ?? true;
    const metadata = namespaced ? { namespace: "default", ...object.metadata } : object.metadata;
    return { ...object, metadata: { generation: 1, ...metadata } };
  });
}

function readSample(folder: string): Written[] {
  const files = [...Deno.readDirSync(`${SAMPLES}/${folder}`)].filter(({ name }) => name.endsWith(".yaml"));
  return files.flatMap(({ name }) => readObjects(`${SAMPLES}/${folder}/${name}`));
}

/** A snapshot with these objects, and one endpoint for each Service that has none, as its pods would give it. */
function snapshotOf(objects: readonly Written[]): Snapshot {
  const namespaces = [...new Set(objects.flatMap(({ metadata }) => metadata.namespace ?? []))];
  const all = [...objects, ...namespaces.map(namespaceObject), ...objects.flatMap(endpointSlices)];
  const kinds = Object.keys(KINDS).map((kind) => {
    const ofKind = all.filter((object) => object.kind === kind);
    return [kind, new Map(ofKind.map((object) => [objectKey(object), object]))];
  });
  return Object.fromEntries(kinds) as Snapshot;
}

function namespaceObject(name: string): Written {
  return { apiVersion: "v1", kind: "Namespace", metadata: { name } };
}

function endpointSlices({ kind, metadata, spec }: Written): Written[] {
  if (kind !== "Service" || spec.selector === undefined) return [];
  return [["IPv4", "10.0.0.1"], ["IPv6", "fd00::1"]].map(([addressType, address]) => ({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: {
      name: `${metadata.name}-${addressType}`,
      namespace: metadata.namespace!,
      labels: { "kubernetes.io/service-name": metadata.name },
    },
    addressType,
    ports: spec.ports.map(({ name, protocol }: { name: string; protocol: string }) => ({
      name,
      protocol,
      port: protocol === "TCP" ? 8080 : 8081,
    })),
    endpoints: [{ addresses: [address] }],
  }));
}

/** All conditions anywhere in a status. */
function conditionsOf(value: unknown): Condition[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([name, member]) =>
    name === "conditions" ? member as Condition[] : conditionsOf(member)
  );
}

for (const folder of folders) {
  const objects = readSample(folder);

  Deno.test(`the sample ${folder} becomes what its author means: every condition is good`, () => {
    const own = objects.some(({ kind }) => kind === "GatewayClass") ? [] : gatewayClass;
    const { statuses, dataplane, notices } = translate(snapshotOf([...own, ...objects]));
    assert(statuses.length >= 3);
    assert(statuses.every(({ status }) => conditionsOf(status).length > 0));
    const bad = statuses.flatMap(({ status }) => conditionsOf(status)).filter(({ type, status }) =>
      status !== (type === "Conflicted" ? "False" : "True")
    );
    assertEquals(bad, []);
    assertEquals(notices, []);
    assert(dataplane.services.length > 0);
    for (const { groups } of dataplane.services) {
      assert(groups.length > 0);
      for (const { name, endpoints } of groups) assert(endpoints.length > 0, `${name} has no endpoint`);
    }
  });

  Deno.test(`the sample ${folder} uses another port on each side`, () => {
    const { dataplane } = translate(snapshotOf([...gatewayClass, ...objects]));
    for (const { port, groups } of dataplane.services) {
      for (const endpoint of groups.flatMap(({ endpoints }) => endpoints)) assert(endpoint.port !== port);
    }
  });
}

Deno.test("no two samples claim the same address", () => {
  const addresses = folders.flatMap(readSample).filter(({ kind }) => kind === "Gateway").flatMap(
    ({ spec }) => spec.addresses.map(({ value }: { value: string }) => value),
  );
  assertEquals(new Set(addresses).size, addresses.length);
});

const crds = readCrds();
Deno.test({
  name: `the samples fit the schemas of the Gateway API${
    crds.size === 0 ? ` (skipped: no CRDs in ${paths.crds})` : ""
  }`,
  ignore: crds.size === 0,
  fn: () => {
    let judged = 0;
    for (const object of [...gatewayClass, ...folders.flatMap(readSample)]) {
      const schema = crds.get(`${object.apiVersion} ${object.kind}`);
      if (schema === undefined) {
        assert(!object.apiVersion.startsWith("gateway."), `${object.apiVersion} ${object.kind} has no CRD`);
        continue;
      }
      assertEquals(validate(object, schema), [], objectKey(object));
      judged++;
    }
    assert(judged > folders.length);
  },
});

/** Schemas by "apiVersion kind". metadata is the API server's own matter, and open in CRDs. */
function readCrds(): Map<string, Schema> {
  const schemas = new Map<string, Schema>();
  let files: string[];
  try {
    files = [...Deno.readDirSync(paths.crds)].map(({ name }) => name).filter((name) =>
      name.endsWith(".yaml")
    );
  } catch {
    return schemas;
  }
  const documents = files.flatMap((file) =>
    parseAllDocuments(Deno.readTextFileSync(`${paths.crds}/${file}`))
  );
  for (const crd of documents.map((document) => document.toJS())) {
    if (crd.kind !== "CustomResourceDefinition") continue;
    for (const { name, schema } of crd.spec.versions) {
      schemas.set(`${crd.spec.group}/${name} ${crd.spec.names.kind}`, schema.openAPIV3Schema);
    }
  }
  return schemas;
}
