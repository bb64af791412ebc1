// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// portTable has the ports of every Gateway of a manifest, by namespace and name.
type portTable map[string]portsOfGateway

// portsOfGateway tells listeners that share a port and differ in hostname apart
// by port, for a Gateway and its ListenerSets.
type portsOfGateway map[int64][]string

// of gives the ports of a Gateway, or of the Gateway that a ListenerSet is for.
func (t portTable) of(object unstructured.Unstructured) portsOfGateway {
	namespace, name := object.GetNamespace(), object.GetName()
	if object.GetKind() == "ListenerSet" {
		parent, _, _ := unstructured.NestedStringMap(object.Object, "spec", "parentRef")
		name = parent["name"]
		if parent["namespace"] != "" {
			namespace = parent["namespace"]
		}
	}
	key := namespace + "/" + name
	if t[key] == nil {
		t[key] = portsOfGateway{}
	}
	return t[key]
}

// assign gives a listener's port: its own for the first hostname that asks for
// it, the next one for the second, and so on.
func (p portsOfGateway) assign(port int64, hostname string) int64 {
	for offset, known := range p[port] {
		if known == hostname {
			return port + int64(offset)
		}
	}
	p[port] = append(p[port], hostname)
	return port + int64(len(p[port])) - 1
}

// asPort reads a port of decoded YAML or JSON.
func asPort(value any) (int64, bool) {
	switch value := value.(type) {
	case int64:
		return value, true
	case float64:
		return int64(value), true
	}
	return 0, false
}
