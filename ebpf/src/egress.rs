// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program at TCX egress of every interface: what the host itself sends as a
//! client, or as a backend, is turned round to enter by `ingress`, which does the
//! rest. It writes nothing but a MAC address, and that by a helper: with direct
//! writes the kernel would copy the headers of every packet that the host sends.

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_INGRESS},
    helpers::generated::{bpf_redirect, bpf_skb_store_bytes},
    macros::classifier,
    programs::TcContext,
};
use blixt_ebpf::layout::ADDRESS_LOCAL;

use crate::{
    announce, echo, errors,
    extensions::walk_extensions,
    flows::{self, Tuple},
    fragments,
    header::Ipv4,
    host,
    ingress::TCX_NEXT,
    packet::{
        ETH_HLEN, FRAGMENT_OFFSET, Family, ICMP, ICMPV6, IPPROTO_TCP, IPPROTO_UDP, IPV6_HLEN,
        LATER_FRAGMENT, MAPPED, Packet, SOUND, family, load, place, protocol,
    },
    select,
};

/// Verdict: TC_ACT_REDIRECT when turned round, TCX_NEXT for all else, untouched.
#[classifier]
pub fn egress(ctx: TcContext) -> i32 {
    let skb = ctx.skb.skb;
    // SAFETY: `skb` is this program's context.
    unsafe {
        // What came in by an interface met `ingress` there.
        if (*skb).ingress_ifindex != 0 {
            return TCX_NEXT;
        }
        match family(skb) {
            Family::V4 => match protocol::<false>(skb) {
                IPPROTO_TCP | IPPROTO_UDP => turn(skb, ipv4(skb)),
                ICMP => turn(skb, icmp::<false>(skb)),
                _ => TCX_NEXT,
            },
            Family::V6 => match protocol::<true>(skb) {
                ICMPV6 if announce::solicits(skb) => question(skb),
                ICMPV6 => turn(skb, icmp::<true>(skb)),
                next => turn(skb, ipv6(skb, next)),
            },
            Family::Arp if announce::asks(skb) => question(skb),
            _ => TCX_NEXT,
        }
    }
}

/// Lets the frame enter by the interface that it was about to leave by.
#[inline(always)]
unsafe fn turn(skb: *mut __sk_buff, ours: bool) -> i32 {
    if !ours {
        return TCX_NEXT;
    }
    // SAFETY: helper calls on the context; the buffer is the frame's own copy.
    unsafe {
        let Some(mac) = load::<[u8; 6]>(skb, 6) else {
            return TCX_NEXT;
        };
        if bpf_skb_store_bytes(skb, 0, mac.as_ptr().cast(), 6, 0) != 0 {
            return TCX_NEXT;
        }
        question(skb)
    }
}

/// The same with a frame for everybody, as which it shall enter.
#[inline(always)]
unsafe fn question(skb: *mut __sk_buff) -> i32 {
    // SAFETY: a helper call and a context read.
    unsafe { bpf_redirect((*skb).ifindex, BPF_F_INGRESS.into()) as i32 }
}

/// No more is read than decides: most of what the host sends is not for us.
#[inline(always)]
unsafe fn ipv4(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(ip) = place::<Ipv4>(skb, ETH_HLEN) else {
            return false;
        };
        let mut tuple = Tuple {
            saddr: [0, 0, MAPPED, (*ip).saddr],
            daddr: [0, 0, MAPPED, (*ip).daddr],
            sport: 0,
            dport: 0,
            protocol: (*ip).protocol.into(),
        };
        let later = (*ip).fragment & FRAGMENT_OFFSET.to_be() != 0;
        if !later {
            let l4 = ETH_HLEN + u32::from((*ip).version_ihl & 0x0f) * 4;
            let Some(ports) = load::<u32>(skb, l4) else {
                return false;
            };
            tuple.set_ports(ports);
        }
        is_ours::<false>(skb, tuple, later)
    }
}

#[inline(always)]
unsafe fn ipv6(skb: *mut __sk_buff, next: u8) -> bool {
    let mut l4 = ETH_HLEN + IPV6_HLEN;
    let mut protocol = next;
    let mut later = false;
    // SAFETY: as the caller promises.
    unsafe {
        if next != IPPROTO_TCP && next != IPPROTO_UDP {
            let found = walk_extensions(skb, next, l4);
            if found == 0 {
                return false;
            }
            protocol = found as u8;
            later = (found >> 8) as u8 == LATER_FRAGMENT;
            l4 = (found >> 16) as u32 & 0x3ff;
        }
        let Some([saddr, daddr]) = load::<[[u32; 4]; 2]>(skb, ETH_HLEN + 8) else {
            return false;
        };
        let mut tuple = Tuple {
            saddr,
            daddr,
            sport: 0,
            dport: 0,
            protocol: protocol.into(),
        };
        if !later {
            let Some(ports) = load::<u32>(skb, l4) else {
                return false;
            };
            tuple.set_ports(ports);
        }
        is_ours::<true>(skb, tuple, later)
    }
}

/// Whether the host is a client here, or a backend: to one of our addresses unless
/// the host has it, or of a flow, at a port of the host's that has one. To an address
/// of its own a host's packets stay inside, and do not come here.
#[inline(always)]
unsafe fn is_ours<const V6: bool>(skb: *mut __sk_buff, tuple: Tuple, later: bool) -> bool {
    if let Some(flags) = select::address::<V6>(&tuple.daddr) {
        return flags & ADDRESS_LOCAL == 0;
    }
    if !later {
        return host::may_have(tuple.sport) && !flows::find_any::<V6>(&tuple).is_null();
    }
    let packet = Packet {
        tuple,
        l4: 0,
        length: 0,
        flags: 0,
        ttl: 0,
        defect: SOUND,
        overhead: 0,
    };
    // SAFETY: as the caller promises.
    unsafe { !fragments::flow::<V6>(skb, &packet).is_null() }
}

/// A ping to an address that we answer for, or an error about a packet of a flow.
#[inline(always)]
unsafe fn icmp<const V6: bool>(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises.
    unsafe { echo::asks::<V6>(skb) || errors::concerns::<V6>(skb) }
}
