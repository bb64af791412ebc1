// SPDX-License-Identifier: Apache-2.0

import type { Gateway } from "../api/gateway.ts";
import type { AddressAnswer } from "./addresses.ts";
import { condition, no, type Verdict, yes } from "./conditions.ts";
import { type AcceptedListener, type ListenerOutcome, listenerStatus, summarise } from "./listeners.ts";

/** Why a Gateway cannot be accepted whatever its listeners are; undefined when nothing speaks against it. */
function specProblem(gateway: Gateway): Verdict | undefined {
  const parameters = gateway.spec.infrastructure?.parametersRef;
  if (parameters !== undefined) {
    return no(
      "InvalidParameters",
      `spec.infrastructure.parametersRef names a ${parameters.kind}, but Blixt takes no parameters from Gateways; ` +
        "use the GatewayClass's parametersRef.",
    );
  }
  const type = (gateway.spec.addresses ?? []).map((address) => address.type ?? "IPAddress").find((type) =>
    type !== "IPAddress"
  );
  if (type !== undefined) {
    return no(
      "UnsupportedAddress",
      `spec.addresses has an address of type ${type}; Blixt supports IPAddress.`,
    );
  }
  if ((gateway.spec.listeners ?? []).length === 0) {
    return no("Invalid", "spec.listeners is empty; add a listener.");
  }
  return undefined;
}

/** Condition Accepted. */
export function gatewayAccepted(gateway: Gateway, listeners: readonly AcceptedListener[]): Verdict {
  const problem = specProblem(gateway);
  if (problem !== undefined) return problem;
  const { valid, message } = summarise(listeners);
  if (valid === "all") return yes("Accepted", "The Gateway is valid.");
  return (valid === "some" ? yes : no)("ListenersNotValid", message);
}

/** Condition Programmed. A named address that cannot be used shows even when another one works. */
export function gatewayProgrammed(
  accepted: Verdict,
  addresses: AddressAnswer,
  listeners: readonly ListenerOutcome[],
): Verdict {
  if (accepted.status !== "True") return no("Invalid", accepted.message);
  if (addresses.unusable.length > 0) return no("AddressNotUsable", addresses.unusable.join(" "));
  if (addresses.unassigned.length > 0) {
    return no("AddressNotAssigned", [...new Set(addresses.unassigned)].join(" "));
  }
  if (!listeners.some(({ programmed }) => programmed.status === "True")) {
    return no("Invalid", "No listener can take traffic; see their conditions.");
  }
  return yes("Programmed", `The Gateway takes traffic at ${addresses.addresses.join(", ")}.`);
}

/** What GatewayStatus is made of. */
export interface GatewayOutcome {
  readonly accepted: Verdict;
  readonly programmed: Verdict;
  readonly addresses: AddressAnswer;
  readonly listeners: readonly ListenerOutcome[];
  /** Number of ListenerSets that are accepted. */
  readonly attachedListenerSets: number;
}

/** GatewayStatus; attachedRoutes counts the routes of a listener by its name. */
export function gatewayStatus(
  gateway: Gateway,
  outcome: GatewayOutcome,
  attachedRoutes: (listener: string) => number,
): Record<string, unknown> {
  return {
    addresses: outcome.addresses.addresses.map((value) => ({ type: "IPAddress", value })),
    conditions: [
      condition(gateway, "Accepted", outcome.accepted),
      condition(gateway, "Programmed", outcome.programmed),
    ],
    listeners: outcome.listeners.map((listener) =>
      listenerStatus(gateway, listener, attachedRoutes(listener.model.listener.name))
    ),
    attachedListenerSets: outcome.attachedListenerSets,
  };
}
