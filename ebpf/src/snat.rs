// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Flows whose client goes by an address of this node, for backends on nodes that
//! would not send replies back here otherwise. Both ends of their packets change.
//! The flow's entry says of one end what it becomes, as in all flows; of the other
//! an entry beside it does, at the same key with KEY_OTHER_END. Each is asked with
//! the other, so that the LRU tables forget both or none, and a flood of flows that
//! may be made up pushes out neither.

use core::ptr;

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_PSEUDO_HDR},
    helpers::generated::{
        bpf_csum_diff, bpf_csum_update, bpf_l4_csum_replace, bpf_skb_store_bytes,
    },
};
use blixt_ebpf::layout::{Address, Flow, KEY_OTHER_END};

use crate::{
    checksum::{BPF_F_IPV6, mangled, place_in},
    flows::{self, NO_PROTOCOL, Tuple},
    fragments,
    global::global,
    maps::SCRATCH,
    packet::{LATER_FRAGMENT, Packet},
    rewrite::network,
};

/// The key of what becomes of the other end.
#[inline(always)]
pub fn beside(tuple: &Tuple) -> Tuple {
    Tuple {
        protocol: tuple.protocol | KEY_OTHER_END,
        ..*tuple
    }
}

/// What becomes of the other end of this flow's packets; null where that is forgotten.
#[inline(never)]
pub fn other_end<const V6: bool>(tuple: &Tuple) -> *const Flow {
    flows::find_any::<V6>(&beside(tuple))
}

/// The same without another tuple on the stack, for who has no room there: `tuple` is
/// the key for a moment.
#[inline(always)]
pub fn other_end_in_place<const V6: bool>(tuple: &mut Tuple) -> *const Flow {
    tuple.protocol |= KEY_OTHER_END;
    let end = flows::find_any::<V6>(tuple);
    tuple.protocol &= !KEY_OTHER_END;
    end
}

/// Where replies of this tuple go; none when that is forgotten.
#[inline(always)]
pub fn client<const V6: bool>(reply: &mut Tuple) -> Option<Address> {
    let end = other_end_in_place::<V6>(reply);
    // SAFETY: a map's element stays valid for this run.
    (!end.is_null()).then(|| unsafe { (*end).address })
}

/// Gives the twin of a packet's tuple the name that the other end has there.
#[inline(always)]
pub fn rename<const V6: bool>(tuple: &Tuple, twin: &mut Tuple, forward: bool) {
    let end = other_end::<V6>(tuple);
    if end.is_null() {
        twin.protocol = NO_PROTOCOL;
        return;
    }
    // SAFETY: a map's element stays valid for this run.
    let (address, port) = unsafe { ((*end).address, (*end).port) };
    if forward {
        (twin.daddr, twin.dport) = (address, port);
    } else {
        (twin.saddr, twin.sport) = (address, port);
    }
}

global! {
    /// Moves what becomes of the other ends of a flow that settled. Returns 0.
    pub fn settle(; tuple: Tuple, twin: Tuple) -> i32 = settle_body, settle4, settle6
}

#[inline(always)]
fn settle_body<const V6: bool>(tuple: &Tuple, twin: &Tuple) -> i32 {
    for tuple in [tuple, twin] {
        let key = beside(tuple);
        if let Some(end) = flows::pending::<V6>(&key) {
            // SAFETY: a map's element stays valid for this run.
            flows::put::<V6>(&key, unsafe { &(*end).flow });
            flows::remove_pending::<V6>(&key);
        }
    }
    0
}

global! {
    /// Writes what becomes of the other end of the twin's packets again, where that was
    /// forgotten. Returns 0.
    pub fn keep(; tuple: Tuple, twin: Tuple, flow: Flow) -> i32 = keep_body, keep4, keep6
}

#[inline(always)]
fn keep_body<const V6: bool>(tuple: &Tuple, twin: &Tuple, flow: &Flow) -> i32 {
    let key = beside(twin);
    if !flows::find_any::<V6>(&key).is_null() {
        return 0;
    }
    let Some(entry) = SCRATCH.get_ptr_mut(0) else {
        return 0;
    };
    // SAFETY: the element is this CPU's own.
    let entry = unsafe { &mut *entry };
    (entry.flow.address, entry.flow.port) = if flow.is_forward() {
        (tuple.saddr, tuple.sport)
    } else {
        (tuple.daddr, tuple.dport)
    };
    entry.flow.service = flow.service;
    entry.flow.used = flow.used;
    if flows::find::<V6>(tuple).is_some() {
        flows::restore::<V6>(&key, &entry.flow);
    } else {
        flows::restore_pending::<V6>(&key, entry);
    }
    0
}

global! {
    /// What `rewrite()` is for the flows of others. Returns false when the kernel would
    /// not make the packet writable, or it is forgotten what the other end becomes.
    /// Then a client's next packet begins the flow again, and gets the port that the
    /// flow had; the backend's wait for that.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to, its TTL above 1.
    /// Pointers into the frame are void afterwards.
    pub fn rewrite(skb: *mut __sk_buff; packet: Packet, flow: Flow) -> bool = rewrite_body, rewrite_both4, rewrite_both6
}

#[inline(always)]
unsafe fn rewrite_body<const V6: bool>(skb: *mut __sk_buff, packet: &Packet, flow: &Flow) -> bool {
    let tuple = &packet.tuple;
    let forward = flow.is_forward();
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    unsafe {
        let end = if packet.defect == LATER_FRAGMENT {
            later_end::<V6>(skb, packet)
        } else {
            other_end::<V6>(tuple)
        };
        if end.is_null() {
            if forward {
                flows::remove_any::<V6>(tuple);
            }
            return false;
        }
        let end = &*end;
        let (saddr, daddr) = if forward {
            (&end.address, &flow.address)
        } else {
            (&flow.address, &end.address)
        };
        // What both addresses change a checksum by.
        let change = difference(&tuple.saddr, saddr, 0);
        let change = difference(&tuple.daddr, daddr, change);
        if packet.defect != LATER_FRAGMENT {
            let ports = if forward {
                [end.port, flow.port]
            } else {
                [flow.port, end.port]
            };
            if !transport::<V6>(skb, packet, change, ports) {
                return false;
            }
        } else if V6 {
            // No checksum here makes up for the addresses.
            bpf_csum_update(skb, change);
        }
        network::<V6>(skb, packet.ttl, false, &tuple.saddr, saddr)
            && network::<V6>(skb, packet.ttl, true, &tuple.daddr, daddr)
    }
}

/// The same for a later fragment, which has no ports to be found by.
#[inline(never)]
unsafe fn later_end<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> *const Flow {
    // SAFETY: as the caller promises.
    match unsafe { fragments::tuple::<V6>(skb, packet) } {
        Some(tuple) => other_end::<V6>(&tuple),
        None => ptr::null(),
    }
}

/// Writes both ports, and the checksum that goes with them and with addresses that
/// change its pseudo header by `change`.
#[inline(always)]
unsafe fn transport<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    change: u32,
    ports: [u16; 2],
) -> bool {
    let protocol = packet.tuple.protocol();
    let at = packet.l4() + place_in(protocol);
    let (mangled, change) = (mangled(protocol), u64::from(change));
    let flags = u64::from(BPF_F_PSEUDO_HDR) | mangled;
    let before = [packet.tuple.sport, packet.tuple.dport];
    // SAFETY: the helpers read `ports` alone and check where they write.
    unsafe {
        // Kernels before 6.16 do not know the flag.
        (V6 && bpf_l4_csum_replace(skb, at, 0, change, flags | BPF_F_IPV6) == 0
            || bpf_l4_csum_replace(skb, at, 0, change, flags) == 0)
            && bpf_l4_csum_replace(skb, at, word(before), word(ports), mangled | 4) == 0
            && bpf_skb_store_bytes(skb, packet.l4(), ports.as_ptr().cast(), 4, 0) == 0
    }
}

/// Two ports as they stand in the header.
#[inline(always)]
fn word([first, second]: [u16; 2]) -> u64 {
    u64::from(first) | u64::from(second) << 16
}

/// Ones' complement difference of two addresses, added to `sum`.
#[inline(always)]
unsafe fn difference(before: &Address, after: &Address, sum: u32) -> u32 {
    let (from, to) = (before.as_ptr().cast_mut(), after.as_ptr().cast_mut());
    // SAFETY: both are 16 bytes; the helper only reads them.
    unsafe { bpf_csum_diff(from, 16, to, 16, sum) as u32 }
}
