// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"fmt"
	"strings"
	"testing"
)

// listenerOf writes a listener of a Gateway or ListenerSet.
func listenerOf(name, protocol, hostname string) string {
	if hostname != "" {
		hostname = ", hostname: " + hostname
	}
	return fmt.Sprintf("{ name: %s, port: 80, protocol: %s%s }", name, protocol, hostname)
}

func objectOf(kind, name, spec string, listeners ...string) string {
	const object = `
apiVersion: gateway.networking.k8s.io/v1
kind: %s
metadata: { name: %s, namespace: infra }
spec: { %s listeners: [%s] }
---`
	return fmt.Sprintf(object, kind, name, spec, strings.Join(listeners, ", "))
}

// portsAndProtocols gives "port/protocol" of every listener of every object.
func portsAndProtocols(t *testing.T, manifest string, form Form) [][]string {
	t.Helper()
	var all [][]string
	for _, object := range documents(t, manifest, form) {
		var own []string
		for _, entry := range object["spec"].(map[string]any)["listeners"].([]any) {
			listener := entry.(map[string]any)
			own = append(own, fmt.Sprintf("%v/%v", listener["port"], listener["protocol"]))
		}
		all = append(all, own)
	}
	return all
}

func TestListenersThatDifferInHostnameGetPortsOfTheirOwn(t *testing.T) {
	manifest := objectOf("Gateway", "one", "", listenerOf("a", "HTTP", "a.com"), listenerOf("b", "HTTP", "b.com")) +
		objectOf("Gateway", "two", "", listenerOf("b", "HTTP", "b.com"))
	expect(t, portsAndProtocols(t, manifest, TCP), "[[80/TCP, 81/TCP], [80/TCP]]")
}

func TestListenersThatClashStillDoInListenerSets(t *testing.T) {
	parent := "parentRef: { name: one },"
	manifest := objectOf("Gateway", "one", "", listenerOf("a", "HTTP", "a.com"), listenerOf("b", "HTTP", "b.com")) +
		objectOf("ListenerSet", "set", parent, listenerOf("b", "HTTP", "B.com"), listenerOf("c", "HTTP", "c.com"))
	expect(t, portsAndProtocols(t, manifest, distinctPorts), "[[80/TCP, 81/TCP], [81/TCP, 82/TCP]]")
}

func TestExchangedListenersClashByProtocol(t *testing.T) {
	parent := "parentRef: { name: one, namespace: infra },"
	manifest := objectOf("Gateway", "one", "", listenerOf("a", "HTTP", "a.com")) +
		objectOf("ListenerSet", "set", parent, listenerOf("b", "HTTP", "b.com"), listenerOf("clash", "TCP", ""))
	expect(t, portsAndProtocols(t, manifest, exchanged), "[[80/TCP], [81/TCP, 80/HTTP]]")
}
