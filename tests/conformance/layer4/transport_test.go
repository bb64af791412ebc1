// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

const gatewayPath = "/apis/gateway.networking.k8s.io/v1/namespaces/infra/gateways/gateway"

const translatedGateway = `{
  "kind": "Gateway",
  "metadata": {"generation": 9007199254740993, "annotations": {"conformance.blixt.test/layer-4-form": "DistinctPorts"}},
  "status": {"listeners": [{
    "name": "TCPRoute",
    "supportedKinds": [{"kind": "TCPRoute"}, {"kind": "UDPRoute"}],
    "conditions": [{"type": "Conflicted", "reason": "ListenerConflict"}, {"reason": "Accepted"}]}]}}`

// apiServer answers every request with a body, and keeps the last request's.
type apiServer struct {
	answer string
	got    string
}

func (s *apiServer) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	body, _ := io.ReadAll(request.Body)
	s.got = string(body)
	writer.Header().Set("Content-Type", "application/json")
	io.WriteString(writer, s.answer)
}

// send sends a request through a transport and gives the answer, decoded.
func send(t *testing.T, transport *Transport, url, method, body string) map[string]any {
	t.Helper()
	request, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := readObject(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer
}

func start(t *testing.T, answer string) (*apiServer, *Transport, string) {
	api := &apiServer{answer: answer}
	server := httptest.NewServer(api)
	t.Cleanup(server.Close)
	return api, &Transport{Base: http.DefaultTransport}, server.URL
}

func TestTransportTranslatesStatusesOfMarkedObjects(t *testing.T) {
	_, transport, url := start(t, translatedGateway)
	answer := send(t, transport, url+gatewayPath, http.MethodGet, "")
	expect(t, answer["status"], `
listeners:
- name: TCPRoute
  supportedKinds: [{ kind: HTTPRoute }, { kind: UDPRoute }]
  conditions: [{ type: Conflicted, reason: HostnameConflict }, { reason: Accepted }]
`)
	if generation := answer["metadata"].(map[string]any)["generation"]; generation != int64(9007199254740993) {
		t.Errorf("the generation is now %v", generation)
	}
}

func TestTransportTranslatesMarkedObjectsOfAList(t *testing.T) {
	other := `{"status": {"listeners": [{"supportedKinds": [{"kind": "TCPRoute"}]}]}}`
	_, transport, url := start(t, `{"items": [`+translatedGateway+`, `+other+`]}`)
	items := send(t, transport, url+"/apis/gateway.networking.k8s.io/v1/gateways", http.MethodGet, "")["items"].([]any)
	kinds := func(item any) any {
		listeners := item.(map[string]any)["status"].(map[string]any)["listeners"].([]any)
		return listeners[0].(map[string]any)["supportedKinds"]
	}
	expect(t, kinds(items[0]), "[{ kind: HTTPRoute }, { kind: UDPRoute }]")
	expect(t, kinds(items[1]), "[{ kind: TCPRoute }]")
}

func TestTransportTranslatesPatchesOfObjectsThatItHasSeenMarked(t *testing.T) {
	api, transport, url := start(t, translatedGateway)
	patch := `{"spec": {"listeners": [
	  {"name": "old", "port": 80, "protocol": "TCP"},
	  {"name": "new", "port": 80, "protocol": "HTTP", "hostname": "new.com"}]}}`
	send(t, transport, url+gatewayPath, http.MethodPatch, patch)
	if api.got != patch {
		t.Errorf("changed the patch of an object never seen: %s", api.got)
	}
	send(t, transport, url+gatewayPath, http.MethodGet, "")
	send(t, transport, url+gatewayPath, http.MethodPatch, patch)
	var sent any
	if err := yaml.Unmarshal([]byte(api.got), &sent); err != nil {
		t.Fatal(err)
	}
	expect(t, sent, `
spec: { listeners: [{ name: old, port: 80, protocol: TCP }, { name: new, port: 81, protocol: TCP }] }
`)
}

func TestTransportLeavesOtherAPIGroupsAlone(t *testing.T) {
	_, transport, url := start(t, translatedGateway)
	answer := send(t, transport, url+"/api/v1/namespaces/infra/pods/pod", http.MethodGet, "")
	kinds := answer["status"].(map[string]any)["listeners"].([]any)[0].(map[string]any)["supportedKinds"]
	expect(t, kinds, "[{ kind: TCPRoute }, { kind: UDPRoute }]")
}

// onlyTCPRoutes answers for routes of one kind.
type onlyTCPRoutes struct{ asked []string }

func (s *onlyTCPRoutes) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	s.asked = append(s.asked, request.URL.Path)
	writer.Header().Set("Content-Type", "application/json")
	if !strings.Contains(request.URL.Path, "/tcproutes/") {
		writer.WriteHeader(http.StatusNotFound)
		io.WriteString(writer, `{"kind": "Status", "code": 404}`)
		return
	}
	io.WriteString(writer, `{
	  "kind": "TCPRoute",
	  "metadata": {"annotations": {"conformance.blixt.test/layer-4-form": "TCP"}},
	  "status": {"parents": []}}`)
}

func TestTransportReadsATCPRouteWhereATestReadsTheHTTPRouteThatItWas(t *testing.T) {
	routes := &onlyTCPRoutes{}
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	transport := &Transport{Base: http.DefaultTransport}
	const namespace = "/apis/gateway.networking.k8s.io/v1/namespaces/infra"
	answer := send(t, transport, server.URL+namespace+"/httproutes/route", http.MethodGet, "")
	expect(t, answer["kind"], "HTTPRoute")
	expect(t, answer["status"], "{ parents: [] }")
	expect(t, routes.asked, "["+namespace+"/httproutes/route, "+namespace+"/tcproutes/route]")
}

func TestTransportDeletesNoTCPRouteInPlaceOfAnHTTPRoute(t *testing.T) {
	routes := &onlyTCPRoutes{}
	server := httptest.NewServer(routes)
	t.Cleanup(server.Close)
	path := "/apis/gateway.networking.k8s.io/v1/namespaces/infra/httproutes/route"
	send(t, &Transport{Base: http.DefaultTransport}, server.URL+path, http.MethodDelete, "")
	expect(t, routes.asked, "["+path+"]")
}
