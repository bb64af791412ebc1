// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Network address translation of one packet, checksums included.

use aya_ebpf::{bindings::__sk_buff, helpers::generated::bpf_csum_update};
use blixt_ebpf::layout::{Address, Flow};

use crate::{
    checksum::{End, difference, folded, replace_end, replaced},
    packet::{ETH_HLEN, IPV4_HLEN, IPV6_HLEN, Packet},
};

/// Writes the flow's address and port over the packet's destination (from a
/// client) or source (from a backend) and counts the TTL down. Without `PORTS`,
/// in a later fragment, the address alone. Returns false when the kernel would not
/// make the packet writable.
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
        let forward = flow.is_forward();
        let tuple = &packet.tuple;
        let (address, port) = if forward {
            (&tuple.daddr, tuple.dport)
        } else {
            (&tuple.saddr, tuple.sport)
        };
        if PORTS {
            let before = End { address, port };
            let after = End {
                address: &flow.address,
                port: flow.port,
            };
            if !replace_end::<V6>(skb, packet, &before, &after) {
                return false;
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
            let [next, _] = hop_before.to_ne_bytes();
            let hop_after = u16::from_ne_bytes([next, ttl - 1]);
            *hop_word = hop_after;
            // No checksum makes up for the hop limit, so hardware's sum of the
            // packet has to follow. It fails where there is no such sum.
            bpf_csum_update(skb, replaced(0, hop_before, hop_after));
            let words = (l3 + if forward { 24 } else { 8 }) as *mut u32;
            *words = after[0];
            *words.add(1) = after[1];
            *words.add(2) = after[2];
            *words.add(3) = after[3];
        } else {
            let at = (l3 + 10) as *mut u16;
            let ttl_word = (l3 + 8) as *mut u16;
            let ttl_before = *ttl_word;
            let [_, protocol] = ttl_before.to_ne_bytes();
            let ttl_after = u16::from_ne_bytes([ttl - 1, protocol]);
            // The word at once: read after a store of half of it, it would wait for that.
            *ttl_word = ttl_after;
            let mut sum = u32::from(!*at);
            sum = replaced(sum, ttl_before, ttl_after);
            sum = replaced(sum, before[3] as u16, after[3] as u16);
            sum = replaced(sum, (before[3] >> 16) as u16, (after[3] >> 16) as u16);
            *at = !folded(sum);
            *((l3 + if forward { 16 } else { 12 }) as *mut u32) = after[3];
        }
        true
    }
}
