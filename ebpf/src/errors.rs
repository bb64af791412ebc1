// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors about packets of a flow (RFC 792, RFC 4443), both ways: path MTU
//! discovery lives on them. What an error carries of its packet says which flow
//! it is about, and is translated like that packet, only backwards (RFC 5508,
//! section 4).

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_l4_csum_replace, bpf_skb_store_bytes},
};
use blixt_ebpf::layout::{Address, DELIVERY_UNKNOWN, DIRECTION_FORWARD, Flow};

use crate::{
    checksum::{difference, folded, place_in, replace_pseudo, replaced},
    counters,
    deliver::{TC_ACT_OK, TC_ACT_SHOT, deliver, resolve},
    extensions::walk_extensions,
    flows::{self, Tuple},
    hairpin::{is_hairpin, swap},
    header::{Ipv4, Ipv6},
    packet::{
        ETH_HLEN, IPPROTO_TCP, IPPROTO_UDP, IPV6_HLEN, LATER_FRAGMENT, MAPPED, Packet, SOUND,
        copied, pull,
    },
    rewrite::network,
};

/// Bytes before the embedded packet.
const ICMP_HLEN: u32 = 8;

/// Destination unreachable ("fragmentation needed" is one), time exceeded,
/// parameter problem.
const ERRORS: [u8; 3] = [3, 11, 12];
/// The same, and "packet too big".
const ERRORS_V6: [u8; 4] = [1, 2, 3, 4];

/// An error, and where in the frame its parts are.
struct Report {
    /// The packet that would answer the embedded one, with the error's own TTL;
    /// its `l4` is the ICMP header.
    answer: Packet,
    /// Where the error comes from.
    source: Address,
    l3: u32,
    l4: u32,
}

/// Translates an error about a packet of a flow and sends it where the flow's
/// packets go. Returns the program's verdict, TC_ACT_OK for all others.
///
/// A client's error about a reply goes to the backend; one about a client's
/// packet, from the backend or a router on the way to it, goes to the client as
/// if the service's address had sent it.
///
/// # Safety
/// `skb` is the program's context and holds an ICMP or ICMPv6 packet for this host.
#[inline(never)]
pub unsafe fn error<const V6: bool>(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    unsafe {
        pull(skb, ETH_HLEN + IPV6_HLEN);
        let Some(report) = (if V6 { parse_v6(skb) } else { parse_v4(skb) }) else {
            return TC_ACT_OK;
        };
        let flow = flows::find_any::<V6>(&report.answer.tuple);
        if flow.is_null() {
            return TC_ACT_OK;
        }
        if report.answer.ttl <= 1 {
            counters::dropped(|drops| &mut drops.ttl_exceeded);
            return TC_ACT_SHOT;
        }
        if (*flow).delivery == DELIVERY_UNKNOWN {
            resolve::<V6>(skb, &report.answer, flow);
        }
        if !translate::<V6>(skb, &report, &*flow) {
            counters::dropped(|drops| &mut drops.rewrite_failed);
            return TC_ACT_SHOT;
        }
        deliver::<V6>(skb, &*flow)
    }
}

/// Whether the packet is an error about a packet of a flow.
///
/// # Safety
/// `skb` is the program's context and holds an ICMP or ICMPv6 packet.
#[inline(never)]
pub unsafe fn concerns<const V6: bool>(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises.
    let report = unsafe { if V6 { parse_v6(skb) } else { parse_v4(skb) } };
    report.is_some_and(|report| !flows::find_any::<V6>(&report.answer.tuple).is_null())
}

/// Writes the flow's address and port inside and outside.
#[inline(always)]
unsafe fn translate<const V6: bool>(skb: *mut __sk_buff, report: &Report, flow: &Flow) -> bool {
    let tuple = &report.answer.tuple;
    let forward = flow.direction == DIRECTION_FORWARD;
    // What the answer has as destination, the embedded packet has as source.
    let hairpin = is_hairpin(tuple, flow);
    let port = if forward { tuple.dport } else { tuple.sport };
    let (inside, outside) = if hairpin {
        (&flow.address, &flow.address)
    } else if forward {
        (&tuple.daddr, &tuple.daddr)
    } else {
        (&tuple.saddr, &report.source)
    };
    let sum = report.answer.l4 + 2;
    let udp = tuple.protocol() == IPPROTO_UDP;
    let checksum = report.l4 + place_in(tuple.protocol());
    // SAFETY: as the caller promises.
    unsafe {
        // Addresses that only change places are right already. Between a pod and
        // itself nobody else has reason to complain.
        if hairpin
            && (report.source != tuple.saddr
                || !swap::<V6>(skb, ETH_HLEN)
                || !swap::<V6>(skb, report.l3))
        {
            return false;
        }
        let change = difference(inside, &flow.address) as u32;
        // As much of the embedded packet as there is: only ports are sure to be.
        if let Some(before) = copied::<u16>(skb, checksum)
            && !(udp && before == 0)
        {
            let after = corrected(before, change, port, flow.port);
            if !write(skb, sum, checksum, before, after) {
                return false;
            }
        }
        if !write(
            skb,
            sum,
            report.l4 + if forward { 0 } else { 2 },
            port,
            flow.port,
        ) {
            return false;
        }
        if !V6 {
            let at = report.l3 + 10;
            let Some(before) = copied::<u16>(skb, at) else {
                return false;
            };
            if !write(skb, sum, at, before, corrected(before, change, 0, 0)) {
                return false;
            }
        }
        if !write_address::<V6>(skb, sum, report.l3, forward, change, &flow.address) {
            return false;
        }
        // ICMP over IPv4 has no pseudo header (RFC 792).
        (!V6 || replace_pseudo::<true>(skb, sum, outside, &flow.address, 0))
            && network::<V6>(skb, report.answer.ttl, forward, outside, &flow.address)
    }
}

/// A checksum after the change of addresses and of one port (RFC 1624, equation 3).
#[inline(always)]
fn corrected(checksum: u16, change: u32, from: u16, to: u16) -> u16 {
    let sum = u32::from(!checksum) + (change & 0xffff) + (change >> 16);
    !folded(replaced(sum, from, to))
}

/// Writes a word of the embedded packet; ICMP's checksum at `sum` follows.
#[inline(always)]
unsafe fn write(skb: *mut __sk_buff, sum: u32, at: u32, from: u16, to: u16) -> bool {
    // SAFETY: the helpers read `to` alone and check where they write.
    unsafe {
        bpf_l4_csum_replace(skb, sum, from.into(), to.into(), 2) == 0
            && bpf_skb_store_bytes(skb, at, (&raw const to).cast(), 2, 0) == 0
    }
}

/// The same with the embedded source (`forward`) or destination.
#[inline(always)]
unsafe fn write_address<const V6: bool>(
    skb: *mut __sk_buff,
    sum: u32,
    l3: u32,
    forward: bool,
    change: u32,
    address: &Address,
) -> bool {
    // SAFETY: the helpers read `address` alone and check where they write.
    unsafe {
        if bpf_l4_csum_replace(skb, sum, 0, change.into(), 0) != 0 {
            return false;
        }
        if V6 {
            let at = l3 + if forward { 8 } else { 24 };
            bpf_skb_store_bytes(skb, at, address.as_ptr().cast(), 16, 0) == 0
        } else {
            let at = l3 + if forward { 12 } else { 16 };
            bpf_skb_store_bytes(skb, at, (&raw const address[3]).cast(), 4, 0) == 0
        }
    }
}

#[inline(always)]
unsafe fn parse_v4(skb: *mut __sk_buff) -> Option<Report> {
    // SAFETY: as the caller of `error` promises.
    unsafe {
        let outer: Ipv4 = copied(skb, ETH_HLEN)?;
        let icmp = ETH_HLEN + outer.length();
        let [kind, _] = copied::<[u8; 2]>(skb, icmp)?;
        // "Don't fragment" may be set.
        if outer.length() == 0
            || outer.fragment & !0x4000_u16.to_be() != 0
            || !ERRORS.contains(&kind)
        {
            return None;
        }
        let l3 = icmp + ICMP_HLEN;
        let inner: Ipv4 = copied(skb, l3)?;
        let l4 = l3 + inner.length();
        // A later fragment has no ports.
        let later = inner.fragment & 0x1fff_u16.to_be() != 0;
        if inner.length() == 0 || later || outer.daddr != inner.saddr {
            return None;
        }
        let source = [0, 0, MAPPED, outer.saddr];
        let ends = [[0, 0, MAPPED, inner.daddr], [0, 0, MAPPED, inner.saddr]];
        report(skb, icmp, outer.ttl, source, ends, inner.protocol, [l3, l4])
    }
}

#[inline(always)]
unsafe fn parse_v6(skb: *mut __sk_buff) -> Option<Report> {
    // SAFETY: as the caller of `error` promises.
    unsafe {
        let outer: Ipv6 = copied(skb, ETH_HLEN)?;
        let icmp = ETH_HLEN + IPV6_HLEN;
        let [kind, _] = copied::<[u8; 2]>(skb, icmp)?;
        if !ERRORS_V6.contains(&kind) {
            return None;
        }
        let l3 = icmp + ICMP_HLEN;
        let inner: Ipv6 = copied(skb, l3)?;
        if inner.version[0] >> 4 != 6 || outer.daddr != inner.saddr {
            return None;
        }
        let mut protocol = inner.next;
        let mut l4 = l3 + IPV6_HLEN;
        if protocol != IPPROTO_TCP && protocol != IPPROTO_UDP {
            let found = walk_extensions(skb, inner.next, l4);
            if (found >> 8) as u8 == LATER_FRAGMENT {
                return None;
            }
            protocol = found as u8;
            l4 = (found >> 16) as u32 & 0xffff;
        }
        let ends = [inner.daddr, inner.saddr];
        report(skb, icmp, outer.hops, outer.saddr, ends, protocol, [l3, l4])
    }
}

/// Puts together what both families have; none without the embedded ports.
#[inline(always)]
unsafe fn report(
    skb: *mut __sk_buff,
    icmp: u32,
    ttl: u8,
    source: Address,
    [saddr, daddr]: [Address; 2],
    protocol: u8,
    [l3, l4]: [u32; 2],
) -> Option<Report> {
    if protocol != IPPROTO_TCP && protocol != IPPROTO_UDP {
        return None;
    }
    // SAFETY: as the caller of `error` promises.
    let [dport, sport] = unsafe { copied::<[u16; 2]>(skb, l4)? };
    Some(Report {
        answer: Packet {
            tuple: Tuple {
                saddr,
                daddr,
                sport,
                dport,
                protocol: protocol.into(),
            },
            l4: icmp,
            length: 0,
            flags: 0,
            ttl,
            defect: SOUND,
            overhead: 0,
        },
        source,
        l3,
        l4,
    })
}
