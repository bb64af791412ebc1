// SPDX-License-Identifier: Apache-2.0

package fabric

import (
	"maps"
	"strings"
	"testing"
)

func TestParseNodesReadsPairs(t *testing.T) {
	nodes, err := ParseNodes("n1=cluster-n1,n2=cluster-n2")
	if err != nil || !maps.Equal(nodes, map[string]string{"n1": "cluster-n1", "n2": "cluster-n2"}) {
		t.Errorf("got %v, %v", nodes, err)
	}
}

func TestParseNodesRefusesOtherForms(t *testing.T) {
	for _, text := range []string{"", "n1", "=netns", "n1=", "n1=a,,n2=b"} {
		if nodes, err := ParseNodes(text); err == nil {
			t.Errorf("%q gives %v", text, nodes)
		}
	}
}

func TestFailRefusesANodeThatIsNotThere(t *testing.T) {
	err := Fabric{Netns: "fabric", Nodes: map[string]string{"n1": "netns"}}.Fail(t.Context(), "n2")
	if err == nil || !strings.Contains(err.Error(), "there is no node n2") {
		t.Errorf("got %v", err)
	}
}
