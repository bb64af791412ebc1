// SPDX-License-Identifier: Apache-2.0

import type { Node } from "./api/node.ts";
import type { Snapshot } from "./api/snapshot.ts";
import type { Peers } from "./ends.ts";
import { equal } from "./equal.ts";
import type { TranslateOptions } from "./translate/options.ts";
import type { Translation } from "./translate/translation.ts";
import { Translator } from "./translate/translator.ts";

/**
 * The translation as it is on this node, among its peers: only the control
 * plane that leads assigns addresses, each node announces its own, and packets
 * are sent to the Blixt of another node only where there is one. The options are
 * asked for at each translation.
 */
export function translateHere(
  options: () => TranslateOptions,
  peers?: Peers,
): (snapshot: Snapshot) => Translation {
  const present = (): TranslateOptions => ({
    ...options(),
    ...(peers !== undefined && { assignAddresses: peers.leads }),
  });
  let used = present();
  let translator = new Translator(used);
  const translate = (snapshot: Snapshot): Translation => {
    const wanted = present();
    if (!equal(used, wanted)) {
      used = wanted;
      // Seldom enough for all to be translated anew.
      translator = new Translator(wanted);
    }
    return translator.translate(snapshot);
  };
  if (peers === undefined) return translate;
  const withEquippedNodes = equippedNodes(peers);
  return (snapshot) => {
    const translation = translate(withEquippedNodes(snapshot, options().node));
    const { dataplane } = translation;
    const announced = peers.announced(dataplane.services);
    return { ...translation, dataplane: { ...dataplane, announced } };
  };
}

/**
 * Marks the nodes without Blixt in snapshots. A map in which the same are marked stays the same. This node has one, and
 * says so to others only when it is ready: it must know its own addresses before they send something there.
 */
function equippedNodes(peers: Peers): (snapshot: Snapshot, own: string | undefined) => Snapshot {
  let before: { readonly all: Snapshot["Node"]; readonly equipped: readonly string[] } | undefined;
  let nodes: Snapshot["Node"] = new Map();
  const marks = new WeakMap<Node, Node>();
  const marked = (node: Node): Node => {
    const mark = marks.get(node) ?? { ...node, withoutBlixt: true };
    marks.set(node, mark);
    return mark;
  };
  return (snapshot, own) => {
    const { equipped } = peers;
    if (snapshot.Node !== before?.all || equipped !== before.equipped) {
      const names = new Set(equipped);
      nodes = new Map(
        [...snapshot.Node].map((
          [name, node],
        ) => [name, names.has(name) || name === own ? node : marked(node)]),
      );
      before = { all: snapshot.Node, equipped };
    }
    return { ...snapshot, Node: nodes };
  };
}
