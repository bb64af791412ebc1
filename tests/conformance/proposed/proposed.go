// SPDX-License-Identifier: Apache-2.0

// Package proposed holds conformance tests for what the Gateway API says about
// layer 4 and its suite leaves untested. They have the suite's own form, so
// that they could be offered to it, and ask nothing that only Blixt has.
package proposed

import (
	"embed"

	"sigs.k8s.io/gateway-api/conformance/utils/suite"

	"blixt.test/conformance/proposed/tests"
)

// Manifests of the tests. The base manifests are to be applied together with
// the suite's own: they bring echo servers of layer 4.
//
//go:embed base/*.yaml tests/*.yaml
var Manifests embed.FS

// Tests gives all tests. Those that take a node away are left out when nodes is
// nil.
func Tests(nodes tests.Nodes) []suite.ConformanceTest {
	all := tests.ConformanceTests
	if nodes != nil {
		all = append(all[:len(all):len(all)], tests.GatewayAddressMovesWithNode(nodes))
	}
	return all
}
