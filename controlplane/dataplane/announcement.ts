// SPDX-License-Identifier: Apache-2.0

import { parseAddress } from "./address.ts";

const BROADCAST = "ffffffffffff";
/** Of ff02::1, all nodes of a link (RFC 2464, section 7). */
const ALL_NODES_MAC = "333300000001";
const ALL_NODES = "ff020000000000000000000000000001";

const ETHERTYPE_ARP = "0806";
const ETHERTYPE_IPV6 = "86dd";

/** Where the ICMPv6 message begins: behind the Ethernet and IPv6 headers. */
const ICMPV6_START = 14 + 40;

/**
 * The Ethernet frame that tells a link that an address is at a MAC address (twelve hexadecimal digits) from now on, so that
 * neighbours correct what they remember: an ARP announcement (RFC 5227, section 3) or an unsolicited neighbour
 * advertisement (RFC 4861, section 7.2.6).
 */
export function announcement(address: string, mac: string): Uint8Array {
  const bytes = parseAddress(address);
  return address.includes(":") ? advertisement(bytes.toHex(), mac) : arp(bytes.subarray(12).toHex(), mac);
}

/** A request, since some hosts ignore replies that they did not ask for. */
function arp(address: string, mac: string): Uint8Array {
  const [ethernet, ipv4, lengths, request] = ["0001", "0800", "0604", "0001"];
  const target = "000000000000";
  return Uint8Array.fromHex(
    BROADCAST + mac + ETHERTYPE_ARP + ethernet + ipv4 + lengths + request + mac + address + target + address,
  );
}

function advertisement(address: string, mac: string): Uint8Array {
  const [version, length, icmpv6, hops] = ["60000000", "0020", "3a", "ff"];
  const [typeAndCode, noChecksum, override, targetLinkLayer] = ["8800", "0000", "20000000", "0201"];
  const frame = Uint8Array.fromHex(
    ALL_NODES_MAC + mac + ETHERTYPE_IPV6 + version + length + icmpv6 + hops + address + ALL_NODES +
      typeAndCode + noChecksum + override + address + targetLinkLayer + mac,
  );
  new DataView(frame.buffer).setUint16(ICMPV6_START + 2, checksum(frame));
  return frame;
}

/** RFC 8200, section 8.1, over a message whose checksum is 0. */
function checksum(frame: Uint8Array): number {
  const view = new DataView(frame.buffer);
  // The pseudo-header's length and next header; its addresses stand right before the message.
  let sum = frame.length - ICMPV6_START + 0x3a;
  for (let at = ICMPV6_START - 32; at < frame.length; at += 2) sum += view.getUint16(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
