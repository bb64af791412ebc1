// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The port by which a client goes that cannot go by its own: this node's address stands
//! for it, or the backend has a flow of another service from the client's address and
//! port already. Each of a backend's addresses and ports has all of them to itself, from
//! each address: the tuple of replies has to be one flow's alone.

use aya_ebpf::bindings::__sk_buff;
use blixt_ebpf::layout::{BACKEND_SNAT, Flow, KEY_OTHER_END, STATE_CLOSED, STATE_FIN_WAIT};

use crate::{
    begin::{BEGUN, enter, twin},
    counters,
    deliver::TC_ACT_SHOT,
    flows::{self, Tuple},
    forward::is_alive,
    global::global,
    maps::{BACKEND, SCRATCH},
    packet::{IPPROTO_TCP, Packet},
    select,
    snat::{beside, other_end_in_place},
    tracking::is_over,
};

/// Above the ports that Linux gives its own sockets (net.ipv4.ip_local_port_range)
/// and those of Kubernetes' NodePorts.
const FIRST_PORT: u32 = 61_000;
/// A prime, so that any stride comes by all of them.
const PORTS: u32 = 4_523;

/// Ports tried for a flow: of a thousand flows one finds none where four fifths are
/// in use.
const ATTEMPTS: u32 = 32;
/// Ports tried before one is taken from a flow that has to yield: a flood of flows
/// that may be made up is not to cost more.
const PATIENCE: u32 = 8;

/// What in units of `tracking::now()` a connection is left that one end has closed
/// its half of, before it has to yield. The other direction's packets are noted eight
/// seconds late.
const HALF_CLOSED_IDLE: u32 = 16;
/// For so long others are preferred to the port of a connection that ended: its
/// backend may remember it (TIME-WAIT, a minute in Linux).
const CLOSED_IDLE: u32 = 56;
/// For so long a port may be taken and its flow not be there yet.
const CLAIM: u32 = 2;

/// What `attempt` makes of a port. A number above IN_USE: a flow has it that yields
/// to who finds no free one, the larger the sooner.
const CLAIMED: i32 = -1;
const IN_USE: i32 = 0;

global! {
    /// Finds a port for the client of a new flow, whose entry of replies is in `scratch`,
    /// and writes its entries. A flow that was forgotten gets the port that it had.
    /// Returns BEGUN, or the program's verdict when all ports tried are in use.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to.
    pub fn begin(skb: *mut __sk_buff; packet: Packet) -> i32 = begin_body, begin_snat4, begin_snat6
}

#[inline(always)]
unsafe fn begin_body<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> i32 {
    let tuple = &packet.tuple;
    let Some(entry) = SCRATCH.get_ptr_mut(0) else {
        return TC_ACT_SHOT;
    };
    // SAFETY: as the caller promises; the element is this CPU's own.
    unsafe {
        let entry = &mut *entry;
        let Some(backend) = BACKEND.get(entry.flow.backend) else {
            return TC_ACT_SHOT;
        };
        let mut replies = twin(tuple, backend);
        if backend.flags & BACKEND_SNAT != 0 {
            replies.daddr = backend.source;
        }
        replies.dport = 0;
        find::<V6>(tuple, &mut replies);
        if replies.dport == 0 {
            counters::dropped(|drops| &mut drops.no_port);
            return TC_ACT_SHOT;
        }
        entry.flow.address = replies.daddr;
        entry.flow.port = replies.dport;
        flows::put_pending::<V6>(&beside(tuple), entry);
        entry.flow.address = tuple.daddr;
        entry.flow.port = tuple.dport;
        enter::<V6>(skb, tuple, &replies, backend, entry);
    }
    BEGUN
}

/// Tries ports for the client of `tuple` until one is its own; that is in `replies`
/// then, else 0.
#[inline(always)]
unsafe fn find<const V6: bool>(tuple: &Tuple, replies: &mut Tuple) {
    // Another hash than that of the backend's slot.
    let hash = select::hash(tuple, false).wrapping_mul(0x85eb_ca6b);
    let mut port = (u64::from(hash) * u64::from(PORTS) >> 32) as u32;
    let stride = 1 + (hash & 0xfff);
    let (mut yields, mut best) = (0, IN_USE);
    for tried in 0..ATTEMPTS {
        if tried >= PATIENCE && yields != 0 {
            break;
        }
        replies.dport = ((FIRST_PORT + port) as u16).to_be();
        // SAFETY: as the caller promises.
        let result = unsafe { attempt::<V6>(0, tuple, &raw mut *replies) };
        if result == CLAIMED {
            return;
        }
        if result > best {
            (yields, best) = (replies.dport, result);
        }
        port = (port + stride) % PORTS;
    }
    replies.dport = yields;
    // SAFETY: as the caller promises.
    if yields != 0 && unsafe { attempt::<V6>(1, tuple, &raw mut *replies) } != CLAIMED {
        replies.dport = 0;
    }
}

global! {
    /// Takes the port in `replies`, if it is free, by writing what becomes of the other
    /// end of replies; with `force`, one that yields too.
    fn attempt(force: u32; client: Tuple, replies: Tuple) -> i32 = attempt_body, attempt4, attempt6
}

#[inline(always)]
unsafe fn attempt_body<const V6: bool>(force: u32, client: &Tuple, replies: &mut Tuple) -> i32 {
    let end = other_end_in_place::<V6>(replies);
    let flow = flows::find_any::<V6>(replies);
    let Some(entry) = SCRATCH.get_ptr_mut(0) else {
        return IN_USE;
    };
    // SAFETY: map elements stay valid for this run; the scratch element is this CPU's own.
    unsafe {
        let entry = &mut *entry;
        let own = !end.is_null()
            && (*end).service == entry.flow.service
            && (*end).port == client.sport
            && (*end).address == client.saddr;
        if !own {
            let now = entry.flow.used;
            let standing = if !flow.is_null() {
                standing::<V6>(replies, &*flow, now)
            } else if !end.is_null() && now.wrapping_sub((*end).used) < CLAIM {
                IN_USE
            } else {
                CLAIMED
            };
            if standing == IN_USE || standing > IN_USE && force == 0 {
                return standing;
            }
        }
        if !own && !flow.is_null() {
            // Who had the port begins anew: its packets would be taken for this client's.
            let mut former = replies.twin(&(*flow).address, (*flow).port, false);
            if (*flow).is_snat() && !end.is_null() {
                former.saddr = (*end).address;
                former.sport = (*end).port;
            }
            flows::remove_any::<V6>(&former);
        }
        flows::remove_any::<V6>(replies);
        replies.protocol |= KEY_OTHER_END;
        flows::remove_any::<V6>(replies);
        entry.flow.address = client.saddr;
        entry.flow.port = client.sport;
        // Another CPU may have been faster.
        let done = flows::restore_pending::<V6>(replies, entry);
        replies.protocol &= !KEY_OTHER_END;
        if done { CLAIMED } else { IN_USE }
    }
}

/// Whether a flow keeps its port. One that may be made up always yields: its packets
/// under way are lost then, but a flood does not keep anybody out.
#[inline(always)]
fn standing<const V6: bool>(replies: &Tuple, flow: &Flow, now: u32) -> i32 {
    let idle = now.wrapping_sub(flow.used);
    let tcp = replies.protocol() == IPPROTO_TCP;
    let closed = tcp && flow.state == STATE_CLOSED && idle <= CLOSED_IDLE;
    if !is_alive(flow) || !closed && is_over(replies.protocol(), flow, now) {
        return CLAIMED;
    }
    let half_closed = tcp && flow.state >= STATE_FIN_WAIT && idle > HALF_CLOSED_IDLE;
    // Who goes by a port of its own knows nothing of yielding it.
    if closed || flow.is_snat() && (half_closed || flows::pending::<V6>(replies).is_some()) {
        1 + idle as i32
    } else {
        IN_USE
    }
}
