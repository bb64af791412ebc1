// SPDX-License-Identifier: Apache-2.0

// Package tests has one file for each test, with its manifests beside it.
package tests

import (
	"k8s.io/apimachinery/pkg/types"

	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/gateway-api/pkg/features"
)

// Features that not every implementation can have.
const (
	// SupportGatewayClientAddress says that backends see the client's IP address.
	SupportGatewayClientAddress features.FeatureName = "GatewayClientAddress"
	// SupportGatewayAddressFailover says that an address outlives the node that
	// announces it.
	SupportGatewayAddressFailover features.FeatureName = "GatewayAddressFailover"
	// SupportGatewayConnectionFailover says that established connections outlive
	// that node, too, as long as their backends are elsewhere.
	SupportGatewayConnectionFailover features.FeatureName = "GatewayConnectionFailover"
	// SupportTerminatingEndpoints says that endpoints that terminate and still
	// serve are used while there are no others.
	SupportTerminatingEndpoints features.FeatureName = "GatewayTerminatingEndpoints"
)

// Features are those of this package, beside the Gateway API's own.
var Features = []features.FeatureName{
	SupportGatewayClientAddress, SupportGatewayAddressFailover, SupportGatewayConnectionFailover,
	SupportTerminatingEndpoints,
}

// ConformanceTests are the tests that any cluster can run.
var ConformanceTests []suite.ConformanceTest

// Deployments of the base manifests in the infrastructure namespace, each with
// a Service of its name, at port 3000 for TCP and 8080 for UDP.
const (
	tcpEcho1 = "l4-tcp-v1"
	tcpEcho2 = "l4-tcp-v2"
	udpEcho1 = "l4-udp-v1"
	udpEcho2 = "l4-udp-v2"
)

// infra names an object in the infrastructure namespace.
func infra(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: suite.InfrastructureNamespace, Name: name}
}
