// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/kubernetes"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, GatewayListenerConflict)
}

// GatewayListenerConflict is about Gateway.spec.listeners: of listeners of one
// Gateway that are not distinct none may be chosen.
var GatewayListenerConflict = suite.ConformanceTest{
	ShortName: "GatewayListenerConflict",
	Description: "A TCP and an HTTP listener of one Gateway on one port both conflict and neither wins; a listener beside them " +
		"takes traffic; once one is gone the other does, too.",
	Features:  []features.FeatureName{features.SupportGateway, features.SupportTCPRoute},
	Manifests: []string{"tests/gateway-listener-conflict.yaml"},
	Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
		gateway := infra("listener-conflict")
		gatewayListeners(t, s, gateway, conflicted(v1.ListenerReasonProtocolConflict), "tcp", "http")
		gatewayListeners(t, s, gateway, accepted, "beside")
		kubernetes.GatewayMustHaveCondition(t, s.Client, s.TimeoutConfig, gateway, metav1.Condition{
			Type:   string(v1.GatewayConditionAccepted),
			Status: metav1.ConditionTrue,
			Reason: string(v1.GatewayReasonListenersNotValid),
		})
		eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, addressOf(t, s, gateway, "beside"), tcpEcho1)
		clash := addressOf(t, s, gateway, "tcp")
		if pod, err := tcpFlow(t.Context(), clash); err == nil {
			t.Errorf("%s is answered by %s", clash, pod)
		}

		t.Run("one listener is removed", func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), s.TimeoutConfig.GetTimeout)
			defer cancel()
			object := v1.Gateway{}
			require.NoError(t, s.Client.Get(ctx, gateway, &object))
			require.Len(t, object.Spec.Listeners, 3)
			require.NoError(t, s.Client.Patch(ctx, &object, mergePatch(t, map[string]any{
				"spec": map[string]any{"listeners": []any{object.Spec.Listeners[0], object.Spec.Listeners[2]}},
			})))
			gatewayListeners(t, s, gateway, accepted, "tcp", "beside")
			eventually(t, s.TimeoutConfig, "no listener is conflicted", func(ctx context.Context) error {
				if err := s.Client.Get(ctx, gateway, &object); err != nil {
					return err
				}
				for _, listener := range object.Status.Listeners {
					for _, condition := range listener.Conditions {
						if condition.Type == string(v1.ListenerConditionConflicted) && condition.Status != metav1.ConditionFalse {
							return fmt.Errorf("%s is", listener.Name)
						}
					}
				}
				return nil
			})
			eventuallyAnswered(t, s.TimeoutConfig, tcpFlow, clash, tcpEcho1)
		})
	},
}
