// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Answers pings (RFC 792, RFC 4443 section 4.2) to addresses that traffic is taken
//! for, whichever node announces them: the packet itself goes back.

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_csum_update, bpf_l4_csum_replace},
};
use blixt_ebpf::layout::{ADDRESS_LOCAL, Address};

use crate::{
    checksum::{folded, replaced},
    deliver::TC_ACT_OK,
    header::TTL,
    host::send_back,
    packet::{
        ETH_HLEN, FRAGMENT_OFFSET, IPV4_HLEN, IPV6_HLEN, MAPPED, MORE_FRAGMENTS, copied, load,
    },
    select,
};

/// Type and code (RFC 792; RFC 4443, section 4).
const ECHO_REQUEST: [u8; 2] = [8, 0];
const ECHO_REPLY: [u8; 2] = [0, 0];
const ECHO_REQUEST_V6: [u8; 2] = [128, 0];
const ECHO_REPLY_V6: [u8; 2] = [129, 0];

/// Where the type is, that of a request and that of a reply.
#[inline(always)]
pub fn kinds<const V6: bool>() -> (u32, [u8; 2], [u8; 2]) {
    if V6 {
        (ETH_HLEN + IPV6_HLEN, ECHO_REQUEST_V6, ECHO_REPLY_V6)
    } else {
        (ETH_HLEN + IPV4_HLEN, ECHO_REQUEST, ECHO_REPLY)
    }
}

/// Whether the packet is an echo request that `echo` answers.
///
/// # Safety
/// `skb` is the program's context and holds an ICMP or ICMPv6 packet.
#[inline(always)]
pub unsafe fn asks<const V6: bool>(skb: *mut __sk_buff) -> bool {
    let (l4, request, _) = kinds::<V6>();
    // SAFETY: as the caller promises; the element is read at once.
    unsafe {
        if copied::<[u8; 2]>(skb, l4) != Some(request) {
            return false;
        }
        let Some(daddr) = destination::<V6>(skb) else {
            return false;
        };
        select::address::<V6>(&daddr).is_some_and(|flags| flags & ADDRESS_LOCAL == 0)
    }
}

/// Answers an echo request whose IP header has no options, unless the host has
/// the address too and will answer itself. Returns the program's verdict.
///
/// # Safety
/// `skb` is the program's context and holds an ICMP or ICMPv6 packet.
#[inline(never)]
pub unsafe fn echo<const V6: bool>(skb: *mut __sk_buff) -> i32 {
    let (l4, request, reply) = kinds::<V6>();
    // SAFETY: helper calls on the context; every write is bounds-checked first.
    unsafe {
        if !asks::<V6>(skb) {
            return TC_ACT_OK;
        }
        // The addresses change places, which no sum notices; the type does not.
        let from = u64::from(u16::from_ne_bytes(request));
        let to = u64::from(u16::from_ne_bytes(reply));
        if bpf_l4_csum_replace(skb, l4 + 2, from, to, 2) != 0 {
            return TC_ACT_OK;
        }
        let data = (*skb).data as usize;
        if data + l4 as usize + 2 > (*skb).data_end as usize {
            return TC_ACT_OK;
        }
        *((data + l4 as usize) as *mut [u8; 2]) = reply;
        swap::<[u8; 6]>(data, data + 6);
        let l3 = data + ETH_HLEN as usize;
        if V6 {
            swap::<Address>(l3 + 8, l3 + 24);
            let word = (l3 + 6) as *mut [u8; 2];
            let came = *word;
            *word = [came[0], TTL];
            // No checksum makes up for it, so hardware's sum of the packet has to follow.
            let [before, after] = [came, *word].map(u16::from_ne_bytes);
            bpf_csum_update(skb, replaced(0, before, after));
        } else {
            swap::<u32>(l3 + 12, l3 + 16);
            begin_hops((l3 + 8) as *mut [u8; 2], (l3 + 10) as *mut u16);
        }
        send_back(skb)
    }
}

/// Writes the TTL of what begins its way here into the word of an IPv4 header that has
/// it; the header's checksum follows. An answer with what was left of the request's would
/// not come far: traceroute sends no more than it needs to get here.
///
/// # Safety
/// Both may be read and written.
#[inline(always)]
pub unsafe fn begin_hops(word: *mut [u8; 2], checksum: *mut u16) {
    // SAFETY: as the caller promises.
    unsafe {
        let [ttl, protocol] = *word;
        let [before, after] = [ttl, TTL].map(|ttl| u16::from_ne_bytes([ttl, protocol]));
        *word = [TTL, protocol];
        *checksum = !folded(replaced(u32::from(!*checksum), before, after));
    }
}

/// The destination, mapped into IPv6; none where IPv4 options are in the way, or of a
/// fragment: of a ping in several, not all have a type.
#[inline(always)]
unsafe fn destination<const V6: bool>(skb: *mut __sk_buff) -> Option<Address> {
    // SAFETY: as the caller promises.
    unsafe {
        let [version_ihl, _] = load::<[u8; 2]>(skb, ETH_HLEN)?;
        if V6 {
            return load::<Address>(skb, ETH_HLEN + 24).filter(|_| version_ihl >> 4 == 6);
        }
        let fragment = u16::from_be(load(skb, ETH_HLEN + 6)?);
        if version_ihl != 0x45 || fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0 {
            return None;
        }
        Some([0, 0, MAPPED, load::<u32>(skb, ETH_HLEN + 16)?])
    }
}

#[inline(always)]
unsafe fn swap<T: Copy>(one: usize, other: usize) {
    // SAFETY: both lie in a part of the frame that the caller has checked.
    unsafe {
        let (a, b) = (one as *mut T, other as *mut T);
        let kept = *a;
        *a = *b;
        *b = kept;
    }
}
