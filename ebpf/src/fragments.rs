// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Fragments of a packet after its first have no ports (RFC 791, section 2.3;
//! RFC 8200, section 4.5): they go where the first went, and follow it in that.

use core::ptr;

use aya_ebpf::bindings::{__sk_buff, BPF_ANY};
use blixt_ebpf::layout::{Flow, Fragment, FragmentKey};

use crate::{
    flows::{self, Tuple},
    global::global,
    maps::FRAGMENT,
    packet::{Packet, identification},
    tracking,
};

/// Units of `now()` that a note counts: 30 s, as long as Linux waits for the
/// fragments of a packet (net.ipv4.ipfrag_time) before it forgets the first.
const LIFETIME: u32 = 28;

/// IPv6 identifies by addresses and number alone: later fragments may claim
/// another protocol (RFC 8200, section 4.5).
#[inline(always)]
unsafe fn key<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> FragmentKey {
    let tuple = &packet.tuple;
    FragmentKey {
        saddr: tuple.saddr,
        daddr: tuple.daddr,
        // SAFETY: as the caller promises.
        id: unsafe { identification::<V6>(skb) },
        protocol: if V6 { 0 } else { tuple.protocol },
    }
}

global! {
    /// Notes what a first fragment says of those that follow. Returns 0.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to.
    pub fn note(skb: *mut __sk_buff; packet: Packet) -> i32
        = note_body, note_fragment4, note_fragment6
}

#[inline(always)]
unsafe fn note_body<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> i32 {
    let note = Fragment {
        sport: packet.tuple.sport,
        dport: packet.tuple.dport,
        protocol: packet.tuple.protocol,
        seen: tracking::now(),
    };
    // The table is LRU; without the note, the other fragments are dropped.
    // SAFETY: as the caller promises.
    let _ = FRAGMENT.insert(unsafe { key::<V6>(skb, packet) }, note, BPF_ANY.into());
    0
}

/// The flow that a later fragment's first belongs to; null where none is known.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to.
#[inline(never)]
pub unsafe fn flow<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> *mut Flow {
    // SAFETY: as the caller promises.
    match unsafe { tuple::<V6>(skb, packet) } {
        Some(tuple) => flows::find_any::<V6>(&tuple),
        None => ptr::null_mut(),
    }
}

/// Gives a later fragment the tuple that its first had, if that is known.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to.
#[inline(never)]
pub unsafe fn name<const V6: bool>(skb: *mut __sk_buff, packet: &mut Packet) {
    // SAFETY: as the caller promises.
    if let Some(tuple) = unsafe { tuple::<V6>(skb, packet) } {
        packet.tuple = tuple;
    }
}

/// A later fragment's tuple, with the ports that its first had; none where that is
/// not known.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to.
#[inline(always)]
pub unsafe fn tuple<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> Option<Tuple> {
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    let note = unsafe { FRAGMENT.get(key::<V6>(skb, packet)) }?;
    if tracking::now().wrapping_sub(note.seen) > LIFETIME {
        return None;
    }
    Some(Tuple {
        sport: note.sport,
        dport: note.dport,
        protocol: note.protocol,
        ..packet.tuple
    })
}
