// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors about packets of a flow (RFC 792, RFC 4443), both ways: path MTU
//! discovery lives on them. What an error carries of its packet says which flow
//! it is about, and is translated like that packet, only backwards (RFC 5508,
//! section 4).

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_l4_csum_replace, bpf_skb_store_bytes},
};
use blixt_ebpf::layout::{Address, DELIVERY_UNKNOWN, Flow};

use crate::{
    begin::adopt,
    checksum::{difference, folded, place_in, replace_pseudo, replaced},
    counters,
    deliver::{TC_ACT_OK, TC_ACT_SHOT, deliver, resolve},
    extensions::walk_extensions,
    flows,
    global::global,
    hairpin::{is_hairpin, swap},
    header::{DONT_FRAGMENT, Ipv4},
    packet::{
        ETH_HLEN, FRAGMENT_OFFSET, IPPROTO_TCP, IPPROTO_UDP, IPV6_HLEN, LATER_FRAGMENT, MAPPED,
        Packet, SOUND, copied, copy_to, pull,
    },
    rewrite::network,
    snat,
};

/// Bytes before the embedded packet.
const ICMP_HLEN: u32 = 8;

/// Destination unreachable ("fragmentation needed" is one), time exceeded,
/// parameter problem.
const ERRORS: [u8; 3] = [3, 11, 12];
/// The same, and "packet too big".
const ERRORS_V6: [u8; 4] = [1, 2, 3, 4];

/// An error, and where in the frame its parts are.
#[repr(C)]
struct Report {
    /// The packet that would answer the embedded one, with the error's own TTL;
    /// its `l4` is the ICMP header.
    answer: Packet,
    /// Where the error comes from.
    source: Address,
    l3: u32,
    l4: u32,
    /// Where the error ends. What the frame has behind it is no part of it.
    end: u32,
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
        let mut report = MaybeUninit::uninit();
        let Some(report) = parse::<V6>(skb, &mut report) else {
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
        let forward = (*flow).is_forward();
        let hairpin = is_hairpin(&report.answer.tuple, &*flow);
        if !translate::<V6>(skb, forward, hairpin, &raw const *report, flow)
            || (*flow).is_snat() && !translate_other_end::<V6>(skb, !forward, report)
        {
            counters::dropped(|drops| &mut drops.rewrite_failed);
            return TC_ACT_SHOT;
        }
        deliver::<V6>(skb, &*flow, false)
    }
}

global! {
    /// Begins the flow that an error is about, if it is none that is known here: routers
    /// spread errors over nodes by who sends them, not by what they are about (RFC 7690).
    /// Returns 0.
    ///
    /// # Safety
    /// `skb` is the program's context and holds an ICMP or ICMPv6 packet for this host.
    pub fn begin(skb: *mut __sk_buff;) -> i32 = begin_body, begin_about4, begin_about6
}

#[inline(always)]
unsafe fn begin_body<const V6: bool>(skb: *mut __sk_buff) -> i32 {
    let mut report = MaybeUninit::uninit();
    // SAFETY: as the caller promises.
    unsafe {
        if let Some(report) = parse::<V6>(skb, &mut report)
            && flows::find_any::<V6>(&report.answer.tuple).is_null()
        {
            adopt::<V6>(skb, &report.answer);
        }
    }
    0
}

/// Whether the packet is an error about a packet of a flow.
///
/// # Safety
/// `skb` is the program's context and holds an ICMP or ICMPv6 packet.
#[inline(never)]
pub unsafe fn concerns<const V6: bool>(skb: *mut __sk_buff) -> bool {
    let mut report = MaybeUninit::uninit();
    // SAFETY: as the caller promises.
    let report = unsafe { parse::<V6>(skb, &mut report) };
    report.is_some_and(|report| !flows::find_any::<V6>(&report.answer.tuple).is_null())
}

global! {
    /// Writes an entry's address and port inside and outside: over the answer's
    /// destination (`forward`) or source, which the embedded packet has the other way
    /// round. Returns false when the kernel would not make the packet writable.
    fn translate(skb: *mut __sk_buff, forward: bool, hairpin: bool; report: Report, flow: Flow) -> bool
        = translate_body, translate4, translate6
}

#[inline(always)]
unsafe fn translate_body<const V6: bool>(
    skb: *mut __sk_buff,
    forward: bool,
    hairpin: bool,
    report: &Report,
    flow: &Flow,
) -> bool {
    let tuple = &report.answer.tuple;
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
        if checksum + 2 <= report.end
            && let Some(before) = copied::<u16>(skb, checksum)
            && !(udp && before == 0)
        {
            let after = corrected(before, change, port, flow.port);
            // 0 stands for none over UDP.
            let after = if udp && after == 0 { 0xffff } else { after };
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

/// Translates the end that the flow leaves as it is. The network of such a pod does
/// not hear from which router the error is, but from this node.
#[inline(always)]
unsafe fn translate_other_end<const V6: bool>(
    skb: *mut __sk_buff,
    forward: bool,
    report: &Report,
) -> bool {
    let end = snat::other_end::<V6>(&report.answer.tuple);
    // SAFETY: as the caller promises.
    !end.is_null() && unsafe { translate::<V6>(skb, forward, false, report, end) }
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

/// Reads an error into `report`, where it stays. None: not one about a TCP or UDP
/// packet whose ports are there.
#[inline(always)]
unsafe fn parse<const V6: bool>(
    skb: *mut __sk_buff,
    report: &mut MaybeUninit<Report>,
) -> Option<&mut Report> {
    let parsed = report.as_mut_ptr();
    // SAFETY: as the caller of `error` promises; every field is written.
    unsafe {
        let (protocol, l4) = if V6 {
            parse_v6(skb, parsed)?
        } else {
            parse_v4(skb, parsed)?
        };
        if protocol != IPPROTO_TCP && protocol != IPPROTO_UDP {
            return None;
        }
        let said = copied::<u16>(skb, ETH_HLEN + if V6 { 4 } else { 2 })?;
        let end = ETH_HLEN + if V6 { IPV6_HLEN } else { 0 } + u32::from(u16::from_be(said));
        if end > (*skb).len || l4 + 4 > end {
            return None;
        }
        let [dport, sport] = copied::<[u16; 2]>(skb, l4)?;
        (*parsed).l4 = l4;
        (*parsed).end = end;
        (*parsed).answer.tuple.sport = sport;
        (*parsed).answer.tuple.dport = dport;
        (*parsed).answer.tuple.protocol = protocol.into();
        (*parsed).answer.length = 0;
        (*parsed).answer.flags = 0;
        (*parsed).answer.defect = SOUND;
        (*parsed).answer.overhead = 0;
        Some(report.assume_init_mut())
    }
}

/// Writes what IP headers say into `report`; returns the embedded packet's protocol,
/// and where its transport header is.
#[inline(always)]
unsafe fn parse_v4(skb: *mut __sk_buff, report: *mut Report) -> Option<(u8, u32)> {
    // SAFETY: as the caller of `error` promises.
    unsafe {
        let outer: Ipv4 = copied(skb, ETH_HLEN)?;
        let icmp = ETH_HLEN + outer.length();
        let [kind, _] = copied::<[u8; 2]>(skb, icmp)?;
        if outer.length() == 0
            || outer.fragment & !DONT_FRAGMENT.to_be() != 0
            || !ERRORS.contains(&kind)
        {
            return None;
        }
        let l3 = icmp + ICMP_HLEN;
        let inner: Ipv4 = copied(skb, l3)?;
        // A later fragment has no ports.
        let later = inner.fragment & FRAGMENT_OFFSET.to_be() != 0;
        if inner.length() == 0 || later || outer.daddr != inner.saddr {
            return None;
        }
        (*report).source = [0, 0, MAPPED, outer.saddr];
        (*report).l3 = l3;
        (*report).answer.l4 = icmp;
        (*report).answer.ttl = outer.ttl;
        (*report).answer.tuple.saddr = [0, 0, MAPPED, inner.daddr];
        (*report).answer.tuple.daddr = [0, 0, MAPPED, inner.saddr];
        Some((inner.protocol, l3 + inner.length()))
    }
}

#[inline(always)]
unsafe fn parse_v6(skb: *mut __sk_buff, report: *mut Report) -> Option<(u8, u32)> {
    // SAFETY: as the caller of `error` promises.
    unsafe {
        let icmp = ETH_HLEN + IPV6_HLEN;
        let [kind, _] = copied::<[u8; 2]>(skb, icmp)?;
        let l3 = icmp + ICMP_HLEN;
        let [outer, _] = copied::<[u8; 2]>(skb, ETH_HLEN)?;
        if outer >> 4 != 6 || !ERRORS_V6.contains(&kind) {
            return None;
        }
        let [_, ttl] = copied::<[u8; 2]>(skb, ETH_HLEN + 6)?;
        let [version, ..] = copied::<[u8; 2]>(skb, l3)?;
        let [next, _] = copied::<[u8; 2]>(skb, l3 + 6)?;
        (*report).l3 = l3;
        (*report).answer.l4 = icmp;
        (*report).answer.ttl = ttl;
        // The addresses of either header, source before destination.
        let tuple = &raw mut (*report).answer.tuple;
        if version >> 4 != 6
            || !copy_to(skb, ETH_HLEN + 24, &raw mut (*report).source)
            || !copy_to(skb, l3 + 8, &raw mut (*tuple).daddr)
            || !copy_to(skb, l3 + 24, &raw mut (*tuple).saddr)
            || (*report).source != (*tuple).daddr
            || !copy_to(skb, ETH_HLEN + 8, &raw mut (*report).source)
        {
            return None;
        }
        if next == IPPROTO_TCP || next == IPPROTO_UDP {
            return Some((next, l3 + IPV6_HLEN));
        }
        let found = walk_extensions(skb, next, l3 + IPV6_HLEN);
        if (found >> 8) as u8 == LATER_FRAGMENT {
            return None;
        }
        Some((found as u8, (found >> 16) as u32 & 0xffff))
    }
}
