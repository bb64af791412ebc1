// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"io/fs"
	"maps"
	"slices"
	"testing"

	upstream "sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func named(t *testing.T, all []suite.ConformanceTest, name string) suite.ConformanceTest {
	t.Helper()
	index := slices.IndexFunc(all, func(test suite.ConformanceTest) bool { return test.ShortName == name })
	if index < 0 {
		t.Fatalf("the suite has no test %s", name)
	}
	return all[index]
}

func TestEveryNameIsOneOfTheSuiteAndHasOnePlace(t *testing.T) {
	for name := range forms {
		named(t, tests.ConformanceTests, name)
		if _, ok := skipped[name]; ok {
			t.Errorf("%s has a form and is skipped", name)
		}
	}
	for name := range skipped {
		named(t, tests.ConformanceTests, name)
	}
}

func TestEveryManifestOfTheSuiteCanBeTranslated(t *testing.T) {
	manifests := Manifests(tests.ConformanceTests)
	translating := FS{Manifests: &upstream.Manifests, Forms: manifests}
	for _, path := range slices.Sorted(maps.Keys(manifests)) {
		if _, err := fs.ReadFile(translating, path); err != nil {
			t.Error(err)
		}
	}
}

func TestTestsInLayer4FormAskForTCPRouteInPlaceOfHTTPRoute(t *testing.T) {
	const name = "GatewayWithAttachedRoutesWithPort8080"
	adapted := named(t, Tests(tests.ConformanceTests), name)
	if !slices.Contains(adapted.Features, features.SupportTCPRoute) ||
		slices.Contains(adapted.Features, features.SupportHTTPRoute) {
		t.Errorf("got %v", adapted.Features)
	}
	if original := named(t, tests.ConformanceTests, name); !slices.Contains(original.Features, features.SupportHTTPRoute) {
		t.Error("the suite's own list has changed")
	}
}

func TestOtherTestsStayAsTheyAre(t *testing.T) {
	before := named(t, tests.ConformanceTests, "HTTPRouteSimpleSameNamespace")
	after := named(t, Tests(tests.ConformanceTests), "HTTPRouteSimpleSameNamespace")
	if !slices.Equal(before.Features, after.Features) {
		t.Errorf("got %v", after.Features)
	}
}

func TestTestsInLayer4FormRunAsIfTLSRouteWereSupported(t *testing.T) {
	var during bool
	original := suite.ConformanceTest{
		ShortName: "UDPRouteNotAllowedByListeners",
		Test: func(_ *testing.T, s *suite.ConformanceTestSuite) {
			during = s.SupportedFeatures.Has(features.SupportTLSRoute)
		},
	}
	s := &suite.ConformanceTestSuite{SupportedFeatures: suite.FeaturesSet{}}
	Tests([]suite.ConformanceTest{original})[0].Test(t, s)
	if !during || s.SupportedFeatures.Has(features.SupportTLSRoute) {
		t.Errorf("supported during the test: %v, after it: %v", during, s.SupportedFeatures)
	}
}

func TestTestsThatRunInParallelLeaveTheSuiteAlone(t *testing.T) {
	original := suite.ConformanceTest{
		ShortName: "GatewayInvalidParametersRef",
		Parallel:  true,
		Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
			if s.SupportedFeatures.Has(features.SupportTLSRoute) {
				t.Error("TLSRoute is supported meanwhile")
			}
		},
	}
	s := &suite.ConformanceTestSuite{SupportedFeatures: suite.FeaturesSet{}}
	Tests([]suite.ConformanceTest{original})[0].Test(t, s)
}
