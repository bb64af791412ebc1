// SPDX-License-Identifier: Apache-2.0

package tests

import "context"

// Nodes is what no API server can do: take a node away. An implementation that
// wants the tests about lost nodes implements it for the machines that its
// cluster runs on.
type Nodes interface {
	// Announcing names the node at which packets for an IP address arrive from
	// where the suite runs.
	Announcing(ctx context.Context, address string) (node string, err error)
	// Fail takes a node away as a power failure does: without a word to anybody.
	Fail(ctx context.Context, node string) error
	// Restore brings a node back. One that has not failed stays as it is.
	Restore(ctx context.Context, node string) error
}
