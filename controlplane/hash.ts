// SPDX-License-Identifier: Apache-2.0

/** FNV-1a over the UTF-16 code units, finished with MurmurHash3's avalanche; an unsigned 32-bit number. */
export function hash32(text: string, seed = 0): number {
  let h = 0x811c_9dc5 ^ seed;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193);
  h = Math.imul(h ^ h >>> 16, 0x85eb_ca6b);
  h = Math.imul(h ^ h >>> 13, 0xc2b2_ae35);
  return (h ^ h >>> 16) >>> 0;
}
