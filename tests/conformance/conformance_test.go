// SPDX-License-Identifier: Apache-2.0

// Package conformance runs the Gateway API's conformance suite against Blixt,
// which speaks layer 4 only, and further tests in that suite's form. `deno task
// conformance` prepares a cluster for both.
package conformance

import (
	"flag"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/controller-runtime/pkg/client"
	v1 "sigs.k8s.io/gateway-api/apis/v1"
	upstream "sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
	"sigs.k8s.io/yaml"

	"blixt.test/conformance/fabric"
	"blixt.test/conformance/layer4"
	"blixt.test/conformance/proposed"
	proposedtests "blixt.test/conformance/proposed/tests"
)

var (
	bridge         = flag.String("fabric", "", "network namespace of the bridge that joins the nodes")
	nodes          = flag.String("nodes", "", "network namespaces of the nodes: n1=NETNS,n2=NETNS")
	proposedReport = flag.String("proposed-report", "", "file for the report of TestProposed")
)

// layer4Options are the options of the command line, with manifests in layer-4
// form.
func layer4Options(t *testing.T) suite.ConformanceOptions {
	options := upstream.DefaultOptions(t)
	options.ManifestFS = []fs.FS{layer4.FS{
		Manifests: &upstream.Manifests,
		Forms:     layer4.Manifests(tests.ConformanceTests),
	}}
	return options
}

// TestConformance runs the profiles that options.yaml names. Tests that use
// HTTP listeners although they ask nothing of HTTP run in layer-4 form.
func TestConformance(t *testing.T) {
	options := layer4Options(t)
	options.RestConfig.Wrap(func(base http.RoundTripper) http.RoundTripper {
		return &layer4.Transport{Base: base}
	})
	skipped := layer4.SkippedTests()
	for _, name := range slices.Sorted(maps.Keys(skipped)) {
		t.Logf("skipping %s: %s", name, skipped[name])
	}
	options.SkipTests = append(options.SkipTests, slices.Collect(maps.Keys(skipped))...)
	tests.ConformanceTests = layer4.Tests(tests.ConformanceTests)
	upstream.RunConformanceWithOptions(t, options)
}

// TestProposed runs tests of what the suite leaves untested, with its profiles
// and features and a report of their own.
func TestProposed(t *testing.T) {
	options := layer4Options(t)
	options.ManifestFS = append(options.ManifestFS, proposed.Manifests)
	options.SupportedFeatures = append(claimedFeatures(t, options), proposedtests.Features...)
	options.Mode = "proposed-tests"
	all := proposed.Tests(failableNodes(t))
	conformance, err := suite.NewConformanceTestSuite(options)
	require.NoError(t, err)
	// Before the run, so that it comes after the run's own clean-up.
	t.Cleanup(func() { writeReport(t, conformance) })
	conformance.Setup(t, all)
	require.NoError(t, conformance.Run(t, all))
}

// writeReport writes the report of TestProposed where the command line asks for one.
func writeReport(t *testing.T, conformance *suite.ConformanceTestSuite) {
	if *proposedReport == "" {
		return
	}
	report, err := conformance.Report()
	require.NoError(t, err)
	text, err := yaml.Marshal(report)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(*proposedReport, text, 0o600))
}

// claimedFeatures reads the features of the GatewayClass, which the suite does
// by itself only where none are added.
func claimedFeatures(t *testing.T, options suite.ConformanceOptions) []features.FeatureName {
	class := v1.GatewayClass{}
	require.NoError(t, options.Client.Get(t.Context(), client.ObjectKey{Name: options.GatewayClassName}, &class))
	var claimed []features.FeatureName
	for _, feature := range class.Status.SupportedFeatures {
		claimed = append(claimed, features.FeatureName(feature.Name))
	}
	return claimed
}

// failableNodes gives the nodes that the command line names; nil for fewer than
// two, of which none can be spared.
func failableNodes(t *testing.T) proposedtests.Nodes {
	if *nodes == "" {
		return nil
	}
	known, err := fabric.ParseNodes(*nodes)
	require.NoError(t, err)
	if len(known) < 2 {
		return nil
	}
	return fabric.Fabric{Netns: *bridge, Nodes: known}
}
