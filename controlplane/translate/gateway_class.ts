// SPDX-License-Identifier: Apache-2.0

import { CONTROLLER_NAME, type GatewayClass } from "../api/gateway_class.ts";
import type { GatewayClassConfig, RemoteBackends } from "../api/gateway_class_config.ts";
import { type AddressPolicy, NO_POOL, parseAddressPolicy } from "./address_pool.ts";
import { condition, no, type Verdict, yes } from "./conditions.ts";
import { SUPPORTED_FEATURES } from "./supported_features.ts";

/** The kind that parametersRef may name. */
const CONFIG_GROUP = "blixt.x-k8s.io";
const CONFIG_KIND = "GatewayClassConfig";

/** Name of the GatewayClassConfig of classes without parametersRef: manifests made for other controllers name none. */
const DEFAULT_CONFIG = "default";

/** Values of spec.remoteBackends. */
const REMOTE_BACKENDS: readonly RemoteBackends[] = ["Direct", "SNAT"];

/** Bundle versions of the Gateway API's CRDs that Blixt was written for. */
const SUPPORTED_BUNDLES = /^v1\.[67]\./;

/** A GatewayClass that names Blixt as its controller. */
export interface ClassModel {
  readonly accepted: Verdict;
  /** Absent when the class is not accepted. */
  readonly addresses?: AddressPolicy;
  /** Direct when absent. As GatewayClassConfig says it even where another of its fields is wrong: flows go on as they did. */
  readonly remoteBackends?: RemoteBackends;
}

const ACCEPTED: Verdict = yes("Accepted", "Blixt serves Gateways of this class.");

/** Whether Blixt is the controller of the class (GatewayClassSpec.controllerName). */
export function isOurClass(gatewayClass: GatewayClass | undefined): gatewayClass is GatewayClass {
  return gatewayClass?.spec.controllerName === CONTROLLER_NAME;
}

/**
 * Reads a class and what its parametersRef names (reason InvalidParameters),
 * or, without one, the GatewayClassConfig called default if there is such. A
 * change of either reaches the Gateways that are there already: they keep the
 * addresses they hold as long as these are still in the pool.
 */
export function modelClass(
  gatewayClass: GatewayClass,
  config: (name: string) => GatewayClassConfig | undefined,
): ClassModel {
  const ref = gatewayClass.spec.parametersRef;
  if (ref === undefined) {
    const object = config(DEFAULT_CONFIG);
    return object === undefined ? { accepted: ACCEPTED, addresses: NO_POOL } : readConfig(object);
  }
  if (ref.group !== CONFIG_GROUP || ref.kind !== CONFIG_KIND) {
    const group = ref.group === "" ? "the core group" : `group ${ref.group}`;
    return refuse(
      `spec.parametersRef must name a ${CONFIG_KIND} of group ${CONFIG_GROUP}, not a ${ref.kind} of ${group}.`,
    );
  }
  if (ref.namespace !== undefined) {
    return refuse(`spec.parametersRef must have no namespace, for a ${CONFIG_KIND} lives in none.`);
  }
  const object = config(ref.name);
  if (object === undefined) {
    return refuse(`${CONFIG_KIND} ${ref.name}, named by spec.parametersRef, does not exist.`);
  }
  return readConfig(object);
}

function readConfig(object: GatewayClassConfig): ClassModel {
  const refused = (why: string): ClassModel =>
    refuse(`${CONFIG_KIND} ${object.metadata.name} is not valid: ${why}.`);
  // Of an object that no schema looked at, or an older one, it may be any text.
  const remoteBackends = object.spec?.remoteBackends ?? "Direct";
  if (!REMOTE_BACKENDS.includes(remoteBackends)) {
    const choice = REMOTE_BACKENDS.join(" or ");
    return refused(`spec.remoteBackends is ${JSON.stringify(remoteBackends)}, but must be ${choice}`);
  }
  try {
    return { accepted: ACCEPTED, addresses: parseAddressPolicy(object), remoteBackends };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { ...refused(error.message), remoteBackends };
  }
}

function refuse(message: string): ClassModel {
  return { accepted: no("InvalidParameters", message) };
}

/**
 * SupportedVersion, which GatewayClasses carry besides Accepted. Unknown
 * versions get best effort: the class stays accepted.
 */
function supportedVersion(bundleVersion: string): Verdict {
  return SUPPORTED_BUNDLES.test(bundleVersion)
    ? yes("SupportedVersion", `The Gateway API CRDs have bundle version ${bundleVersion}.`)
    : no(
      "UnsupportedVersion",
      `The Gateway API CRDs have bundle version ${bundleVersion}; Blixt was made for v1.6 and v1.7.`,
    );
}

/** GatewayClassStatus. bundleVersion is that of the cluster's CRDs; without it there is no SupportedVersion. */
export function gatewayClassStatus(
  gatewayClass: GatewayClass,
  model: ClassModel,
  bundleVersion?: string,
): Record<string, unknown> {
  const conditions = [condition(gatewayClass, "Accepted", model.accepted)];
  if (bundleVersion !== undefined) {
    conditions.push(condition(gatewayClass, "SupportedVersion", supportedVersion(bundleVersion)));
  }
  return { conditions, supportedFeatures: SUPPORTED_FEATURES.map((name) => ({ name })) };
}
