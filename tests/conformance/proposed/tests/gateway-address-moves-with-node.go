// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"net"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/conformance/utils/tlog"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// GatewayAddressMovesWithNode gives the test of an address that outlives its node.
func GatewayAddressMovesWithNode(nodes Nodes) suite.ConformanceTest {
	return suite.ConformanceTest{
		ShortName: "GatewayAddressMovesWithNode",
		Description: "When the node that announces a Gateway's address fails, new connections to a backend on another node are " +
			"answered again within the time to consistency, and go on to be when the node comes back.",
		Features:  []features.FeatureName{features.SupportGateway, features.SupportTCPRoute, SupportGatewayAddressFailover},
		Manifests: []string{"tests/gateway-address-moves-with-node.yaml"},
		Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
			const name = "moving-address"
			address := addressOf(t, s, infra(name), "tcp")
			host, _, err := net.SplitHostPort(address)
			require.NoError(t, err)
			node, err := nodes.Announcing(t.Context(), host)
			require.NoError(t, err)
			placeOutside(t, s, name, node)
			eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, address, name)
			established, err := connect(t.Context(), address)
			require.NoError(t, err)
			defer established.Close()

			require.NoError(t, nodes.Fail(t.Context(), node))
			t.Cleanup(func() { require.NoError(t, nodes.Restore(context.Background(), node)) })
			failed := time.Now()
			eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, address, name)
			tlog.Logf(t, "%s moved away from %s in %v", host, node, time.Since(failed))
			mustStayAnswered(t, address)
			other, err := nodes.Announcing(t.Context(), host)
			require.NoError(t, err)
			require.NotEqual(t, node, other)
			if s.SupportedFeatures.Has(SupportGatewayConnectionFailover) {
				require.NoError(t, established.isAlive(), "a connection from before")
			}

			require.NoError(t, nodes.Restore(t.Context(), node))
			mustStayAnswered(t, address)
		},
	}
}

// steady is how long flows must be answered without a gap, with a pause between two.
const (
	steady      = 8 * time.Second
	steadyPause = 50 * time.Millisecond
)

// mustStayAnswered fails when one flow of many is not answered.
func mustStayAnswered(t *testing.T, address string) {
	t.Helper()
	flows := 0
	for start := time.Now(); time.Since(start) < steady; time.Sleep(steadyPause) {
		_, err := tcpFlow(t.Context(), address)
		require.NoErrorf(t, err, "after %v and %d flows", time.Since(start), flows)
		flows++
	}
	tlog.Logf(t, "%d flows were answered", flows)
}

// placeOutside runs a Deployment's pod on a node other than this one.
func placeOutside(t *testing.T, s *suite.ConformanceTestSuite, deployment, node string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.TimeoutConfig.DefaultTestTimeout)
	defer cancel()
	list := corev1.NodeList{}
	require.NoError(t, s.Client.List(ctx, &list))
	for _, other := range list.Items {
		if other.Name == node || other.Spec.Unschedulable {
			continue
		}
		object := appsv1.Deployment{}
		object.Namespace, object.Name = suite.InfrastructureNamespace, deployment
		selector := map[string]any{corev1.LabelHostname: other.Labels[corev1.LabelHostname]}
		require.NoError(t, s.Client.Patch(ctx, &object, mergePatch(t, map[string]any{
			"spec": map[string]any{
				"replicas": 1,
				"template": map[string]any{"spec": map[string]any{"nodeSelector": selector}},
			},
		})))
		return
	}
	t.Fatal("there is no other node")
}
