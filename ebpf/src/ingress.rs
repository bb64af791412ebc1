// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program at TCX ingress of every interface. Packets of clients and
//! replies of backends enter through the same door: the flow table says which
//! is which.

use aya_ebpf::{bindings::__sk_buff, macros::classifier, programs::TcContext};
use blixt_ebpf::layout::DEVICE_BRIDGE_PORT;

use crate::{
    deliver::TC_ACT_OK,
    forward::forward,
    maps::DEVICE,
    packet::{Family, family, parse_v4, parse_v6},
};

/// linux/if_packet.h: to this host; to another host.
const PACKET_HOST: u32 = 0;
const PACKET_OTHERHOST: u32 = 3;

/// Verdict: TC_ACT_REDIRECT when forwarded or refused with a reset, TC_ACT_SHOT
/// when dropped, TC_ACT_OK for all that is not ours, untouched.
#[classifier]
pub fn ingress(ctx: TcContext) -> i32 {
    let skb = ctx.skb.skb;
    // SAFETY: `skb` is this program's context.
    unsafe {
        if !is_for_host(skb) {
            return TC_ACT_OK;
        }
        match family(skb) {
            Family::V4 => ipv4(skb),
            Family::V6 => ipv6(skb),
            Family::Other => TC_ACT_OK,
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
