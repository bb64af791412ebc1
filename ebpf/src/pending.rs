// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Flows that have not shown yet that there is somebody at both ends. A flood from
//! made-up addresses begins a million of them: they have tables of their own, where
//! they push out each other, and come to `flows4` and `flows6` once they are more
//! than a first packet. Flows between the ends of one that is there, and over, take its
//! entries at once (`begin`).

use core::ptr;

use aya_ebpf::bindings::__sk_buff;
use blixt_ebpf::layout::{Flow, Pending, STATE_NEW};

use crate::{
    affinity,
    flows::{self, NO_PROTOCOL, Tuple},
    global::global,
    maps::SCRATCH,
    packet::{IPPROTO_TCP, Packet, TCP_ACK, TCP_RST, TCP_SYN, copied},
    select, snat,
    tracking::{self, is_remote},
};

/// Client's packets that make a flow where no answer could prove it: the fourth. A
/// sender of random addresses rarely comes back to one before it is forgotten, and
/// hardly ever three times.
const PACKETS: u32 = 4;

/// Goes on with the entry of a pending flow for this packet of it, which settles
/// the flow or not. Returns the entry that the flow has then; null when the table
/// took none.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to.
#[inline(always)]
pub unsafe fn go_on<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> *mut Flow {
    let Some(entry) = flows::pending::<V6>(&packet.tuple) else {
        return ptr::null_mut();
    };
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    unsafe {
        if prove::<V6>(skb, packet, entry) {
            flows::find::<V6>(&packet.tuple).unwrap_or(ptr::null_mut())
        } else {
            &raw mut (*entry).flow
        }
    }
}

global! {
    /// Whether the packet settled the flow, whose entry is now in the other table.
    fn prove(skb: *mut __sk_buff; packet: Packet, entry: Pending) -> bool
        = prove_body, prove4, prove6
}

#[inline(always)]
unsafe fn prove_body<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    entry: &mut Pending,
) -> bool {
    let tuple = &packet.tuple;
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    unsafe {
        let forward = entry.flow.is_forward();
        let twin = tuple.twin_in::<V6>(&entry.flow);
        let other = flows::pending::<V6>(&twin)
            .filter(|other| (**other).flow.service == entry.flow.service);
        if let Some(other) = other {
            (*other).flow.used = tracking::now();
        } else if !is_remote(tuple, &entry.flow)
            && twin.protocol != NO_PROTOCOL
            && flows::find_any::<V6>(&twin).is_null()
        {
            restore::<V6>(skb, tuple, &twin, entry);
        }
        if packet.tuple.protocol() == IPPROTO_TCP
            && !forward
            && packet.flags & (TCP_SYN | TCP_RST) == TCP_SYN
        {
            if let (Some(other), Some(sequence)) = (other, number(skb, packet, 4)) {
                (*other).answered = 1;
                (*other).acknowledgement = sequence.wrapping_add(1);
            }
            return false;
        }
        if !settles(skb, packet, entry) {
            return false;
        }
        if tuple.protocol() == IPPROTO_TCP {
            affinity::settle(if forward { tuple } else { &twin }, &entry.flow);
        }
        flows::put::<V6>(tuple, &entry.flow);
        flows::remove_pending::<V6>(tuple);
        if let Some(other) = other {
            flows::put::<V6>(&twin, &(*other).flow);
            flows::remove_pending::<V6>(&twin);
        }
        if entry.flow.is_snat() {
            snat::settle::<V6>(tuple, &twin);
        }
    }
    true
}

/// Whether a packet of a flow comes back from the node that it was sent to, or by way
/// of it, which its TTL tells: tables were changing, or another node remembers
/// something else of its client. The one of them that the table does not agree with
/// forgets the client, and begins the flow anew.
#[inline(never)]
pub fn is_sent_back<const V6: bool>(packet: &Packet) -> bool {
    let tuple = &packet.tuple;
    let Some(entry) = flows::pending::<V6>(tuple) else {
        return false;
    };
    // SAFETY: a map's element stays valid for this run.
    let backend = unsafe {
        if u32::from(packet.ttl) >= (*entry).hops || !is_remote(tuple, &(*entry).flow) {
            return false;
        }
        (*entry).flow.backend
    };
    let Some(service) = select::service(tuple) else {
        return false;
    };
    if select::first(&service, tuple) == Some(backend) {
        return false;
    }
    if service.affinity != 0 {
        affinity::forget(&tuple.saddr, service.id);
    }
    true
}

/// Whether a packet whose hops end here has been here with more of them: while the tables
/// of nodes differ, they may send each other the packet that begins a flow. It is the
/// same packet to its sender, who shall hear nothing and send it again: of an error that
/// comes before a connection stands, the connection ends.
#[inline(never)]
pub fn has_been_here<const V6: bool>(packet: &Packet) -> bool {
    if packet.ttl > 1 {
        return false;
    }
    // SAFETY: a map's element stays valid for this run.
    flows::pending::<V6>(&packet.tuple)
        .is_some_and(|entry| unsafe { (*entry).flow.is_forward() && (*entry).hops > 1 })
}

/// Nothing has shown yet that there is somebody at both ends of the entry's flow, whose
/// first packet had so many hops left.
#[inline(always)]
pub fn unproven(entry: &mut Pending, hops: u32) {
    entry.acknowledgement = 0;
    entry.packets = 0;
    entry.answered = 0;
    entry.hops = hops;
}

/// Writes the other direction's entry again, which was pushed out.
#[inline(never)]
unsafe fn restore<const V6: bool>(
    skb: *mut __sk_buff,
    tuple: &Tuple,
    twin: &Tuple,
    entry: &Pending,
) {
    let Some(other) = SCRATCH.get_ptr_mut(0) else {
        return;
    };
    // SAFETY: a context read; the element is this CPU's own.
    unsafe {
        tracking::turn(skb, tuple, &entry.flow, &mut (*other).flow);
        unproven(&mut *other, 0);
        flows::put_pending::<V6>(twin, &*other);
    }
}

/// Whether the packet shows that the flow is one. Over TCP: the client
/// acknowledges the number that it was sent, or the backend goes on with what it
/// takes for a connection; a reset is neither. Replies from another node do not
/// come by here, so what the client sends after its SYN has to do.
#[inline(always)]
unsafe fn settles(skb: *mut __sk_buff, packet: &Packet, entry: &mut Pending) -> bool {
    let reply = !entry.flow.is_forward();
    if packet.tuple.protocol() == IPPROTO_TCP {
        if packet.flags & (TCP_SYN | TCP_RST) != 0 {
            return false;
        }
        if reply {
            return true;
        }
        if !is_remote(&packet.tuple, &entry.flow) {
            // SAFETY: as the caller promises.
            return entry.answered != 0
                && packet.flags & TCP_ACK != 0
                && unsafe { number(skb, packet, 8) } == Some(entry.acknowledgement);
        }
        if entry.flow.state == STATE_NEW {
            return packet.flags & TCP_ACK != 0;
        }
    } else if reply {
        return false;
    }
    entry.packets += 1;
    entry.packets >= PACKETS
}

/// The sequence number (`at` 4) or what is acknowledged (8), in host byte order
/// (RFC 9293, section 3.1).
#[inline(always)]
unsafe fn number(skb: *mut __sk_buff, packet: &Packet, at: u32) -> Option<u32> {
    // SAFETY: as the caller promises.
    unsafe { copied::<u32>(skb, packet.l4() + at).map(u32::from_be) }
}
