// SPDX-License-Identifier: Apache-2.0

import { assertEquals, assertStrictEquals } from "@std/assert";
import { lineIn, parseManifests } from "./parse.ts";
import { formatProblem } from "./problem.ts";

/** The file's problems as a user reads them. */
function problemsOf(text: string): string[] {
  return parseManifests("k8s/x.yaml", text).problems.map((problem) =>
    `${problem.severity}: ${formatProblem(problem)}`
  );
}

const ROUTE = `apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata:
  name: echo
spec:
  parentRefs:
  - name: web
  rules:
  - backendRefs:
    - name: echo
      port: 9000
`;

Deno.test("parseManifests() reads a route with the API server's defaults filled in", () => {
  const parsed = parseManifests("k8s/x.yaml", ROUTE);
  assertEquals(parsed.problems, []);
  assertEquals(parsed.objects.map(({ kind, key, object }) => ({ kind, key, object })), [{
    kind: "TCPRoute",
    key: "default/echo",
    object: {
      apiVersion: "gateway.networking.k8s.io/v1",
      kind: "TCPRoute",
      metadata: { name: "echo", namespace: "default", generation: 1 },
      spec: {
        parentRefs: [{ group: "gateway.networking.k8s.io", kind: "Gateway", name: "web" }],
        rules: [{ backendRefs: [{ group: "", kind: "Service", name: "echo", port: 9000, weight: 1 }] }],
      },
    },
  }]);
});

Deno.test("parseManifests() knows the line of every field", () => {
  const [route] = parseManifests("k8s/x.yaml", `# a comment\n---\n${ROUTE}`).objects;
  assertEquals(lineIn(route!, []), 3);
  assertEquals(lineIn(route!, ["spec", "rules"]), 10);
  assertEquals(lineIn(route!, ["spec", "rules", 0, "backendRefs", 0, "port"]), 13);
  assertEquals(
    lineIn(route!, ["spec", "rules", 0, "backendRefs", 0, "weight"]),
    12,
    "of the nearest field around it",
  );
});

Deno.test("parseManifests() refuses a v1alpha2 route with more than one rule", () => {
  const text = ROUTE.replace("/v1", "/v1alpha2") + "  - backendRefs:\n    - {name: other, port: 1}\n";
  assertEquals(problemsOf(text), [
    "error: k8s/x.yaml:8: TCPRoute default/echo: spec.rules: has 2 rules, exactly 1 is allowed; split it into one route for each rule",
    "notice: k8s/x.yaml:1: TCPRoute default/echo: apiVersion: is gateway.networking.k8s.io/v1alpha2, read as gateway.networking.k8s.io/v1; change it to that",
  ]);
  assertEquals(parseManifests("k8s/x.yaml", text).invalid, ["TCPRoute default/echo"]);
});

Deno.test("parseManifests() reads a v1alpha2 route with one rule as v1", () => {
  const { objects } = parseManifests("k8s/x.yaml", ROUTE.replace("/v1", "/v1alpha2"));
  assertEquals(objects[0]?.object.apiVersion, "gateway.networking.k8s.io/v1");
});

Deno.test("parseManifests() reports invalid YAML with its line, and reads the file's other documents", () => {
  const text = `${ROUTE}---\napiVersion: v1\nkind: [\n---\n${ROUTE.replace("name: echo", "name: other")}`;
  const parsed = parseManifests("k8s/x.yaml", text);
  assertEquals(parsed.objects.map(({ key }) => key), ["default/echo", "default/other"]);
  assertEquals(parsed.incomplete, true);
  assertEquals(parsed.problems.length, 1);
  assertEquals(parsed.problems[0]?.line, 15);
  assertEquals(parsed.problems[0]?.reason.startsWith("invalid YAML: "), true);
});

Deno.test("parseManifests() reports an unknown kind with the likely one", () => {
  assertEquals(problemsOf(ROUTE.replace("TCPRoute", "TCPRout")), [
    "error: k8s/x.yaml:2: TCPRout echo: unknown kind TCPRout in gateway.networking.k8s.io/v1; did you mean TCPRoute?",
  ]);
});

Deno.test("parseManifests() reports a version that it does not read", () => {
  assertEquals(problemsOf(ROUTE.replace("/v1", "/v2")), [
    "error: k8s/x.yaml:2: TCPRoute echo: apiVersion is gateway.networking.k8s.io/v2, must be gateway.networking.k8s.io/v1 or gateway.networking.k8s.io/v1alpha2",
  ]);
});

Deno.test("parseManifests() passes over what ordinarily lies beside Gateways with a notice", () => {
  const text = [
    ["apps/v1", "Deployment"],
    ["v1", "ConfigMap"],
    ["rbac.authorization.k8s.io/v1", "Role"],
    ["gateway.networking.k8s.io/v1", "HTTPRoute"],
    ["v1", "Endpoints"],
  ].map(([apiVersion, kind]) => `apiVersion: ${apiVersion}\nkind: ${kind}\nmetadata: {name: a}\n`).join(
    "---\n",
  );
  const parsed = parseManifests("k8s/x.yaml", text);
  assertEquals(parsed.incomplete, false);
  assertEquals(problemsOf(text), [
    "notice: k8s/x.yaml:3: Deployment a: ignored: Blixt does not read Deployment objects",
    "notice: k8s/x.yaml:7: ConfigMap a: ignored: Blixt does not read ConfigMap objects",
    "notice: k8s/x.yaml:11: Role a: ignored: Blixt does not read Role objects",
    "notice: k8s/x.yaml:15: HTTPRoute a: ignored: Blixt works at layer 4 and does not read HTTPRoute objects",
    "notice: k8s/x.yaml:19: Endpoints a: ignored: Blixt does not read Endpoints objects; write an EndpointSlice",
  ]);
});

Deno.test("parseManifests() reports wrong types, missing and out-of-range fields, each with its line", () => {
  const text = `apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: dns, namespace: Infra}
spec:
  parentRefs: web
  rules:
  - backendRefs:
    - name: a
      port: 70000
    - port: 53
      weight: -1
    - name: c
    - name: d
      port: "53"
`;
  assertEquals(problemsOf(text), [
    'error: k8s/x.yaml:3: UDPRoute Infra/dns: metadata.namespace: is "Infra", must be lower-case letters, digits and hyphens (a DNS label)',
    'error: k8s/x.yaml:5: UDPRoute Infra/dns: spec.parentRefs: is the string "web", must be a list',
    "error: k8s/x.yaml:9: UDPRoute Infra/dns: spec.rules[0].backendRefs[0].port: is 70000, must be 1 to 65535",
    "error: k8s/x.yaml:11: UDPRoute Infra/dns: spec.rules[0].backendRefs[1].weight: is -1, must be 0 to 1000000",
    "error: k8s/x.yaml:10: UDPRoute Infra/dns: spec.rules[0].backendRefs[1].name: is missing",
    "error: k8s/x.yaml:12: UDPRoute Infra/dns: spec.rules[0].backendRefs[2].port: is missing, a Service needs one",
    'error: k8s/x.yaml:14: UDPRoute Infra/dns: spec.rules[0].backendRefs[3].port: is the string "53", must be a whole number',
  ]);
});

Deno.test("parseManifests() names the field that an unknown one was likely meant to be", () => {
  assertEquals(problemsOf(ROUTE.replace("parentRefs", "parentRef")), [
    "notice: k8s/x.yaml:6: TCPRoute default/echo: spec.parentRef: unknown field, ignored; did you mean parentRefs?",
  ]);
});

Deno.test("parseManifests() reads each item of a List, with its own line", () => {
  const text = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: a}
  spec: {ports: [{port: 1}]}
- apiVersion: v1
  kind: Service
  metadata: {name: b}
  spec:
    ports: [{port: 0}]
`;
  const parsed = parseManifests("k8s/x.yaml", text);
  assertEquals(parsed.objects.map((object) => [object.key, lineIn(object, [])]), [["default/a", 4]]);
  assertEquals(problemsOf(text), [
    "error: k8s/x.yaml:12: Service default/b: spec.ports[0].port: is 0, must be 1 to 65535",
  ]);
});

Deno.test("parseManifests() reads JSON", () => {
  const text = JSON.stringify({
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: "a", namespace: "b" },
  });
  assertEquals(
    parseManifests("x.json", text).objects[0]?.key,
    "a",
    "a cluster-scoped object has no namespace",
  );
});

Deno.test("parseManifests() reports what is no object at all", () => {
  assertEquals(problemsOf("just words\n---\nkind: Service\n---\napiVersion: v1\n---\n\n"), [
    "error: k8s/x.yaml:1: is no Kubernetes object: it must be a mapping with apiVersion, kind and metadata",
    "error: k8s/x.yaml:3: Service: apiVersion is missing",
    "error: k8s/x.yaml:5: is no Kubernetes object: kind is missing",
  ]);
});

Deno.test("parseManifests() reports an object without a name", () => {
  const text = ROUTE.replace("  name: echo\n", "  labels: {a: b}\n");
  assertEquals(problemsOf(text), ["error: k8s/x.yaml:3: TCPRoute without a name: metadata.name: is missing"]);
  assertEquals(parseManifests("k8s/x.yaml", text).incomplete, true);
});

Deno.test("parseManifests() reads a Node's addresses out of its status, and nothing else of that", () => {
  const text = (addresses: string): string =>
    `apiVersion: v1\nkind: Node\nmetadata: {name: a}\nstatus:\n  capacity: {cpu: "4"}\n  addresses: ${addresses}\n`;
  const [node] = parseManifests("k8s/x.yaml", text("[{type: InternalIP, address: 10.9.0.1}]")).objects;
  assertEquals((node?.object as unknown as Record<string, unknown>)["status"], {
    addresses: [{ type: "InternalIP", address: "10.9.0.1" }],
  });
  assertEquals(problemsOf(text("[{type: InternalIP, address: 10.9.0.1}]")), []);
  assertEquals(problemsOf(text("[{type: InternalIP}]")), [
    "error: k8s/x.yaml:6: Node a: status.addresses[0].address: is missing",
  ]);
});

Deno.test("parseManifests() leaves a status in a manifest alone", () => {
  const [route] = parseManifests("k8s/x.yaml", `${ROUTE}status:\n  parents: []\n`).objects;
  assertEquals("status" in (route?.object ?? {}), false);
});

Deno.test("parseManifests() survives an alias bomb", () => {
  const bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" +
    ["b", "c", "d", "e", "f", "g", "h"].map((name, i) =>
      `${name}: &${name} [${Array(9).fill(`*${"abcdefg"[i]}`).join(",")}]\n`
    ).join("");
  assertEquals(problemsOf(bomb).length, 1);
});

Deno.test("parseManifests() reads again what changed alone, and of one text twice in a file only the first", () => {
  const other = ROUTE.replaceAll("echo", "other");
  const first = parseManifests("k8s/x.yaml", `${ROUTE}---\n${other}`);
  const text = `# said\n---\n${ROUTE}---\n${other}---\n${other}`;
  const { objects } = parseManifests("k8s/x.yaml", text, first);
  assertEquals(objects.map((object) => [object.id, lineIn(object, [])]), [
    ["TCPRoute default/echo", 3],
    ["TCPRoute default/other", 15],
    ["TCPRoute default/other", 27],
  ]);
  assertStrictEquals(objects[1]!.object, first.objects[1]!.object);
  assertStrictEquals(objects[2]!.object, objects[1]!.object);
});

Deno.test("parseManifests() counts generations from 1, whatever an exported manifest says", () => {
  const [route] =
    parseManifests("k8s/x.yaml", ROUTE.replace("name: echo", "name: echo\n  generation: 7")).objects;
  assertEquals(route?.object.metadata.generation, 1);
});
