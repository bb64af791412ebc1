// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// group is the API group of everything that is translated.
const group = "gateway.networking.k8s.io"

// annotation marks an object that is in layer-4 form, with the form's name.
const annotation = "conformance.blixt.test/layer-4-form"

// translateObject puts an object of a manifest into layer-4 form and marks it;
// objects of other API groups stay as they are.
func translateObject(object map[string]any, form Form, ports portTable) error {
	u := unstructured.Unstructured{Object: object}
	if u.GroupVersionKind().Group != group {
		return nil
	}
	original := u.GetKind()
	u.SetKind(form.kind(original))
	switch {
	case original == "Gateway" || original == "ListenerSet":
		if err := translateListeners(object, form, ports.of(u)); err != nil {
			return fmt.Errorf("%s %s: %w", original, u.GetName(), err)
		}
	case original == "HTTPRoute":
		if err := translateRules(object); err != nil {
			return fmt.Errorf("%s %s: %w", original, u.GetName(), err)
		}
	default:
		return nil
	}
	annotations := u.GetAnnotations()
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[annotation] = form.Name
	u.SetAnnotations(annotations)
	return nil
}

// formOf gives the form of an object that translateObject has marked.
func formOf(object map[string]any) (Form, bool) {
	name, _, _ := unstructured.NestedString(object, "metadata", "annotations", annotation)
	return formNamed(name)
}

// translateListeners translates spec.listeners of an object, or of a merge
// patch: protocols, kinds of routes, and ports in place of hostnames.
func translateListeners(object map[string]any, form Form, ports portsOfGateway) error {
	listeners, found, err := unstructured.NestedSlice(object, "spec", "listeners")
	if err != nil || !found {
		return err
	}
	for index, entry := range listeners {
		listener, ok := entry.(map[string]any)
		if !ok {
			return fmt.Errorf("spec.listeners[%d] is no object", index)
		}
		protocol, _ := listener["protocol"].(string)
		hostname, _ := listener["hostname"].(string)
		other := form.protocol(protocol)
		if port, ok := asPort(listener["port"]); ok {
			switch {
			case hasHostname(protocol):
				listener["port"] = ports.assign(port, strings.ToLower(hostname))
			case other == protocol:
				// It has been translated before, or need not be.
				ports.assign(port, "")
			}
		}
		if other != protocol {
			listener["protocol"] = other
			delete(listener, "tls")
			delete(listener, "hostname")
		}
		translateAllowedKinds(listener, form)
	}
	return unstructured.SetNestedSlice(object, listeners, "spec", "listeners")
}

// hasHostname tells whether listeners of a protocol can share a port when their
// hostnames differ.
func hasHostname(protocol string) bool {
	return protocol == "HTTP" || protocol == "HTTPS" || protocol == "TLS"
}

func translateAllowedKinds(listener map[string]any, form Form) {
	allowed, _ := listener["allowedRoutes"].(map[string]any)
	kinds, _ := allowed["kinds"].([]any)
	for _, entry := range kinds {
		if kind, ok := entry.(map[string]any); ok {
			if name, ok := kind["kind"].(string); ok {
				kind["kind"] = form.kind(name)
			}
		}
	}
}

// translateRules makes the rules of an HTTPRoute those of a TCPRoute: one,
// with backendRefs alone. Hostnames go.
func translateRules(object map[string]any) error {
	rules, _, err := unstructured.NestedSlice(object, "spec", "rules")
	if err != nil {
		return err
	}
	if len(rules) != 1 {
		return fmt.Errorf("%d rules have no layer-4 form", len(rules))
	}
	rule, _ := rules[0].(map[string]any)
	unstructured.RemoveNestedField(object, "spec", "hostnames")
	single := []any{map[string]any{"backendRefs": rule["backendRefs"]}}
	return unstructured.SetNestedSlice(object, single, "spec", "rules")
}

// translateStatus puts an answer into the test's words: the kinds and the
// reasons in a status.
func translateStatus(value any, form Form) any {
	switch value := value.(type) {
	case map[string]any:
		for key, inner := range value {
			word, ok := inner.(string)
			if ok && (key == "kind" || key == "reason") {
				value[key] = form.answer(word)
			} else {
				value[key] = translateStatus(inner, form)
			}
		}
	case []any:
		for index, inner := range value {
			value[index] = translateStatus(inner, form)
		}
	}
	return value
}
