// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"slices"
	"testing"

	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// forms has every test that runs in layer-4 form, by its short name. All other
// tests of the profiles run as they are, or not at all: see skipped.
var forms = map[string]Form{
	"GatewayInfrastructureMetadata":           TCP,
	"GatewayInvalidParametersRef":             TCP,
	"GatewayInvalidRouteKind":                 TCP,
	"GatewayListenerUnsupportedProtocol":      TCP,
	"GatewayModifyListeners":                  TCP,
	"GatewayObservedGenerationBump":           TCP,
	"GatewayOptionalAddressValue":             TCP,
	"GatewayStaticAddresses":                  TCP,
	"GatewayWithAttachedRoutesWithPort8080":   TCP,
	"ListenerSetAllowedNamespaceNone":         TCP,
	"ListenerSetAllowedNamespaceSame":         TCP,
	"ListenerSetAllowedNamespaceSelector":     TCP,
	"ListenerSetAllowedRoutesSupportedKinds":  otherKind,
	"ListenerSetDefaultNotAllowed":            TCP,
	"ListenerSetHostnameConflict":             distinctPorts,
	"ListenerSetProtocolConflict":             exchanged,
	"ListenerSetRouteStatusScopedToParentRef": TCP,
	"TCPRouteInvalidNonTCPListener":           otherProtocol,
	"UDPRouteNotAllowedByListeners":           passthrough,
}

// skipped has every test of the profiles that has no layer-4 form, and why.
// Tests that need HTTPRoute or TLSRoute are in none of the profiles. Of those
// that could have a form but for their questions, about hostnames or paths,
// ListenerSetAllowedRoutesNamespaces, ListenerSetDualParentRefIndependence and
// ListenerSetGatewayParentSectionNameNotFound ask over HTTP which route answers,
// and GatewayWithAttachedRoutes asks for NoMatchingListenerHostname.
var skipped = map[string]string{
	"GatewayInvalidTLSConfiguration":            certificates,
	"GatewaySecretInvalidReferenceGrant":        certificates,
	"GatewaySecretMissingReferenceGrant":        certificates,
	"GatewaySecretReferenceGrantAllInNamespace": certificates,
	"GatewaySecretReferenceGrantSpecific":       certificates,
	"ListenerSetReferenceGrant":                 certificates,
}

// certificates is the reason of every test about a listener's certificateRefs.
const certificates = "it is about certificateRefs, which listeners of layer 4 do not have"

// SkippedTests gives the short names of all tests that have no layer-4 form,
// each with the reason.
func SkippedTests() map[string]string { return skipped }

// Manifests gives the form of every manifest that has one, by its path in the
// suite's file system.
func Manifests(tests []suite.ConformanceTest) map[string]Form {
	manifests := map[string]Form{"base/manifests.yaml": TCP}
	for _, test := range tests {
		form, ok := forms[test.ShortName]
		if !ok {
			continue
		}
		for _, manifest := range test.Manifests {
			manifests[manifest] = form
		}
	}
	return manifests
}

// Tests gives the tests as the suite is to run them: one that has a layer-4
// form asks for TCPRoute where it asked for HTTPRoute or TLSRoute.
func Tests(tests []suite.ConformanceTest) []suite.ConformanceTest {
	adapted := slices.Clone(tests)
	for index, test := range adapted {
		if _, ok := forms[test.ShortName]; !ok {
			continue
		}
		// Tests that run in parallel must leave the suite alone, and ask for no feature.
		if !test.Parallel {
			adapted[index].Test = withTLSRoute(test.Test)
		}
		adapted[index].Features = slices.Clone(test.Features)
		for number, feature := range test.Features {
			if feature == features.SupportHTTPRoute || feature == features.SupportTLSRoute {
				adapted[index].Features[number] = features.SupportTCPRoute
			}
		}
	}
	return adapted
}

// withTLSRoute runs a test as if TLSRoute were supported: one in layer-4 form has
// no TLS left, and some do nothing at all without that feature. Tests that run in
// parallel do not look at features.
func withTLSRoute(test func(*testing.T, *suite.ConformanceTestSuite)) func(*testing.T, *suite.ConformanceTestSuite) {
	return func(t *testing.T, s *suite.ConformanceTestSuite) {
		if !s.SupportedFeatures.Has(features.SupportTLSRoute) {
			s.SupportedFeatures.Insert(features.SupportTLSRoute)
			defer s.SupportedFeatures.Delete(features.SupportTLSRoute)
		}
		test(t, s)
	}
}
