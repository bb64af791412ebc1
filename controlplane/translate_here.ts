// SPDX-License-Identifier: Apache-2.0

import type { Snapshot } from "./api/snapshot.ts";
import type { Peers } from "./ends.ts";
import type { TranslateOptions } from "./translate/options.ts";
import type { Translation } from "./translate/translation.ts";
import { Translator } from "./translate/translator.ts";

/**
 * The translation as it is on this node, among its peers: only the control
 * plane that leads assigns addresses, and each node announces its own.
 */
export function translateHere(options: TranslateOptions, peers?: Peers): (snapshot: Snapshot) => Translation {
  if (peers === undefined) {
    const translator = new Translator(options);
    return (snapshot) => translator.translate(snapshot);
  }
  let led = peers.leads;
  let translator = new Translator({ ...options, assignAddresses: led });
  return (snapshot) => {
    if (peers.leads !== led) {
      led = peers.leads;
      // Seldom enough for all to be translated anew.
      translator = new Translator({ ...options, assignAddresses: led });
    }
    const translation = translator.translate(snapshot);
    const { dataplane } = translation;
    const announced = peers.announced(dataplane.services);
    return { ...translation, dataplane: { ...dataplane, announced } };
  };
}
