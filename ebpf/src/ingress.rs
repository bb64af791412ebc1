// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program at TCX ingress of every interface. Packets of clients and
//! replies of backends enter through the same door: the flow table says which
//! is which. The host's own come here too, turned round by `egress`.

use core::mem::MaybeUninit;

use aya_ebpf::{bindings::__sk_buff, macros::classifier, programs::TcContext};
use blixt_ebpf::layout::DEVICE_BRIDGE_PORT;

use crate::{
    announce::{arp, solicitation},
    deliver::{TC_ACT_OK, TC_ACT_SHOT},
    echo::echo,
    errors::error,
    forward::forward,
    maps::DEVICE,
    packet::{
        Family, ICMP, ICMPV6, IPPROTO_IPIP, IPPROTO_IPV6, IPV4_HLEN, IPV6_HLEN, Packet, family,
        parse_v4, parse_v6, protocol,
    },
    path_mtu::learn,
    tunnel::{Inside, leave},
};

/// linux/if_packet.h: to this host; to another host.
const PACKET_HOST: u32 = 0;
const PACKET_OTHERHOST: u32 = 3;

/// linux/bpf.h: the next program at the hook decides, after the last one the stack.
pub const TCX_NEXT: i32 = -1;

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
        let (family, protocol, overhead) = match outermost(skb) {
            (family, IPPROTO_IPIP | IPPROTO_IPV6) if is_for_host(skb) => {
                let inside = match family {
                    Family::V4 => leave::<false>(skb),
                    _ => leave::<true>(skb),
                };
                let overhead = if family == Family::V4 {
                    IPV4_HLEN
                } else {
                    IPV6_HLEN
                };
                match inside {
                    Inside::V4 => (Family::V4, self::protocol::<false>(skb), overhead),
                    Inside::V6 => (Family::V6, self::protocol::<true>(skb), overhead),
                    Inside::Foreign => return TC_ACT_OK,
                    Inside::Dropped => return TC_ACT_SHOT,
                }
            }
            (family, protocol) => (family, protocol, 0),
        };
        let mut packet = MaybeUninit::uninit();
        match family {
            Family::V4 if !is_for_host(skb) => TC_ACT_OK,
            Family::V4 if protocol == ICMP => icmp(skb),
            Family::V4 => ipv4(skb, overhead, &mut packet),
            // Neighbour solicitations come as multicast.
            Family::V6 if protocol == ICMPV6 => icmpv6(skb),
            Family::V6 if is_for_host(skb) => ipv6(skb, overhead, &mut packet),
            Family::Arp => arp(skb),
            _ => TC_ACT_OK,
        }
    }
}

/// The frame's family, and the protocol after its first IP header.
#[inline(always)]
unsafe fn outermost(skb: *mut __sk_buff) -> (Family, u8) {
    // SAFETY: as the caller promises.
    unsafe {
        match family(skb) {
            Family::V4 => (Family::V4, protocol::<false>(skb)),
            Family::V6 => (Family::V6, protocol::<true>(skb)),
            other => (other, 0),
        }
    }
}

/// Apart from IPv6, so that the two do not share 512 bytes of stack.
#[inline(always)]
unsafe fn ipv4(skb: *mut __sk_buff, overhead: u32, packet: &mut MaybeUninit<Packet>) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(packet) = parse_v4(skb, packet) else {
            return TC_ACT_OK;
        };
        packet.overhead = overhead as u8;
        forward::<false>(skb, packet)
    }
}

#[inline(always)]
unsafe fn ipv6(skb: *mut __sk_buff, overhead: u32, packet: &mut MaybeUninit<Packet>) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(packet) = parse_v6(skb, packet) else {
            return TC_ACT_OK;
        };
        packet.overhead = overhead as u8;
        forward::<true>(skb, packet)
    }
}

#[inline(always)]
unsafe fn icmp(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        match echo::<false>(skb) {
            TC_ACT_OK => match error::<false>(skb) {
                TC_ACT_OK => {
                    learn::<false>(skb);
                    TC_ACT_OK
                }
                verdict => verdict,
            },
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
                TC_ACT_OK => match error::<true>(skb) {
                    TC_ACT_OK => {
                        learn::<true>(skb);
                        TC_ACT_OK
                    }
                    verdict => verdict,
                },
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
