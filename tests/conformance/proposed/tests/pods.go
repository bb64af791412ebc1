// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"strings"
)

// deploymentOf gives the Deployment of a pod by the pod's name, which ends with
// two words that Kubernetes makes up.
func deploymentOf(pod string) string {
	words := strings.Split(pod, "-")
	if len(words) < 3 {
		return pod
	}
	return strings.Join(words[:len(words)-2], "-")
}
