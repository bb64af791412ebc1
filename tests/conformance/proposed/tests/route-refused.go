// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, TCPRouteRefused, UDPRouteRefused)
}

// TCPRouteRefused and UDPRouteRefused are about {TCP,UDP}RouteRule.backendRefs.
var (
	TCPRouteRefused = routeRefused(tcpProtocol,
		"Connections to a TCPRoute without a backend are rejected actively, and at once.")
	UDPRouteRefused = routeRefused(udpProtocol,
		"Datagrams to a UDPRoute without a backend are dropped: neither an answer nor an ICMP error comes back.")
)

// attempts is how many flows must all be refused.
const attempts = 10

func routeRefused(p protocol, description string) suite.ConformanceTest {
	return suite.ConformanceTest{
		ShortName:   string(p.routeKind) + "Refused",
		Description: description,
		Features:    []features.FeatureName{features.SupportGateway, p.feature},
		Manifests:   []string{fmt.Sprintf("tests/%sroute-refused.yaml", p.name)},
		Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
			gateway := infra(p.name + "-refused")
			eventuallyAnswered(t, s.TimeoutConfig, p.open, addressOf(t, s, gateway, "served"), p.echo1)

			for _, listener := range []string{"no-service", "no-endpoints", "not-permitted", "weightless"} {
				t.Run(listener, func(t *testing.T) {
					address := addressOf(t, s, gateway, listener)
					p.mustBeAccepted(t, s, infra(p.name+"-refused-"+listener), gateway, true)
					group, ctx := errgroup.WithContext(t.Context())
					for range attempts {
						group.Go(func() error { return mustBeRefused(ctx, p, address) })
					}
					require.NoError(t, group.Wait())
				})
			}
		},
	}
}

// mustBeRefused complains of a flow that is answered, or fails in another way.
func mustBeRefused(ctx context.Context, p protocol, address string) error {
	start := time.Now()
	pod, err := p.open(ctx, address)
	if err == nil {
		return fmt.Errorf("%s is answered by %s", address, pod)
	}
	if !p.isRefused(err) {
		return fmt.Errorf("%s fails in another way after %v: %w", address, time.Since(start), err)
	}
	return nil
}
