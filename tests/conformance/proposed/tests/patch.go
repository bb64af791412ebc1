// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// mergePatch makes a JSON merge patch of an object; null removes a field.
func mergePatch(t *testing.T, change map[string]any) client.Patch {
	t.Helper()
	data, err := json.Marshal(change)
	require.NoError(t, err)
	return client.RawPatch(types.MergePatchType, data)
}
