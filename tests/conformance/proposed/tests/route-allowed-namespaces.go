// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, TCPRouteAllowedNamespaces, UDPRouteAllowedNamespaces)
}

// TCPRouteAllowedNamespaces and UDPRouteAllowedNamespaces are about
// AllowedRoutes.namespaces of a Gateway's listeners.
var (
	TCPRouteAllowedNamespaces = routeAllowedNamespaces(tcpProtocol)
	UDPRouteAllowedNamespaces = routeAllowedNamespaces(udpProtocol)
)

// routesLabel is what the listener with a selector asks namespaces for.
const routesLabel = "gateway-conformance/routes"

func routeAllowedNamespaces(p protocol) suite.ConformanceTest {
	return suite.ConformanceTest{
		ShortName: string(p.routeKind) + "AllowedNamespaces",
		Description: fmt.Sprintf("A %s attaches to a listener only from the namespaces that the listener allows: Same, All, or "+
			"those that a Selector selects at the time.", p.routeKind),
		Features:  []features.FeatureName{features.SupportGateway, p.feature, features.SupportReferenceGrant},
		Manifests: []string{fmt.Sprintf("tests/%sroute-allowed-namespaces.yaml", p.name)},
		Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
			gateway := infra(p.name + "-namespaces")
			own := suite.InfrastructureNamespace
			selected := fmt.Sprintf("gateway-conformance-%s-selected", p.name)
			other := fmt.Sprintf("gateway-conformance-%s-other", p.name)

			allowed := map[string][]string{
				"same":     {own},
				"all":      {own, selected, other},
				"selector": {selected},
			}
			for listener, namespaces := range allowed {
				t.Run(listener, func(t *testing.T) {
					routesMustBeAllowed(t, s, p, gateway, listener, namespaces, []string{own, selected, other})
				})
			}
			eventuallyAnswered(t, s.TimeoutConfig, p.open, addressOf(t, s, gateway, "same"), p.echo1)
			eventuallyAnswered(t, s.TimeoutConfig, p.open, addressOf(t, s, gateway, "selector"), p.echo2)

			t.Run("a namespace gains and loses the label", func(t *testing.T) {
				relabel(t, s, selected, nil)
				routesMustBeAllowed(t, s, p, gateway, "selector", nil, []string{own, selected, other})
				eventually(t, s.TimeoutConfig, "the listener is refused", func(ctx context.Context) error {
					pod, err := p.open(ctx, addressOf(t, s, gateway, "selector"))
					if err == nil {
						return fmt.Errorf("%s answered", pod)
					}
					return nil
				})
				relabel(t, s, other, "allowed")
				routesMustBeAllowed(t, s, p, gateway, "selector", []string{other}, []string{own, selected, other})
				eventuallyAnswered(t, s.TimeoutConfig, p.open, addressOf(t, s, gateway, "selector"), p.echo2)
			})
		},
	}
}

// routesMustBeAllowed waits until a listener has the routes of those namespaces and no others.
func routesMustBeAllowed(
	t *testing.T, s *suite.ConformanceTestSuite, p protocol, gateway types.NamespacedName, listener string,
	allowed, all []string,
) {
	t.Helper()
	yes := map[string]bool{}
	for _, namespace := range allowed {
		yes[namespace] = true
	}
	for _, namespace := range all {
		route := types.NamespacedName{Namespace: namespace, Name: fmt.Sprintf("%s-to-%s", p.name, listener)}
		p.mustBeAccepted(t, s, route, gateway, yes[namespace])
	}
	eventually(t, s.TimeoutConfig, fmt.Sprintf("%s has %d routes", listener, len(allowed)), func(ctx context.Context) error {
		return hasAttachedRoutes(ctx, s.Client, gateway, listener, int32(len(allowed)))
	})
}

// hasAttachedRoutes complains of a listener that has another number of routes.
func hasAttachedRoutes(ctx context.Context, c client.Client, gateway types.NamespacedName, listener string, want int32) error {
	object := v1.Gateway{}
	if err := c.Get(ctx, gateway, &object); err != nil {
		return err
	}
	for _, status := range object.Status.Listeners {
		if string(status.Name) != listener {
			continue
		}
		if status.AttachedRoutes != want {
			return fmt.Errorf("attachedRoutes is %d", status.AttachedRoutes)
		}
		return nil
	}
	return fmt.Errorf("there is no status of listener %s", listener)
}

// relabel gives a namespace the label that the selector asks for, or takes it away when the value is nil.
func relabel(t *testing.T, s *suite.ConformanceTestSuite, namespace string, value any) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	object := corev1.Namespace{}
	object.Name = namespace
	require.NoError(t, s.Client.Patch(ctx, &object, mergePatch(t, map[string]any{
		"metadata": map[string]any{"labels": map[string]any{routesLabel: value}},
	})))
}
