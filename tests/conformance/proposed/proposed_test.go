// SPDX-License-Identifier: Apache-2.0

package proposed

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	upstream "sigs.k8s.io/gateway-api/conformance/tests"
	"sigs.k8s.io/gateway-api/pkg/features"

	"blixt.test/conformance/proposed/tests"
)

// immortal is a cluster whose nodes do not fail.
type immortal struct{}

func (immortal) Announcing(context.Context, string) (string, error) { return "n1", nil }
func (immortal) Fail(context.Context, string) error                 { return nil }
func (immortal) Restore(context.Context, string) error              { return nil }

func TestEveryTestHasANameOfItsOwnADescriptionAndKnownFeatures(t *testing.T) {
	names := map[string]bool{}
	for _, test := range upstream.ConformanceTests {
		names[test.ShortName] = true
	}
	for _, test := range Tests(immortal{}) {
		if names[test.ShortName] {
			t.Errorf("%s is the name of two tests", test.ShortName)
		}
		names[test.ShortName] = true
		if test.Description == "" || len(test.Features) == 0 {
			t.Errorf("%s lacks its description or its features", test.ShortName)
		}
		for _, feature := range test.Features {
			if features.GetFeature(feature).Name == "" && !slices.Contains(tests.Features, feature) {
				t.Errorf("%s names the feature %s", test.ShortName, feature)
			}
		}
	}
}

func TestEveryManifestIsOneTestsAndHasObjectsOfOneNameEach(t *testing.T) {
	manifests, err := fs.Glob(Manifests, "tests/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	unused := map[string]bool{}
	for _, path := range manifests {
		unused[path] = true
	}
	for _, test := range Tests(immortal{}) {
		for _, path := range test.Manifests {
			delete(unused, path)
			seen := map[string]bool{}
			for _, name := range objectsOf(t, path) {
				if seen[name] {
					t.Errorf("%s has two %s", path, name)
				}
				seen[name] = true
			}
		}
	}
	if len(unused) > 0 {
		t.Errorf("no test has %v", unused)
	}
}

func TestTestsThatTakeANodeAwayAreLeftOutWhereNoneCanFail(t *testing.T) {
	if all, some := len(Tests(immortal{})), len(Tests(nil)); some != all-1 {
		t.Errorf("%d of %d tests", some, all)
	}
}

// objectsOf gives "kind namespace/name" of every object of a manifest.
func objectsOf(t *testing.T, path string) []string {
	t.Helper()
	data, err := fs.ReadFile(Manifests, path)
	if err != nil {
		t.Fatal(err)
	}
	var objects []string
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(data), 4096)
	for {
		object := struct {
			Kind     string
			Metadata struct{ Namespace, Name string }
		}{}
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return objects
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if object.Kind != "" {
			objects = append(objects, object.Kind+" "+object.Metadata.Namespace+"/"+object.Metadata.Name)
		}
	}
}
