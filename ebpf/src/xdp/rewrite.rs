// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Network address translation of one packet in the driver's buffer.

use aya_ebpf::bindings::xdp_md;
use blixt_ebpf::layout::{Address, DIRECTION_FORWARD, DIRECTION_OWN, Flow};

use super::frame::place;
use crate::{
    checksum::{folded, place_in, pseudo_header, replaced},
    packet::{ETH_HLEN, IPPROTO_TCP, Packet},
};

/// What stands before the transport header, as far as it changes.
#[repr(C, packed)]
struct Ipv4 {
    dmac: [u8; 6],
    smac: [u8; 6],
    before: [u16; 5],
    ttl: [u8; 2],
    checksum: u16,
    addresses: [u32; 2],
}

#[repr(C, packed)]
struct Ipv6 {
    dmac: [u8; 6],
    smac: [u8; 6],
    before: [u16; 4],
    hops: [u8; 2],
    addresses: [Address; 2],
}

/// Writes MAC addresses, the flow's address and port, and counts the TTL down.
/// Returns false, and has written nothing, when the transport checksum may be left
/// to a device, or is not in the first buffer.
///
/// # Safety
/// `ctx` is the program's context, `packet` what it parsed to, its TTL above 1.
#[inline(always)]
pub unsafe fn rewrite<const V6: bool>(ctx: *mut xdp_md, packet: &Packet, flow: &Flow) -> bool {
    let l4 = packet.l4();
    let tcp = packet.tuple.protocol() == IPPROTO_TCP;
    let forward = flow.direction & !DIRECTION_OWN == DIRECTION_FORWARD;
    let (address, port) = if forward {
        (&packet.tuple.daddr, packet.tuple.dport)
    } else {
        (&packet.tuple.saddr, packet.tuple.sport)
    };
    let which = usize::from(forward);
    // SAFETY: as the caller promises; no helper moves the frame meanwhile.
    unsafe {
        let Some(checksum) = place::<u16>(ctx, l4 + place_in(packet.tuple.protocol())) else {
            return false;
        };
        let before = *checksum;
        if is_partial::<V6>(packet, before) {
            return false;
        }
        let Some(ports) = place::<[u16; 2]>(ctx, l4) else {
            return false;
        };
        if V6 {
            let Some(header) = place::<Ipv6>(ctx, 0) else {
                return false;
            };
            (*header).dmac = flow.dmac;
            (*header).smac = flow.smac;
            (*header).hops[1] = packet.ttl - 1;
            (*header).addresses[which] = flow.address;
        } else {
            let Some(header) = place::<Ipv4>(ctx, 0) else {
                return false;
            };
            (*header).dmac = flow.dmac;
            (*header).smac = flow.smac;
            let [ttl, protocol] = (*header).ttl;
            (*header).ttl = [ttl - 1, protocol];
            let sum = replaced(
                u32::from(!(*header).checksum),
                u16::from_ne_bytes([ttl, protocol]),
                u16::from_ne_bytes([ttl - 1, protocol]),
            );
            (*header).checksum = !folded(replaced_word(sum, address[3], flow.address[3]));
            (*header).addresses[which] = flow.address[3];
        }
        (*ports)[which] = flow.port;
        // UDP over IPv4 without a checksum stays without (RFC 768).
        if tcp || before != 0 {
            let mut sum = replaced(u32::from(!before), port, flow.port);
            for i in if V6 { 0..4 } else { 3..4 } {
                sum = replaced_word(sum, address[i], flow.address[i]);
            }
            let after = !folded(sum);
            *checksum = if !tcp && after == 0 { 0xffff } else { after };
        }
        true
    }
}

/// Whether the checksum field holds what a sender leaves there for a device to
/// finish (CHECKSUM_PARTIAL): the pseudo header's sum. A driver's buffer does not
/// tell, and would not keep it: sent from here, nobody would finish the sum. Of
/// finished ones, one in 65,536 looks the same.
#[inline(always)]
fn is_partial<const V6: bool>(packet: &Packet, checksum: u16) -> bool {
    let length = packet.length - (packet.l4() - ETH_HLEN);
    let pseudo = folded(pseudo_header::<V6>(&packet.tuple, length as u16));
    // Ones' complement has two zeros.
    pseudo == checksum || pseudo == 0xffff && checksum == 0
}

#[inline(always)]
fn replaced_word(sum: u32, before: u32, after: u32) -> u32 {
    let sum = replaced(sum, before as u16, after as u16);
    replaced(sum, (before >> 16) as u16, (after >> 16) as u16)
}
