// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program in the driver of interfaces that face clients: it does early what
//! is cheap to decide, before the kernel makes an skb of a frame. Whatever it
//! does is what `ingress` would do, counted in the same counters; everything
//! else it passes to that, untouched.

mod announce;
mod echo;
mod forward;
mod frame;
mod parse;
mod refuse;
mod rewrite;

use aya_ebpf::{
    bindings::xdp_action::XDP_PASS, bindings::xdp_md, macros::xdp, programs::XdpContext,
};

use crate::packet::{ETH_HLEN, ETH_P_ARP, ETH_P_IP, ETH_P_IPV6, ICMP, ICMPV6};
use announce::{arp, solicitation};
use echo::echo;
use forward::forward;
use frame::load;
use parse::parse;

/// Verdict: XDP_TX when forwarded or answered, XDP_DROP when dropped, XDP_PASS for
/// all that `ingress` is to judge, VLAN tags among it.
#[xdp(frags)]
pub fn early(ctx: XdpContext) -> u32 {
    let ctx = ctx.ctx;
    // SAFETY: `ctx` is this program's context.
    unsafe {
        let Some(ethertype) = load::<u16>(ctx, ETH_HLEN - 2) else {
            return XDP_PASS;
        };
        match u16::from_be(ethertype) {
            ETH_P_IP => ipv4(ctx),
            ETH_P_IPV6 => ipv6(ctx),
            ETH_P_ARP => arp(ctx),
            _ => XDP_PASS,
        }
    }
}

/// Apart from IPv6, so that the two do not share 512 bytes of stack.
#[inline(never)]
unsafe fn ipv4(ctx: *mut xdp_md) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        match load::<[u8; 2]>(ctx, ETH_HLEN + 8) {
            Some([_, ICMP]) => echo::<false>(ctx),
            _ => parse::<false>(ctx).map_or(XDP_PASS, |packet| forward::<false>(ctx, &packet)),
        }
    }
}

#[inline(never)]
unsafe fn ipv6(ctx: *mut xdp_md) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        match load::<[u8; 2]>(ctx, ETH_HLEN + 6) {
            Some([ICMPV6, _]) => match solicitation(ctx) {
                XDP_PASS => echo::<true>(ctx),
                verdict => verdict,
            },
            _ => parse::<true>(ctx).map_or(XDP_PASS, |packet| forward::<true>(ctx, &packet)),
        }
    }
}
