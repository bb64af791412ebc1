// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A pod that reaches itself through a service. Left alone it would see its own
//! address on both ends and answer itself, past us. So the service's address
//! stands for the client too: on each way source and destination change places,
//! which no checksum notices, and one port is written.

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_l4_csum_replace, bpf_skb_store_bytes},
};
use blixt_ebpf::layout::{Address, Flow};

use crate::{
    checksum::{mangled, place_in},
    flows::Tuple,
    global::global,
    packet::{ETH_HLEN, LATER_FRAGMENT, Packet, copied},
    rewrite::network,
};

/// Whether what the flow writes over one end of its packet is what stands at the
/// other: the backend's address at the client's, or the service's at the other. Not so
/// where a client has the service's address, and is no backend.
#[inline(always)]
pub fn is_hairpin(tuple: &Tuple, flow: &Flow) -> bool {
    let other = if flow.is_forward() {
        &tuple.saddr
    } else {
        &tuple.daddr
    };
    // The last word differs most.
    flow.address[3] == other[3] && flow.address == *other && !flow.is_snat() && !flow.is_own()
}

global! {
    /// What `rewrite()` is for the flows of others. Returns false when the kernel would
    /// not make the packet writable.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to, its TTL above 1.
    /// Pointers into the frame are void afterwards.
    pub fn turn(skb: *mut __sk_buff; packet: Packet, flow: Flow) -> bool
        = turn_body, turn4, turn6
}

#[inline(always)]
unsafe fn turn_body<const V6: bool>(skb: *mut __sk_buff, packet: &Packet, flow: &Flow) -> bool {
    let forward = flow.is_forward();
    let address = &flow.address;
    // SAFETY: helper calls on the context.
    unsafe {
        if !swap::<V6>(skb, ETH_HLEN) {
            return false;
        }
        if packet.defect != LATER_FRAGMENT {
            let protocol = packet.tuple.protocol();
            let (checksum, mangled) = (packet.l4() + place_in(protocol), mangled(protocol));
            let (at, port) = if forward {
                (packet.l4() + 2, packet.tuple.dport)
            } else {
                (packet.l4(), packet.tuple.sport)
            };
            let (from, to) = (u64::from(port), u64::from(flow.port));
            if bpf_l4_csum_replace(skb, checksum, from, to, mangled | 2) != 0
                || bpf_skb_store_bytes(skb, at, (&raw const flow.port).cast(), 2, 0) != 0
            {
                return false;
            }
        }
        // The flow's address stands where it belongs; the TTL is left.
        network::<V6>(skb, packet.ttl, forward, address, address)
    }
}

/// Lets source and destination of the IP header at `l3` change places.
///
/// # Safety
/// `skb` is the program's context; pointers into the frame are void afterwards.
#[inline(always)]
pub unsafe fn swap<const V6: bool>(skb: *mut __sk_buff, l3: u32) -> bool {
    // SAFETY: the helper reads `turned` alone and checks where it writes.
    unsafe {
        if V6 {
            let Some([source, destination]) = copied::<[Address; 2]>(skb, l3 + 8) else {
                return false;
            };
            let turned = [destination, source];
            bpf_skb_store_bytes(skb, l3 + 8, turned.as_ptr().cast(), 32, 0) == 0
        } else {
            let Some([source, destination]) = copied::<[u32; 2]>(skb, l3 + 12) else {
                return false;
            };
            let turned = [destination, source];
            bpf_skb_store_bytes(skb, l3 + 12, turned.as_ptr().cast(), 8, 0) == 0
        }
    }
}
