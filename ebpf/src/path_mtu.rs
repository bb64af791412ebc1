// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What routers say of packets between nodes: one that is too big for the path is
//! this node's own, so its sender is told here, and remembers (RFC 2003, section 5).

use aya_ebpf::bindings::__sk_buff;
use blixt_ebpf::layout::Address;

use crate::{
    header::{Ipv4, Ipv6},
    maps::NODE,
    packet::{
        ETH_HLEN, FRAGMENT_OFFSET, IPPROTO_IPIP, IPPROTO_IPV6, IPV4_HLEN, IPV6_HLEN, MAPPED,
        MORE_FRAGMENTS, copied,
    },
    tracking,
    tunnel::is_between_nodes,
};

/// Units of `now()` after which a path may take more again: ten minutes (RFC 1191,
/// section 6.3; RFC 8201, section 4).
const LIFETIME: u32 = 559;

/// Nobody is believed who says less: Linux's net.ipv4.route.min_pmtu, and what every
/// IPv6 path takes.
const LEAST: u32 = 552;
const LEAST_V6: u32 = 1_280;

const FRAGMENTATION_NEEDED: u16 = u16::from_ne_bytes([3, 4]);
const PACKET_TOO_BIG: u16 = u16::from_ne_bytes([2, 0]);
const ICMP_HLEN: u32 = 8;

/// Remembers what an error says of the path to a node, if it is one about a packet
/// that this node sent there around another. The stack gets the error too.
///
/// # Safety
/// `skb` is the program's context and holds an ICMP or ICMPv6 packet for this host.
#[inline(never)]
pub unsafe fn learn<const V6: bool>(skb: *mut __sk_buff) {
    // SAFETY: as the caller promises; elements stay valid for this run.
    unsafe {
        let Some((node, mtu)) = (if V6 { error_v6(skb) } else { error_v4(skb) }) else {
            return;
        };
        let least = if V6 { LEAST_V6 } else { LEAST };
        if let Some(known) = NODE.get_ptr_mut(node) {
            (*known).mtu = if mtu < least { least } else { mtu };
            (*known).seen = tracking::now();
        }
    }
}

/// Bytes of the longest packet that the path to a node takes, as far as routers said;
/// no more than `most`.
#[inline(always)]
pub fn known(node: &Address, most: u16) -> u16 {
    // SAFETY: read at once.
    unsafe {
        match NODE.get(node) {
            Some(known)
                if known.mtu != 0
                    && known.mtu < most.into()
                    && tracking::now().wrapping_sub(known.seen) < LIFETIME =>
            {
                known.mtu as u16
            }
            _ => most,
        }
    }
}

#[inline(always)]
unsafe fn error_v4(skb: *mut __sk_buff) -> Option<(Address, u32)> {
    // SAFETY: as the caller promises.
    unsafe {
        let outer = copied::<Ipv4>(skb, ETH_HLEN)?;
        let icmp = ETH_HLEN + outer.length();
        let [kind, _, _, mtu] = copied::<[u16; 4]>(skb, icmp)?;
        let about = copied::<Ipv4>(skb, icmp + ICMP_HLEN)?;
        let pieces = u16::from_be(outer.fragment) & (MORE_FRAGMENTS | FRAGMENT_OFFSET);
        let end = u32::from(u16::from_be(outer.length));
        if outer.length() == 0
            || about.length() == 0
            || pieces != 0
            || !is_whole(skb, end, icmp + ICMP_HLEN + IPV4_HLEN)
        {
            return None;
        }
        let ends = [[0, 0, MAPPED, about.saddr], [0, 0, MAPPED, about.daddr]];
        // Routers of before RFC 1191 say 0.
        let told = kind == FRAGMENTATION_NEEDED && mtu != 0;
        of_tunnel(told, about.protocol, ends).map(|node| (node, u16::from_be(mtu).into()))
    }
}

#[inline(always)]
unsafe fn error_v6(skb: *mut __sk_buff) -> Option<(Address, u32)> {
    // SAFETY: as the caller promises.
    unsafe {
        let outer = copied::<Ipv6>(skb, ETH_HLEN)?;
        let icmp = ETH_HLEN + IPV6_HLEN;
        let [kind, _, high, mtu] = copied::<[u16; 4]>(skb, icmp)?;
        let about = copied::<Ipv6>(skb, icmp + ICMP_HLEN)?;
        let end = IPV6_HLEN + u32::from(u16::from_be(outer.length));
        if outer.version[0] >> 4 != 6
            || about.version[0] >> 4 != 6
            || !is_whole(skb, end, icmp + ICMP_HLEN + IPV6_HLEN)
        {
            return None;
        }
        let told = kind == PACKET_TOO_BIG && high == 0;
        of_tunnel(told, about.next, [about.saddr, about.daddr])
            .map(|node| (node, u16::from_be(mtu).into()))
    }
}

/// Whether a packet of `length` bytes is all in the frame, and has what is before
/// `read` in that.
#[inline(always)]
unsafe fn is_whole(skb: *mut __sk_buff, length: u32, read: u32) -> bool {
    // SAFETY: a context read.
    let end = unsafe { (*skb).len };
    ETH_HLEN + length <= end && read <= ETH_HLEN + length
}

/// The node that a packet was for which this one put around another.
#[inline(always)]
fn of_tunnel(told: bool, protocol: u8, [saddr, daddr]: [Address; 2]) -> Option<Address> {
    let around = protocol == IPPROTO_IPIP || protocol == IPPROTO_IPV6;
    (told && around && is_between_nodes(&daddr, &saddr)).then_some(daddr)
}
