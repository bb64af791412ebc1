// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, RouteGrantWhileTrafficFlows)
}

// RouteGrantWhileTrafficFlows is about ReferenceGrant: removing one removes the
// access that it gave.
var RouteGrantWhileTrafficFlows = suite.ConformanceTest{
	ShortName: "RouteGrantWhileTrafficFlows",
	Description: "New flows to a backend in another namespace are refused from the time its ReferenceGrant is removed until it is " +
		"given back, and each of them is either answered or refused.",
	Features: []features.FeatureName{
		features.SupportGateway, features.SupportTCPRoute, features.SupportUDPRoute, features.SupportReferenceGrant,
	},
	Manifests: []string{"tests/route-grant-while-traffic-flows.yaml"},
	Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
		there := types.NamespacedName{Namespace: suite.AppBackendNamespace, Name: "grant-traffic"}
		for _, p := range []protocol{tcpProtocol, udpProtocol} {
			t.Run(p.name, func(t *testing.T) {
				resolved := func(status metav1.ConditionStatus, reason v1.RouteConditionReason) {
					t.Helper()
					p.routeMustHave(t, s.Client, s.TimeoutConfig, there, there, metav1.Condition{
						Type: string(v1.RouteConditionResolvedRefs), Status: status, Reason: string(reason),
					})
				}
				ctx, cancel := context.WithTimeout(t.Context(), s.TimeoutConfig.DefaultTestTimeout)
				defer cancel()
				grant := v1.ReferenceGrant{}
				require.NoError(t, s.Client.Get(ctx, infra("grant-traffic-"+p.name), &grant))
				address := addressOf(t, s, there, p.name)
				resolved(metav1.ConditionTrue, v1.RouteReasonResolvedRefs)
				eventuallyAnswered(t, s.TimeoutConfig, p.open, address, p.echo1)

				require.NoError(t, s.Client.Delete(ctx, &grant))
				flowsMustBecome(t, s.TimeoutConfig, p, address, refused, isRefusedFlow)
				resolved(metav1.ConditionFalse, v1.RouteReasonRefNotPermitted)

				grant.ObjectMeta = metav1.ObjectMeta{Namespace: grant.Namespace, Name: grant.Name}
				require.NoError(t, s.Client.Create(ctx, &grant))
				flowsMustBecome(t, s.TimeoutConfig, p, address, "answered", isAnswered)
				resolved(metav1.ConditionTrue, v1.RouteReasonResolvedRefs)
			})
		}
	},
}
