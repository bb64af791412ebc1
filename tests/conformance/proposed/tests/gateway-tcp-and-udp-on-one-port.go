// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"testing"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

func init() {
	ConformanceTests = append(ConformanceTests, GatewayTCPAndUDPOnOnePort)
}

// GatewayTCPAndUDPOnOnePort is about Gateway.spec.listeners: TCP and UDP are
// told apart by the protocol.
var GatewayTCPAndUDPOnOnePort = suite.ConformanceTest{
	ShortName:   "GatewayTCPAndUDPOnOnePort",
	Description: "A TCP and a UDP listener of a Gateway share a port without conflict, and each has its own route's traffic.",
	Features:    []features.FeatureName{features.SupportGateway, features.SupportTCPRoute, features.SupportUDPRoute},
	Manifests:   []string{"tests/gateway-tcp-and-udp-on-one-port.yaml"},
	Test: func(t *testing.T, s *suite.ConformanceTestSuite) {
		gateway := infra("tcp-and-udp")
		for _, p := range []protocol{tcpProtocol, udpProtocol} {
			t.Run(p.name, func(t *testing.T) {
				eventuallyAnswered(t, s.TimeoutConfig, p.open, addressOf(t, s, gateway, p.name), p.echo1)
				gatewayListeners(t, s, gateway, accepted, v1.SectionName(p.name))
			})
		}
	},
}
