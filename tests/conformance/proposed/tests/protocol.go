// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/config"
	"sigs.k8s.io/gateway-api/conformance/utils/kubernetes"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// protocol is what a test has to know of TCP or of UDP to ask the same of both.
type protocol struct {
	// name begins the names of a test's objects: "tcp" or "udp".
	name string
	// routeKind begins the names of its tests and their manifests.
	routeKind v1.Kind
	feature   features.FeatureName
	// echo1 and echo2 are backends.
	echo1, echo2 string
	open         flow
	// isRefused tells whether a flow was refused as the protocol asks for it.
	isRefused func(error) bool
	// routeMustHave waits for a condition of a route.
	routeMustHave func(*testing.T, client.Client, config.TimeoutConfig, types.NamespacedName, types.NamespacedName, metav1.Condition)
}

var tcpProtocol = protocol{
	name:          "tcp",
	routeKind:     "TCPRoute",
	feature:       features.SupportTCPRoute,
	echo1:         tcpEcho1,
	echo2:         tcpEcho2,
	open:          tcpFlow,
	isRefused:     isRejected,
	routeMustHave: kubernetes.TCPRouteMustHaveCondition,
}

var udpProtocol = protocol{
	name:          "udp",
	routeKind:     "UDPRoute",
	feature:       features.SupportUDPRoute,
	echo1:         udpEcho1,
	echo2:         udpEcho2,
	open:          udpFlow,
	isRefused:     isDropped,
	routeMustHave: kubernetes.UDPRouteMustHaveCondition,
}

// mustBeAccepted waits until a route's condition Accepted is as wanted.
func (p protocol) mustBeAccepted(t *testing.T, s *suite.ConformanceTestSuite, route, gateway types.NamespacedName, accepted bool) {
	t.Helper()
	wanted := metav1.Condition{
		Type:   string(v1.RouteConditionAccepted),
		Status: metav1.ConditionTrue,
		Reason: string(v1.RouteReasonAccepted),
	}
	if !accepted {
		wanted.Status, wanted.Reason = metav1.ConditionFalse, string(v1.RouteReasonNotAllowedByListeners)
	}
	p.routeMustHave(t, s.Client, s.TimeoutConfig, route, gateway, wanted)
}
