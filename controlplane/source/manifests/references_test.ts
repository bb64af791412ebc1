// SPDX-License-Identifier: Apache-2.0

import { assertEquals } from "@std/assert";
import { parseManifests } from "./parse.ts";
import { formatProblem } from "./problem.ts";
import { referenceProblems } from "./references.ts";

const GATEWAY_API = "apiVersion: gateway.networking.k8s.io/v1";

const CLASS = `${GATEWAY_API}
kind: GatewayClass
metadata: {name: blixt}
spec: {controllerName: gateway.networking.k8s.io/blixt}
`;
const GATEWAY = `${GATEWAY_API}
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: blixt
  listeners: [{name: tcp, port: 80, protocol: TCP}]
`;
const ROUTE = `${GATEWAY_API}
kind: TCPRoute
metadata: {name: echo}
spec:
  parentRefs:
  - name: web
  rules:
  - backendRefs:
    - name: echo
      port: 9000
`;
const SERVICE = `apiVersion: v1
kind: Service
metadata: {name: echo}
spec: {ports: [{port: 9000}]}
`;
const SLICE = `apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: echo-1
  labels: {kubernetes.io/service-name: echo}
addressType: IPv4
`;

function problemsOf(...documents: readonly string[]): string[] {
  return referenceProblems(parseManifests("x.yaml", documents.join("---\n")).objects).map(formatProblem);
}

Deno.test("referenceProblems() finds nothing where every reference leads to an object", () => {
  assertEquals(problemsOf(CLASS, GATEWAY, ROUTE, SERVICE, SLICE), []);
});

Deno.test("referenceProblems() reports a Gateway without its class, with the likely one", () => {
  assertEquals(problemsOf(CLASS, GATEWAY.replace("blixt", "blix")), [
    "x.yaml:10: Gateway default/web: spec.gatewayClassName: GatewayClass blix is in no manifest; did you mean blixt?",
  ]);
});

Deno.test("referenceProblems() reports a route without its Gateway and without its Service", () => {
  assertEquals(problemsOf(ROUTE), [
    "x.yaml:6: TCPRoute default/echo: spec.parentRefs[0]: Gateway default/web is in no manifest",
    "x.yaml:9: TCPRoute default/echo: spec.rules[0].backendRefs[0]: Service default/echo is in no manifest",
  ]);
});

Deno.test("referenceProblems() reports a port that the Service does not have", () => {
  assertEquals(problemsOf(CLASS, GATEWAY, ROUTE, SERVICE.replace("9000", "80")), [
    "x.yaml:21: TCPRoute default/echo: spec.rules[0].backendRefs[0]: Service default/echo has no port 9000; it has 80",
  ]);
});

Deno.test("referenceProblems() follows a reference into another namespace", () => {
  const route = ROUTE.replace("- name: echo", "- {name: echo, namespace: backends, port: 9000}").replace(
    "      port: 9000\n",
    "",
  );
  assertEquals(
    problemsOf(CLASS, GATEWAY, route, SERVICE.replace("name: echo", "name: echo, namespace: backends")),
    [],
  );
});

Deno.test("referenceProblems() reports an EndpointSlice whose Service is not there", () => {
  assertEquals(problemsOf(SLICE), [
    "x.yaml:5: EndpointSlice default/echo-1: metadata.labels.kubernetes.io/service-name: Service default/echo is in no manifest",
  ]);
});

Deno.test("referenceProblems() reports a ListenerSet without its Gateway and a class without its configuration", () => {
  const set = `${GATEWAY_API}
kind: ListenerSet
metadata: {name: more}
spec:
  parentRef: {name: gone}
  listeners: [{name: udp, port: 53, protocol: UDP}]
`;
  const configured = `${CLASS}  
`.replace("/blixt}", "/blixt, parametersRef: {group: blixt.x-k8s.io, kind: GatewayClassConfig, name: gone}}");
  assertEquals(problemsOf(set, configured), [
    "x.yaml:5: ListenerSet default/more: spec.parentRef: Gateway default/gone is in no manifest",
    "x.yaml:11: GatewayClass blixt: spec.parametersRef: GatewayClassConfig gone is in no manifest",
  ]);
});

Deno.test("referenceProblems() leaves kinds that Blixt does not read to the route's conditions", () => {
  assertEquals(
    problemsOf(
      CLASS,
      GATEWAY,
      ROUTE.replace("- name: echo", "- {kind: Bucket, group: x.io, name: b}").replace(
        "      port: 9000\n",
        "",
      ),
    ),
    [],
  );
});

Deno.test("referenceProblems() looks for likely names of the first twenty missing objects only", () => {
  const routes = Array.from(
    { length: 25 },
    (_, index) => ROUTE.replace("name: echo", `name: r${index}`).replace("name: web", "name: wep"),
  );
  const { objects } = parseManifests("a.yaml", [CLASS, GATEWAY, SERVICE, ...routes].join("---\n"));
  const reasons = referenceProblems(objects).map(({ reason }) => reason);
  const hinted = reasons.filter((reason) => reason.includes("did you mean default/web?"));
  assertEquals([reasons.length, hinted.length], [25, 20]);
});
