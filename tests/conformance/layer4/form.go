// SPDX-License-Identifier: Apache-2.0

// Package layer4 puts conformance tests that use HTTP listeners, although they
// ask nothing of HTTP, into layer-4 form: the same objects and the same
// questions with TCP listeners and TCPRoutes.
//
// A test keeps its code. What it sends to the API server is translated on the
// way out (its manifests by FS, the requests of its code by Transport), what it
// reads back is translated on the way in. See
// https://github.com/kubernetes-sigs/gateway-api/issues/2403.
package layer4

// Form is a dictionary from the test's words to those of layer 4. Words that
// it does not have stay.
type Form struct {
	// Name marks objects in this form, so that Transport knows them again.
	Name string
	// Protocols of listeners.
	Protocols map[string]string
	// Kinds of routes, of objects as well as in lists of kinds.
	Kinds map[string]string
	// Answers are kinds and reasons of statuses, from layer 4's words back to
	// the test's.
	Answers map[string]string
}

// TCP is the form of a test that could as well have been written for TCP.
var TCP = Form{
	Name:      "TCP",
	Protocols: map[string]string{"HTTP": "TCP", "HTTPS": "TCP"},
	Kinds:     map[string]string{"HTTPRoute": "TCPRoute"},
	Answers:   map[string]string{"TCPRoute": "HTTPRoute"},
}

// distinctPorts is TCP for a test about listeners that HTTP tells apart by
// hostname, and layer 4 by port alone: when they clash, the reason is another.
var distinctPorts = Form{
	Name:      "DistinctPorts",
	Protocols: TCP.Protocols,
	Kinds:     TCP.Kinds,
	Answers:   map[string]string{"TCPRoute": "HTTPRoute", "ListenerConflict": "HostnameConflict"},
}

// exchanged is the form of a test about a clash of HTTP with TCP in which HTTP
// wins: here TCP wins.
var exchanged = Form{
	Name:      "Exchanged",
	Protocols: map[string]string{"HTTP": "TCP", "TCP": "HTTP"},
	Kinds:     TCP.Kinds,
	Answers:   TCP.Answers,
}

// passthrough is the form of a UDPRoute's test with a TLS listener: here it is
// TCP, which takes no UDPRoutes either.
var passthrough = Form{
	Name:      "Passthrough",
	Protocols: map[string]string{"TLS": "TCP"},
}

// otherProtocol is the form of a TCPRoute's test with a listener that is not
// TCP: here it is UDP.
var otherProtocol = Form{
	Name:      "OtherProtocol",
	Protocols: map[string]string{"HTTP": "UDP"},
	Kinds:     map[string]string{"HTTPRoute": "UDPRoute"},
}

// otherKind is the form of a test about a listener that takes no routes of the
// one kind that it allows: here it is TCP and allows UDPRoutes.
var otherKind = Form{
	Name:      "OtherKind",
	Protocols: map[string]string{"HTTP": "TCP", "TLS": "TCP"},
	Kinds:     map[string]string{"HTTPRoute": "UDPRoute"},
}

// formNamed finds a form by its name.
func formNamed(name string) (Form, bool) {
	for _, form := range []Form{TCP, distinctPorts, exchanged, otherKind, otherProtocol, passthrough} {
		if form.Name == name {
			return form, true
		}
	}
	return Form{}, false
}

func (f Form) protocol(name string) string { return translate(f.Protocols, name) }
func (f Form) kind(name string) string     { return translate(f.Kinds, name) }
func (f Form) answer(word string) string   { return translate(f.Answers, word) }

func translate(words map[string]string, word string) string {
	if other, ok := words[word]; ok {
		return other
	}
	return word
}
