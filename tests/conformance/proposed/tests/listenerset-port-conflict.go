// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, ListenerSetPortConflict)
}

// ListenerSetPortConflict is about listener precedence (ListenerSetSpec):
// the Gateway's first, then those of older ListenerSets, then by name.
var ListenerSetPortConflict = suite.ConformanceTest{
	ShortName: "ListenerSetPortConflict",
	Description: "Of layer-4 listeners with one port and protocol, in a Gateway and its ListenerSets, the one that precedes has the " +
		"traffic and the others are conflicted; when it goes, the next one takes over.",
	Features: []features.FeatureName{
		features.SupportGateway, features.SupportListenerSet, features.SupportTCPRoute, features.SupportUDPRoute,
	},
	Manifests: []string{"tests/listenerset-port-conflict.yaml"},
	Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
		gateway, first, second := infra("port-conflict"), infra("port-conflict-a"), infra("port-conflict-b")
		gatewayListeners(t, s, gateway, accepted, "gateway")
		setListeners(t, s, first, conflicted(listenerConflict), "gateway")
		setListeners(t, s, first, accepted, "shared", "datagrams")
		setListeners(t, s, second, conflicted(listenerConflict), "shared")
		setListeners(t, s, second, accepted, "own")

		port := func(number string) string { return withPort(addressOf(t, s, gateway, "gateway"), number) }
		eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, port("9050"), tcpEcho1)
		eventuallyAnswered(t, s.TimeoutConfig, udpFlow, port("9050"), udpEcho1)
		eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, port("9051"), tcpEcho1)
		eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, port("9052"), tcpEcho2)

		t.Run("the ListenerSet that precedes is deleted", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), s.TimeoutConfig.DeleteTimeout)
			defer cancel()
			require.NoError(t, s.Client.Delete(ctx, &v1.ListenerSet{
				ObjectMeta: metav1.ObjectMeta{Namespace: first.Namespace, Name: first.Name},
			}))
			setListeners(t, s, second, accepted, "shared", "own")
			eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, port("9051"), tcpEcho2)
			eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, port("9050"), tcpEcho1)
		})
	},
}
