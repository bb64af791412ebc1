// SPDX-License-Identifier: Apache-2.0

import type { KubernetesObject } from "./object.ts";

/** The controllerName of the GatewayClasses that Blixt serves. */
export const CONTROLLER_NAME = "gateway.networking.k8s.io/blixt";

/** ParametersReference: the object that configures a GatewayClass. */
export interface ParametersReference {
  readonly group: string;
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** gateway.networking.k8s.io/v1 GatewayClass, as far as Blixt reads it. */
export interface GatewayClass extends KubernetesObject {
  readonly spec: {
    readonly controllerName: string;
    readonly parametersRef?: ParametersReference;
  };
}
