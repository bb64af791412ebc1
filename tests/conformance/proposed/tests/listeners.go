// SPDX-License-Identifier: Apache-2.0

package tests

import (
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	v1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/kubernetes"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
)

// accepted are the conditions of a listener that takes traffic.
var accepted = []metav1.Condition{
	{Type: string(v1.ListenerConditionAccepted), Status: metav1.ConditionTrue, Reason: string(v1.ListenerReasonAccepted)},
	{Type: string(v1.ListenerConditionProgrammed), Status: metav1.ConditionTrue, Reason: string(v1.ListenerReasonProgrammed)},
	{Type: string(v1.ListenerConditionResolvedRefs), Status: metav1.ConditionTrue, Reason: string(v1.ListenerReasonResolvedRefs)},
}

// listenerConflict is the reason of an entry that clashes with a listener of another object.
const listenerConflict = v1.ListenerConditionReason(v1.ListenerEntryReasonListenerConflict)

// conflicted are the conditions of a listener that clashes with another.
func conflicted(reason v1.ListenerConditionReason) []metav1.Condition {
	return []metav1.Condition{
		{Type: string(v1.ListenerConditionConflicted), Status: metav1.ConditionTrue, Reason: string(reason)},
		{Type: string(v1.ListenerConditionAccepted), Status: metav1.ConditionFalse, Reason: string(reason)},
		{Type: string(v1.ListenerConditionProgrammed), Status: metav1.ConditionFalse, Reason: string(reason)},
	}
}

// gatewayListeners waits until listeners of a Gateway have conditions.
func gatewayListeners(t *testing.T, s *suite.ConformanceTestSuite, gateway types.NamespacedName, conditions []metav1.Condition, names ...v1.SectionName) {
	t.Helper()
	kubernetes.GatewayListenersMustHaveConditions(t, s.Client, s.TimeoutConfig, gateway, conditions, names...)
}

// setListeners waits until listeners of a ListenerSet have conditions.
func setListeners(t *testing.T, s *suite.ConformanceTestSuite, set types.NamespacedName, conditions []metav1.Condition, names ...v1.SectionName) {
	t.Helper()
	kubernetes.ListenerSetListenersMustHaveConditions(t, s.Client, s.TimeoutConfig, set, conditions, names...)
}

// addressOf waits for a Gateway's address and gives it with the port of a listener.
func addressOf(t *testing.T, s *suite.ConformanceTestSuite, gateway types.NamespacedName, listener string) string {
	t.Helper()
	address, err := kubernetes.WaitForGatewayAddress(t, s.Client, s.TimeoutConfig, kubernetes.NewGatewayRef(gateway, listener))
	if err != nil {
		t.Fatal(err)
	}
	return address
}
