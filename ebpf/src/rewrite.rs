// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Network address translation of one packet, checksums included.

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_MARK_MANGLED_0, BPF_F_PSEUDO_HDR},
    helpers::generated::{bpf_csum_diff, bpf_csum_update, bpf_l4_csum_replace},
};
use blixt_ebpf::layout::{Address, DIRECTION_FORWARD, Flow};

use crate::packet::{ETH_HLEN, IPPROTO_TCP, IPV4_HLEN, IPV6_HLEN, Packet};

/// BPF_F_IPV6 (linux/bpf.h, since 6.16): the pseudo header's change is not made
/// up for by an IP header checksum, so skb->csum must not follow it.
const BPF_F_IPV6: u64 = 1 << 7;

/// Writes the flow's address and port over the packet's destination (from a
/// client) or source (from a backend) and counts the TTL down. Without `PORTS`,
/// in a later fragment, the address alone.
///
/// The transport checksum goes through bpf_l4_csum_replace(), which alone knows
/// whether it is whole, partial (left to the device, as between veths) or
/// already summed by hardware. The IP header's is summed by hand (RFC 1624).
/// Returns false when the kernel would not make the packet writable.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to, its TTL above 1.
/// Pointers into the frame are void afterwards.
#[inline(always)]
pub unsafe fn rewrite<const V6: bool, const PORTS: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    flow: &Flow,
) -> bool {
    // SAFETY: helper calls on the context; every write is bounds-checked first.
    unsafe {
        let forward = flow.direction == DIRECTION_FORWARD;
        let (address, port) = if forward {
            (&packet.tuple.daddr, packet.tuple.dport)
        } else {
            (&packet.tuple.saddr, packet.tuple.sport)
        };
        if PORTS {
            let (checksum, mangled) = if packet.tuple.protocol == IPPROTO_TCP {
                (packet.l4() + 16, 0)
            } else {
                // UDP over IPv4 without a checksum stays without (RFC 768).
                (packet.l4() + 6, u64::from(BPF_F_MARK_MANGLED_0))
            };
            if !replace_pseudo::<V6>(skb, checksum, address, &flow.address, mangled) {
                return false;
            }
            if port != flow.port {
                let (from, to) = (u64::from(port), u64::from(flow.port));
                if bpf_l4_csum_replace(skb, checksum, from, to, mangled | 2) != 0 {
                    return false;
                }
            }
        } else if V6 {
            // No checksum here makes up for the addresses.
            let change = difference(address, &flow.address);
            bpf_csum_update(skb, change as u32);
        }
        if !network::<V6>(skb, packet.ttl, forward, address, &flow.address) {
            return false;
        }
        if !PORTS {
            return true;
        }
        // Only now: checked together, the compiler finds the first bound implied
        // by this one and drops it, which the verifier does not follow.
        let l4 = (*skb).data as usize + packet.l4() as usize;
        if l4 + 4 > (*skb).data_end as usize {
            return false;
        }
        *((l4 + if forward { 2 } else { 0 }) as *mut u16) = flow.port;
        true
    }
}

/// Updates a checksum whose pseudo header an address changes in.
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

/// Writes `after` over the destination (`forward`) or the source of the IP header,
/// which is `before`, and counts the TTL down.
#[inline(always)]
pub unsafe fn network<const V6: bool>(
    skb: *mut __sk_buff,
    ttl: u8,
    forward: bool,
    before: &Address,
    after: &Address,
) -> bool {
    // SAFETY: every write is bounds-checked first.
    unsafe {
        let l3 = (*skb).data as usize + ETH_HLEN as usize;
        let header = if V6 { IPV6_HLEN } else { IPV4_HLEN } as usize;
        if l3 + header > (*skb).data_end as usize {
            return false;
        }
        if V6 {
            let hop_word = (l3 + 6) as *mut u16;
            let hop_before = *hop_word;
            *((l3 + 7) as *mut u8) = ttl - 1;
            // No checksum makes up for the hop limit, so hardware's sum of the
            // packet has to follow. It fails where there is no such sum.
            bpf_csum_update(skb, replaced(0, hop_before, *hop_word));
            let words = (l3 + if forward { 24 } else { 8 }) as *mut u32;
            *words = after[0];
            *words.add(1) = after[1];
            *words.add(2) = after[2];
            *words.add(3) = after[3];
        } else {
            let at = (l3 + 10) as *mut u16;
            let ttl_word = (l3 + 8) as *mut u16;
            let ttl_before = *ttl_word;
            *((l3 + 8) as *mut u8) = ttl - 1;
            let mut sum = u32::from(!*at);
            sum = replaced(sum, ttl_before, *ttl_word);
            sum = replaced(sum, before[3] as u16, after[3] as u16);
            sum = replaced(sum, (before[3] >> 16) as u16, (after[3] >> 16) as u16);
            *at = !folded(sum);
            *((l3 + if forward { 16 } else { 12 }) as *mut u32) = after[3];
        }
        true
    }
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
