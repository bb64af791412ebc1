// SPDX-License-Identifier: Apache-2.0

import type { LabelSelector, LabelSelectorRequirement } from "../api/label_selector.ts";

type Labels = Readonly<Record<string, string>>;

function requirementHolds(requirement: LabelSelectorRequirement, labels: Labels): boolean {
  const { key, operator, values = [] } = requirement;
  const value = Object.hasOwn(labels, key) ? labels[key] : undefined;
  switch (operator) {
    case "In":
      return value !== undefined && values.includes(value);
    case "NotIn":
      return value === undefined || !values.includes(value);
    case "Exists":
      return value !== undefined;
    case "DoesNotExist":
      return value === undefined;
    default:
      return false;
  }
}

/**
 * Whether the labels match (metav1.LabelSelector): every label and every
 * expression must hold. An empty selector matches everything, an absent one
 * nothing; an operator that Kubernetes does not know never holds.
 */
export function selectorMatches(selector: LabelSelector | undefined, labels: Labels): boolean {
  if (selector === undefined) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return Object.entries(matchLabels).every(([key, value]) =>
    Object.hasOwn(labels, key) && labels[key] === value
  ) &&
    matchExpressions.every((requirement) => requirementHolds(requirement, labels));
}
