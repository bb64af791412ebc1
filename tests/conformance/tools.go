// SPDX-License-Identifier: Apache-2.0

//go:build tools

package conformance

import (
	// The server behind the suite's routes, built from the module that the
	// suite is from.
	_ "sigs.k8s.io/gateway-api/conformance/echo-basic"
)
