// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"errors"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"sigs.k8s.io/yaml"
)

const gatewayAndRoute = `
# A Gateway, and a route to it.
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: gateway
  namespace: infra
spec:
  gatewayClassName: "{GATEWAY_CLASS_NAME}"
  listeners:
  - name: http
    port: 80
    protocol: HTTP
    hostname: one.example.com
    allowedRoutes:
      kinds:
      - kind: HTTPRoute
      - kind: InvalidRoute
  - name: https
    port: 443
    protocol: HTTPS
    tls:
      certificateRefs:
      - name: certificate
  - name: invalid
    port: 1111
    protocol: INVALID
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: route
  namespace: infra
spec:
  hostnames: [one.example.com]
  parentRefs:
  - name: gateway
  rules:
  - matches:
    - path: { type: PathPrefix, value: / }
    backendRefs:
    - name: backend
      port: 8080
---
apiVersion: v1
kind: Service
metadata:
  name: HTTPRoute
`

// documents reads a manifest through FS.
func documents(t *testing.T, manifest string, form Form) []map[string]any {
	t.Helper()
	manifests := fstest.MapFS{"m.yaml": {Data: []byte(manifest)}}
	data, err := fs.ReadFile(FS{Manifests: manifests, Forms: map[string]Form{"m.yaml": form}}, "m.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var objects []map[string]any
	for _, document := range strings.Split(string(data), "---\n")[1:] {
		object := map[string]any{}
		if err := yaml.Unmarshal([]byte(document), &object); err != nil {
			t.Fatal(err)
		}
		objects = append(objects, object)
	}
	return objects
}

// expect compares a value with YAML.
func expect(t *testing.T, got any, want string) {
	t.Helper()
	text, err := yaml.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var parsed any
	if err := yaml.Unmarshal([]byte(want), &parsed); err != nil {
		t.Fatal(err)
	}
	canonical, err := yaml.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != string(canonical) {
		t.Errorf("got:\n%s\nwant:\n%s", text, canonical)
	}
}

func TestFSTranslatesListenersAndKeepsWhatLayer4Has(t *testing.T) {
	gateway := documents(t, gatewayAndRoute, TCP)[0]
	expect(t, gateway, `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata:
  name: gateway
  namespace: infra
  annotations: { conformance.blixt.test/layer-4-form: TCP }
spec:
  gatewayClassName: "{GATEWAY_CLASS_NAME}"
  listeners:
  - name: http
    port: 80
    protocol: TCP
    allowedRoutes: { kinds: [{ kind: TCPRoute }, { kind: InvalidRoute }] }
  - { name: https, port: 443, protocol: TCP }
  - { name: invalid, port: 1111, protocol: INVALID }
`)
}

func TestFSMakesAnHTTPRouteATCPRouteOfOneRule(t *testing.T) {
	route := documents(t, gatewayAndRoute, TCP)[1]
	expect(t, route["kind"], "TCPRoute")
	expect(t, route["spec"], `
parentRefs: [{ name: gateway }]
rules: [{ backendRefs: [{ name: backend, port: 8080 }] }]
`)
}

func TestFSLeavesOtherAPIGroupsAlone(t *testing.T) {
	expect(t, documents(t, gatewayAndRoute, TCP)[2], "{ apiVersion: v1, kind: Service, metadata: { name: HTTPRoute } }")
}

func TestFSGivesManifestsWithoutAFormAsTheyAre(t *testing.T) {
	manifests := fstest.MapFS{"m.yaml": {Data: []byte(gatewayAndRoute)}}
	data, err := fs.ReadFile(FS{Manifests: manifests}, "m.yaml")
	if err != nil || string(data) != gatewayAndRoute {
		t.Errorf("got %v and:\n%s", err, data)
	}
}

func TestFSSaysThatAFileDoesNotExist(t *testing.T) {
	_, err := fs.ReadFile(FS{Manifests: fstest.MapFS{}, Forms: map[string]Form{"m.yaml": TCP}}, "m.yaml")
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestFSRefusesARouteThatLayer4CannotHave(t *testing.T) {
	manifest := `{ apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: { name: r }, spec: { rules: [{}, {}] } }`
	manifests := fstest.MapFS{"m.yaml": {Data: []byte(manifest)}}
	_, err := fs.ReadFile(FS{Manifests: manifests, Forms: map[string]Form{"m.yaml": TCP}}, "m.yaml")
	if err == nil || !strings.Contains(err.Error(), "HTTPRoute r: 2 rules have no layer-4 form") {
		t.Errorf("got %v", err)
	}
}
