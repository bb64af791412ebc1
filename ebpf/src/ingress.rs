// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program at TCX ingress of every interface. Packets of clients and
//! replies of backends enter through the same door: the flow table says which
//! is which.

use aya_ebpf::{bindings::__sk_buff, macros::classifier, programs::TcContext};
use blixt_ebpf::layout::DEVICE_BRIDGE_PORT;

use crate::{
    announce::{arp, solicitation},
    deliver::TC_ACT_OK,
    echo::echo,
    errors::error,
    forward::forward,
    maps::DEVICE,
    packet::{Family, ICMP, ICMPV6, family, parse_v4, parse_v6, protocol},
};

/// linux/if_packet.h: to this host; to another host.
const PACKET_HOST: u32 = 0;
const PACKET_OTHERHOST: u32 = 3;

/// linux/bpf.h: the next program at the hook decides, after the last one the stack.
const TCX_NEXT: i32 = -1;

/// Verdict: TC_ACT_REDIRECT when forwarded or refused with a reset, TC_ACT_SHOT
/// when dropped, TCX_NEXT for all that is not ours, untouched: TC_ACT_OK would
/// hide it from the programs and filters behind this one.
#[classifier]
pub fn ingress(ctx: TcContext) -> i32 {
    // SAFETY: `skb` is this program's context.
    match unsafe { verdict(ctx.skb.skb) } {
        TC_ACT_OK => TCX_NEXT,
        verdict => verdict,
    }
}

#[inline(always)]
unsafe fn verdict(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        match family(skb) {
            Family::V4 if !is_for_host(skb) => TC_ACT_OK,
            Family::V4 if protocol::<false>(skb) == ICMP => icmp(skb),
            Family::V4 => ipv4(skb),
            // Neighbour solicitations come as multicast.
            Family::V6 if protocol::<true>(skb) == ICMPV6 => icmpv6(skb),
            Family::V6 if is_for_host(skb) => ipv6(skb),
            Family::Arp => arp(skb),
            _ => TC_ACT_OK,
        }
    }
}

/// Apart from IPv6, so that the two do not share 512 bytes of stack.
#[inline(never)]
unsafe fn ipv4(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { parse_v4(skb).map_or(TC_ACT_OK, |packet| forward::<false>(skb, &packet)) }
}

#[inline(never)]
unsafe fn ipv6(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { parse_v6(skb).map_or(TC_ACT_OK, |packet| forward::<true>(skb, &packet)) }
}

#[inline(always)]
unsafe fn icmp(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        match echo::<false>(skb) {
            TC_ACT_OK => error::<false>(skb),
            verdict => verdict,
        }
    }
}

#[inline(always)]
unsafe fn icmpv6(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        match solicitation(skb) {
            TC_ACT_OK if is_for_host(skb) => match echo::<true>(skb) {
                TC_ACT_OK => error::<true>(skb),
                verdict => verdict,
            },
            verdict => verdict,
        }
    }
}

/// A switch floods frames for stations it does not know yet; forwarding what is
/// another host's would deliver it twice.
#[inline(always)]
unsafe fn is_for_host(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises.
    let (kind, ifindex) = unsafe { ((*skb).pkt_type, (*skb).ifindex) };
    if kind == PACKET_HOST {
        return true;
    }
    // SAFETY: read at once.
    kind == PACKET_OTHERHOST
        && unsafe {
            DEVICE
                .get(ifindex)
                .is_some_and(|d| d.flags & DEVICE_BRIDGE_PORT != 0)
        }
}
