// SPDX-License-Identifier: Apache-2.0

//go:build tools

// Package tools names the commands that go.mod pins; nothing compiles it.
package tools

import (
	_ "k8s.io/kubernetes/cmd/kube-apiserver"
	_ "k8s.io/kubernetes/cmd/kubectl"
)
