// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"context"
	"fmt"
	"testing"

	"golang.org/x/sync/errgroup"

	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/conformance/utils/tlog"
	"sigs.k8s.io/gateway-api/conformance/utils/weight"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, TCPRoutePartlyRefused, UDPRoutePartlyRefused)
}

// TCPRoutePartlyRefused and UDPRoutePartlyRefused are about
// {TCP,UDP}RouteRule.backendRefs, too: refusals respect weight.
var (
	TCPRoutePartlyRefused = routePartlyRefused(tcpProtocol)
	UDPRoutePartlyRefused = routePartlyRefused(udpProtocol)
)

// atOnce is how many flows are open at one time. Refused datagrams are waited
// for in vain, so there are many.
const atOnce = 100

func routePartlyRefused(p protocol) suite.ConformanceTest {
	return suite.ConformanceTest{
		ShortName: string(p.routeKind) + "PartlyRefused",
		Description: fmt.Sprintf("Of the new flows to a %s a share is refused: that of the backendRefs without a Service "+
			"or without endpoints. The others do not take it over.", p.routeKind),
		Features:  []features.FeatureName{features.SupportGateway, p.feature},
		Manifests: []string{fmt.Sprintf("tests/%sroute-partly-refused.yaml", p.name)},
		Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
			address := addressOf(t, s, infra(p.name+"-partly-refused"), p.name)
			eventuallyAnswered(t, s.TimeoutConfig, p.open, address, p.echo1)
			// Two shares of the weights have no backend: 30 and 10 of 100.
			expected := map[string]float64{p.echo1: 0.6, refused: 0.4}
			for attempt := range weight.MaxTestRetries {
				err := weight.TestWeightedDistributionBatch(sample{t.Context(), p, address}, expected)
				if err == nil {
					return
				}
				tlog.Logf(t, "attempt %d: %v", attempt+1, err)
			}
			t.Fatalf("the shares at %s are not those of the weights", address)
		},
	}
}

// sample opens flows to an address; it is a weight.BatchRequestSender.
type sample struct {
	ctx     context.Context
	p       protocol
	address string
}

// SendBatchRequest names who answered each of count flows.
func (s sample) SendBatchRequest(count int) ([]string, error) {
	pods := make([]string, count)
	group, ctx := errgroup.WithContext(s.ctx)
	group.SetLimit(atOnce)
	for index := range pods {
		group.Go(func() error {
			pod, err := s.p.open(ctx, s.address)
			if err != nil && s.p.isRefused(err) {
				pod, err = refused, nil
			}
			pods[index] = pod
			return err
		})
	}
	return pods, group.Wait()
}
