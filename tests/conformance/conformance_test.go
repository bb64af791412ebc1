// SPDX-License-Identifier: Apache-2.0

// Package conformance runs the Gateway API's conformance suite against Blixt,
// which speaks layer 4 only. `deno task conformance` prepares a cluster for it.
package conformance

import (
	"io/fs"
	"maps"
	"net/http"
	"slices"
	"testing"

	upstream "sigs.k8s.io/gateway-api/conformance"
	"sigs.k8s.io/gateway-api/conformance/tests"

	"blixt.test/conformance/layer4"
)

// TestConformance runs the profiles that options.yaml names. Tests that use
// HTTP listeners although they ask nothing of HTTP run in layer-4 form.
func TestConformance(t *testing.T) {
	options := upstream.DefaultOptions(t)
	options.ManifestFS = []fs.FS{layer4.FS{
		Manifests: &upstream.Manifests,
		Forms:     layer4.Manifests(tests.ConformanceTests),
	}}
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
