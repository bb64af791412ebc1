// SPDX-License-Identifier: Apache-2.0

// The Gateway API whose CustomResourceDefinitions tests install, pinned.
module blixt.test/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.3
