// SPDX-License-Identifier: Apache-2.0

import { CONTROLLER_NAME } from "../api/gateway_class.ts";
import type { Condition } from "../api/object.ts";
import { formatReference, type Reference } from "./reference.ts";
import type { Status } from "./merge.ts";

/** One condition of an object and the part of the object it is about. */
export interface PlacedCondition {
  /** "" for the object, "listener tcp", "parent Gateway default/web". */
  readonly part: string;
  readonly condition: Condition;
}

/** All conditions in a status of any kind that Blixt writes; of a route, only entries of this controller. */
export function conditionsOf(status: Status, namespace: string | undefined): PlacedCondition[] {
  const place = (part: string, conditions: unknown): PlacedCondition[] =>
    list<Condition>(conditions).map((condition) => ({ part, condition }));
  const listeners = list<{ name: string; conditions?: unknown }>(status["listeners"]);
  const parents = list<{ parentRef: Reference; controllerName: string; conditions?: unknown }>(
    status["parents"],
  );
  return [
    ...place("", status["conditions"]),
    ...listeners.flatMap(({ name, conditions }) => place(`listener ${name}`, conditions)),
    ...parents.filter((parent) => parent.controllerName === CONTROLLER_NAME)
      .flatMap(({ parentRef, conditions }) =>
        place(`parent ${formatReference(parentRef, namespace)}`, conditions)
      ),
  ];
}

function list<T>(value: unknown): readonly T[] {
  return Array.isArray(value) ? value : [];
}

/** Whether a condition says that all is as it should be: Conflicted is the one that is good when False. */
export function isGood({ type, status }: Pick<Condition, "type" | "status">): boolean {
  return (status === "True") !== (type === "Conflicted");
}
