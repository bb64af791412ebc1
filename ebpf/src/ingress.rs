// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program at TCX ingress of every interface. Packets of clients and
//! replies of backends enter through the same door: the flow table says which
//! is which. The host's own come here too, turned round by `egress`.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::__sk_buff, helpers::generated::bpf_skb_change_type, macros::classifier,
    programs::TcContext,
};
use blixt_ebpf::layout::{ADDRESS_LOCAL, Address, DEVICE_BRIDGE_PORT};

use crate::{
    announce::{arp, solicitation},
    counters,
    deliver::{PACKET_HOST, PACKET_OTHERHOST, TC_ACT_OK, TC_ACT_SHOT},
    echo::echo,
    errors::{self, error},
    forward::forward,
    global::global,
    header::Ipv4,
    host::LOOPBACK,
    maps::DEVICE,
    packet::{
        ETH_HLEN, Family, ICMP, ICMPV6, IPPROTO_IPIP, IPPROTO_IPV6, IPV4_HLEN, IPV6_HLEN, MAPPED,
        Packet, copied, family, parse_v4, parse_v6, protocol,
    },
    path_mtu::learn,
    select,
    tunnel::{Inside, leave},
};

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
                    Inside::Foreign if family == Family::V4 => return stranded::<false>(skb),
                    Inside::Foreign => return stranded::<true>(skb),
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
            return stranded::<false>(skb);
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
            return stranded::<true>(skb);
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
            TC_ACT_OK => match about_flow::<false>(skb) {
                TC_ACT_OK => {
                    learn::<false>(skb);
                    stranded::<false>(skb)
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
                TC_ACT_OK => match about_flow::<true>(skb) {
                    TC_ACT_OK => {
                        learn::<true>(skb);
                        stranded::<true>(skb)
                    }
                    verdict => verdict,
                },
                verdict => verdict,
            },
            verdict => verdict,
        }
    }
}

/// Forwards an ICMP error about a packet of a flow, one that this node knows or begins
/// for it.
#[inline(always)]
unsafe fn about_flow<const V6: bool>(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        errors::begin::<V6>(skb);
        error::<V6>(skb)
    }
}

global! {
    /// What nobody here forwards, answers or refuses. To an address of ours that the host
    /// does not have it ends here: the stack would send it on, a router that knows whose
    /// the address is would send it back, and so on to the last of its hops.
    fn stranded(skb: *mut __sk_buff;) -> i32 = stranded_body, stranded4, stranded6
}

#[inline(always)]
unsafe fn stranded_body<const V6: bool>(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises.
    let daddr = unsafe {
        if V6 {
            let ours = copied::<[u8; 2]>(skb, ETH_HLEN).is_some_and(|[first, _]| first >> 4 == 6)
                && !is_about_neighbours(skb);
            copied::<Address>(skb, ETH_HLEN + 24).filter(|_| ours)
        } else {
            copied::<Ipv4>(skb, ETH_HLEN)
                .filter(|ip| ip.length() != 0)
                .map(|ip| [0, 0, MAPPED, ip.daddr])
        }
    };
    match daddr.and_then(|daddr| select::address::<V6>(&daddr)) {
        Some(flags) if flags & ADDRESS_LOCAL == 0 => {
            counters::dropped(|drops| &mut drops.no_service);
            TC_ACT_SHOT
        }
        _ => TC_ACT_OK,
    }
}

/// Whether a frame is of neighbour discovery (RFC 4861, section 4), which stays on its
/// link: the host may have been told to answer for the address.
#[inline(always)]
unsafe fn is_about_neighbours(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        protocol::<true>(skb) == ICMPV6
            && copied::<[u8; 2]>(skb, ETH_HLEN + IPV6_HLEN)
                .is_some_and(|[kind, _]| matches!(kind, 133..=137))
    }
}

/// A switch floods frames for stations it does not know yet; forwarding what is
/// another host's would deliver it twice. Over loopback there is no other host: what
/// looks so is a reply that `deliver` has sent there, which is the stack's as it is.
#[inline(always)]
unsafe fn is_for_host(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises.
    let (kind, ifindex) = unsafe { ((*skb).pkt_type, (*skb).ifindex) };
    if kind == PACKET_HOST {
        return true;
    }
    if kind != PACKET_OTHERHOST {
        return false;
    }
    if ifindex == LOOPBACK {
        // SAFETY: a helper call on the context.
        unsafe { bpf_skb_change_type(skb, PACKET_HOST) };
        return false;
    }
    // SAFETY: read at once.
    unsafe {
        DEVICE
            .get(ifindex)
            .is_some_and(|d| d.flags & DEVICE_BRIDGE_PORT != 0)
    }
}
