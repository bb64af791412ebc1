// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, RouteTerminatingEndpoints)
}

// RouteTerminatingEndpoints is about the conditions of endpoints (KEP-1669):
// ready ones come first, then those that terminate and still serve.
var RouteTerminatingEndpoints = suite.ConformanceTest{
	ShortName: "RouteTerminatingEndpoints",
	Description: "An endpoint that terminates and still serves keeps its connections and gets no new ones while another is ready; " +
		"when none is ready it gets new ones, too.",
	Features:  []features.FeatureName{features.SupportGateway, features.SupportTCPRoute, SupportTerminatingEndpoints},
	Manifests: []string{"tests/route-terminating-endpoints.yaml"},
	Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
		const one, two = "terminating-one", "terminating-two"
		address := addressOf(t, s, infra("terminating"), "tcp")
		established := eventuallyConnected(t, s.TimeoutConfig, address, one)
		eventuallyConnected(t, s.TimeoutConfig, address, two)

		deletePod(t, s, one)
		flowsMustBecome(t, s.TimeoutConfig, tcpProtocol, address, "answered by "+two, func(pod string) bool { return pod == two })
		require.NoError(t, established.isAlive(), "a connection to the pod that terminates")

		deletePod(t, s, two)
		// A connection to the first is a new one, so both are in use again.
		eventuallyConnected(t, s.TimeoutConfig, address, one)
		eventuallyConnected(t, s.TimeoutConfig, address, two)
		flowsMustBecome(t, s.TimeoutConfig, tcpProtocol, address, "answered", isAnswered)
		require.NoError(t, established.isAlive(), "a connection from before")

		deletePod(t, s, one, client.GracePeriodSeconds(0))
		deletePod(t, s, two, client.GracePeriodSeconds(0))
		eventually(t, s.TimeoutConfig, "nobody answers any more", func(ctx context.Context) error {
			pod, err := tcpFlow(ctx, address)
			if err == nil {
				return fmt.Errorf("%s answered", pod)
			}
			if !isRejected(err) {
				return err
			}
			return nil
		})
	},
}

// eventuallyConnected opens connections until a pod of that name answers one,
// which it gives; it ends with the test.
func eventuallyConnected(t *testing.T, timeouts config.TimeoutConfig, address, pod string) *connection {
	t.Helper()
	var found *connection
	eventually(t, timeouts, fmt.Sprintf("%s answers a new connection", pod), func(ctx context.Context) error {
		// Flows are spread by their ports: one in two may be enough, fifty are.
		for range 50 {
			opened, err := connect(ctx, address)
			if err != nil {
				return err
			}
			if opened.pod == pod {
				found = opened
				return nil
			}
			opened.Close()
		}
		return fmt.Errorf("others did")
	})
	t.Cleanup(func() { found.Close() })
	return found
}

func deletePod(t *testing.T, s *suite.ConformanceTestSuite, name string, options ...client.DeleteOption) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.TimeoutConfig.DeleteTimeout)
	defer cancel()
	pod := corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: suite.InfrastructureNamespace, Name: name}}
	require.NoError(t, s.Client.Delete(ctx, &pod, options...))
}
