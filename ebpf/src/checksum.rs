// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The transport checksum of a packet of which one end changes.
//!
//! Its field may be whole, or hold the pseudo header's sum alone and be left to a
//! device (CHECKSUM_PARTIAL, as between veths). bpf_l4_csum_replace() knows, the
//! program cannot ask; but the helper takes two calls, a third of what a packet
//! costs. A field that is not the pseudo header's sum cannot be partial: that is
//! rewritten here. One that is, or might be by another way of counting, is the
//! helper's.

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR},
    helpers::generated::{bpf_csum_diff, bpf_csum_update, bpf_l4_csum_replace},
};
use blixt_ebpf::layout::Address;

use crate::{
    flows::Tuple,
    packet::{ETH_HLEN, IPPROTO_UDP, IPV4_HLEN, IPV6_HLEN, Packet, SOUND},
};

/// BPF_F_IPV6 (linux/bpf.h, since 6.16): the pseudo header's change is not made
/// up for by an IP header checksum, so skb->csum must not follow it.
pub const BPF_F_IPV6: u64 = 1 << 7;

/// Where the checksum is in the transport header.
pub const TCP_CHECK: u32 = 16;
const UDP_CHECK: u32 = 6;

/// Where the checksum of a transport protocol is in its header.
#[inline(always)]
pub fn place_in(protocol: u8) -> u32 {
    if protocol == IPPROTO_UDP {
        UDP_CHECK
    } else {
        TCP_CHECK
    }
}

/// Flags for bpf_l4_csum_replace() besides those of the change itself.
#[inline(always)]
pub fn mangled(protocol: u8) -> u64 {
    // UDP over IPv4 without a checksum stays without (RFC 768).
    if protocol == IPPROTO_UDP {
        BPF_F_MARK_MANGLED_0.into()
    } else {
        0
    }
}

/// An end of a packet: its address and, in network byte order, its port.
pub struct End<'a> {
    pub address: &'a Address,
    pub port: u16,
}

/// Makes the transport checksum that of the packet with the end `after` instead of
/// `before`. Returns false when the kernel would not make the packet writable.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to, with ports. Pointers
/// into the frame are void afterwards.
#[inline(always)]
pub unsafe fn replace_end<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    before: &End,
    after: &End,
) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        replace_whole::<V6>(skb, packet, before, after)
            || replace_by_helper::<V6>(skb, packet, before, after)
    }
}

/// The same for a checksum that is surely whole; false when it may not be. That of
/// a super-packet counts a length that this cannot know, and options may change
/// the destination of the pseudo header.
#[inline(always)]
unsafe fn replace_whole<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    before: &End,
    after: &End,
) -> bool {
    let l4 = ETH_HLEN + if V6 { IPV6_HLEN } else { IPV4_HLEN };
    let udp = packet.tuple.protocol() == IPPROTO_UDP;
    let at = l4 + place_in(packet.tuple.protocol());
    // SAFETY: context reads; the field is inside the bound.
    unsafe {
        if (*skb).gso_size != 0 || packet.defect != SOUND || packet.l4 != l4 {
            return false;
        }
        let field = (*skb).data as usize + at as usize;
        if field + 2 > (*skb).data_end as usize {
            return false;
        }
        let field = field as *mut u16;
        let old = *field;
        // 0 stands for none over UDP.
        let length = packet.length - (l4 - ETH_HLEN);
        if old == 0 || old == folded(pseudo_header::<V6>(&packet.tuple, length as u16)) {
            return false;
        }
        let change = difference_of::<V6>(before.address, after.address);
        let ports = u32::from(!before.port) + u32::from(after.port);
        let sum = !folded(u32::from(!old) + change + ports);
        *field = if udp && sum == 0 { 0xffff } else { sum };
        if !V6 {
            // The IP header's checksum makes up for the address there, so hardware's
            // sum of the packet has to follow the change here.
            bpf_csum_update(skb, !change);
        }
        true
    }
}

#[inline(never)]
unsafe fn replace_by_helper<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    before: &End,
    after: &End,
) -> bool {
    let protocol = packet.tuple.protocol();
    let (at, mangled) = (packet.l4() + place_in(protocol), mangled(protocol));
    // SAFETY: helper calls on the context.
    unsafe {
        if !replace_pseudo::<V6>(skb, at, before.address, after.address, mangled) {
            return false;
        }
        let (from, to) = (u64::from(before.port), u64::from(after.port));
        from == to || bpf_l4_csum_replace(skb, at, from, to, mangled | 2) == 0
    }
}

/// Updates a checksum whose pseudo header an address changes in.
///
/// # Safety
/// As `replace_end`.
#[inline(always)]
pub unsafe fn replace_pseudo<const V6: bool>(
    skb: *mut __sk_buff,
    checksum: u32,
    before: &Address,
    after: &Address,
    flags: u64,
) -> bool {
    let pseudo = u64::from(BPF_F_PSEUDO_HDR) | flags;
    // SAFETY: helper calls on the context.
    unsafe {
        if V6 {
            let change = difference(before, after);
            // Kernels before 6.16 do not know the flag.
            bpf_l4_csum_replace(skb, checksum, 0, change, pseudo | BPF_F_IPV6) == 0
                || bpf_l4_csum_replace(skb, checksum, 0, change, pseudo) == 0
        } else {
            let (from, to) = (u64::from(before[3]), u64::from(after[3]));
            bpf_l4_csum_replace(skb, checksum, from, to, pseudo | 4) == 0
        }
    }
}

/// Sum of the pseudo header of `length` bytes of transport (RFC 9293, section 3.1;
/// RFC 8200, section 8.1), not yet folded. Folded it is what a field left to a device
/// holds, and never 0.
#[inline(always)]
pub fn pseudo_header<const V6: bool>(tuple: &Tuple, length: u16) -> u32 {
    let protocol = u16::from_ne_bytes([0, tuple.protocol()]);
    let sum = u64::from(protocol) + u64::from(length.to_be());
    halves(sum + words::<V6>(&tuple.saddr) + words::<V6>(&tuple.daddr))
}

/// Sum of an address's words.
#[inline(always)]
fn words<const V6: bool>(address: &Address) -> u64 {
    let [a, b, c, d] = address.map(u64::from);
    if V6 { a + b + c + d } else { d }
}

/// A sum of few words as one of their halves, which is the same in ones' complement:
/// fits 18 bits.
#[inline(always)]
fn halves(sum: u64) -> u32 {
    (sum & 0xffff) as u32 + (sum >> 16 & 0xffff) as u32 + (sum >> 32) as u32
}

/// What a sum changes by with the address, not yet folded (RFC 1624, equation 3).
#[inline(always)]
fn difference_of<const V6: bool>(before: &Address, after: &Address) -> u32 {
    halves(words::<V6>(&before.map(|word| !word)) + words::<V6>(after))
}

/// A sum of few words as a checksum's 16 bits.
#[inline(always)]
pub fn folded(sum: u32) -> u16 {
    let sum = (sum & 0xffff) + (sum >> 16);
    ((sum & 0xffff) + (sum >> 16)) as u16
}

/// RFC 1624, equation 3, one 16-bit word, not yet folded.
#[inline(always)]
pub fn replaced(sum: u32, before: u16, after: u16) -> u32 {
    sum + u32::from(!before) + u32::from(after)
}

/// Ones' complement difference of two addresses, for bpf_l4_csum_replace().
#[inline(always)]
pub fn difference(before: &Address, after: &Address) -> u64 {
    let (from, to) = (before.as_ptr().cast_mut(), after.as_ptr().cast_mut());
    // SAFETY: both are 16 bytes; the helper only reads them.
    unsafe { bpf_csum_diff(from, 16, to, 16, 0) as u64 }
}
