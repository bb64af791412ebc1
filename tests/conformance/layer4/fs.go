// SPDX-License-Identifier: Apache-2.0

package layer4

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"testing/fstest"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// FS is a file system of manifests in which some are in layer-4 form.
type FS struct {
	// Manifests as the suite has them.
	Manifests fs.FS
	// Forms of manifests, by path.
	Forms map[string]Form
}

// Open opens a manifest, in its layer-4 form if it has one.
func (f FS) Open(name string) (fs.File, error) {
	form, ok := f.Forms[name]
	if !ok {
		return f.Manifests.Open(name)
	}
	original, err := fs.ReadFile(f.Manifests, name)
	if err != nil {
		return nil, err
	}
	translated, err := translateManifest(original, form)
	if err != nil {
		return nil, &fs.PathError{Op: "translate", Path: name, Err: err}
	}
	return fstest.MapFS{name: {Data: translated}}.Open(name)
}

// translateManifest translates every document of a YAML file.
func translateManifest(manifest []byte, form Form) ([]byte, error) {
	var translated bytes.Buffer
	decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(manifest), 4096)
	ports := portTable{}
	for number := 1; ; number++ {
		object := map[string]any{}
		if err := decoder.Decode(&object); errors.Is(err, io.EOF) {
			return translated.Bytes(), nil
		} else if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		if len(object) == 0 {
			continue
		}
		if err := translateObject(object, form, ports); err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		document, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("document %d: %w", number, err)
		}
		translated.WriteString("---\n")
		translated.Write(document)
	}
}
