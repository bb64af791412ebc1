// SPDX-License-Identifier: Apache-2.0

package tests

import "testing"

func TestDeploymentOfLeavesOutWhatKubernetesMakesUp(t *testing.T) {
	for pod, want := range map[string]string{
		"l4-tcp-v1-6c8d9f7b5d-x2x7k": "l4-tcp-v1",
		"refused":                    "refused",
		"bare-pod":                   "bare-pod",
	} {
		if got := deploymentOf(pod); got != want {
			t.Errorf("%s: got %s, want %s", pod, got, want)
		}
	}
}
