// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! How a flow begins, or is refused.

use aya_ebpf::bindings::__sk_buff;
use blixt_ebpf::layout::{
    ADDRESS_LOCAL, Address, BACKEND_ALIVE, BACKEND_REFUSE, BACKEND_REMOTE, BACKEND_SNAT, Backend,
    DELIVERY_HOST, DELIVERY_UNKNOWN, DIRECTION_OWN, DIRECTION_REPLY, DIRECTION_SNAT, Flow, Pending,
    Service,
};

use crate::{
    affinity, counters,
    deliver::{TC_ACT_OK, TC_ACT_SHOT},
    flows::{self, Tuple},
    forward::is_alive,
    global::global,
    host::{self, LOOPBACK, begin_way},
    maps::{BACKEND, SCRATCH},
    martian::is_martian,
    packet::{IPPROTO_TCP, Packet},
    pending, select, tracking,
};

/// What `begin` made of a packet, when that is not the verdict yet: the flow has
/// its entries, or those of the settled one that it takes the place of; a reset is
/// due; the flow wants a port that stands for the client's.
/// Returned, not done in place: each call deeper takes its frame from the same 512
/// bytes of stack.
pub const BEGUN: i32 = -1;
pub const RESET: i32 = -2;
pub const PORTLESS: i32 = -3;
pub const RENEWED: i32 = -6;

global! {
    /// A packet of no flow we know: begins one if it is for a service. Returns BEGUN
    /// or RENEWED or RESET or PORTLESS or the program's verdict.
    pub fn begin(skb: *mut __sk_buff; packet: Packet) -> i32 = begin_body, begin4, begin6
}

#[inline(always)]
unsafe fn begin_body<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> i32 {
    let tuple = &packet.tuple;
    let Some(flags) = select::address::<V6>(&tuple.daddr) else {
        return TC_ACT_OK;
    };
    // SAFETY: as the caller promises.
    let inside = unsafe { (*skb).ifindex } == LOOPBACK;
    if flags & ADDRESS_LOCAL != 0 && !inside && tuple.is_within() && host::is_answered::<V6>(tuple)
    {
        // SAFETY: as the caller promises.
        return unsafe { host::take(skb) };
    }
    let Some(service) = select::service(tuple) else {
        return unserved(packet, flags);
    };
    // Replies to a loopback address would not be let in again.
    if inside && is_loopback::<V6>(&tuple.saddr) {
        return TC_ACT_OK;
    }
    let Some(id) = affinity::first_choice(packet, &service) else {
        return inconsistent();
    };
    if id == BACKEND_REFUSE {
        return refuse(packet, &service);
    }
    let Some(backend) = BACKEND.get(id) else {
        return inconsistent();
    };
    if backend.flags & BACKEND_ALIVE == 0 {
        return inconsistent();
    }
    if is_martian::<V6>(tuple) {
        counters::dropped(|drops| &mut drops.martian);
        return TC_ACT_SHOT;
    }
    let twin = twin(tuple, backend);
    // SAFETY: as the caller promises.
    unsafe {
        let portless = backend.flags & BACKEND_SNAT != 0
            || backend.flags & BACKEND_REMOTE == 0 && is_taken::<V6>(tuple, &twin, &service);
        if establish::<V6>(skb, packet, &twin, id, backend, &service, portless) {
            return RENEWED;
        }
        if service.affinity != 0 && tuple.protocol() != IPPROTO_TCP {
            affinity::remember(&tuple.saddr, service.id, id, backend.epoch);
        }
        if portless { PORTLESS } else { BEGUN }
    }
}

/// Begins a client's flow that other nodes have seen and this one has not, for what is
/// said about it here. Not without a backend that is certain, nor where a port stands for
/// the client's, which only the node that the flow began on knows.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn adopt<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) {
    let tuple = &packet.tuple;
    if select::address::<V6>(&tuple.daddr).is_none() {
        return;
    }
    let Some(service) = select::service(tuple) else {
        return;
    };
    let Some(id) = affinity::first_choice(packet, &service).filter(|id| *id != BACKEND_REFUSE)
    else {
        return;
    };
    let Some(backend) = BACKEND.get(id) else {
        return;
    };
    if backend.flags & (BACKEND_ALIVE | BACKEND_SNAT) != BACKEND_ALIVE || is_martian::<V6>(tuple) {
        return;
    }
    let twin = twin(tuple, backend);
    // SAFETY: as the caller promises.
    unsafe {
        if backend.flags & BACKEND_REMOTE == 0 && is_taken::<V6>(tuple, &twin, &service) {
            return;
        }
        // It takes nothing over: no entry is at the client's end.
        let _ = establish::<V6>(skb, packet, &twin, id, backend, &service, false);
    }
}

/// How a backend's replies look. To one that is the client itself, the service's address
/// stands for that.
#[inline(always)]
pub fn twin(tuple: &Tuple, backend: &Backend) -> Tuple {
    let mut twin = tuple.twin(&backend.address, backend.port, true);
    if tuple.saddr == backend.address {
        twin.daddr = tuple.daddr;
    }
    twin
}

/// Whether another live flow runs between the same client's and backend's addresses and
/// ports, of another service, by a port that stands for the client's, or of a client that
/// goes by the same address: the backend could not tell the two apart.
#[inline(always)]
unsafe fn is_taken<const V6: bool>(tuple: &Tuple, twin: &Tuple, service: &Service) -> bool {
    let flow = flows::find_any::<V6>(twin);
    // SAFETY: the element stays valid for this run.
    unsafe {
        !flow.is_null()
            && ((*flow).service != service.id
                || (*flow).is_snat()
                || (*flow).is_own() != tuple.is_within())
            && !tracking::is_over(twin.protocol(), &*flow, tracking::now())
            && is_alive(&*flow)
    }
}

/// Writes the entries of a new flow. None has been seen yet, so that the first
/// packet each way finds its way out. Replies of a remote backend do not come here.
/// When `portless`, a port has to stand for the client's, and the entry of replies is made
/// ready in `scratch` alone. True when the flow took the entries of a settled one.
#[inline(always)]
unsafe fn establish<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    twin: &Tuple,
    id: u32,
    backend: &Backend,
    service: &Service,
    portless: bool,
) -> bool {
    let tuple = &packet.tuple;
    let Some(entry) = SCRATCH.get_ptr_mut(0) else {
        return false;
    };
    // SAFETY: the element is this CPU's own, and the program is not preempted in it.
    let entry = unsafe { &mut *entry };
    entry.flow = Flow {
        address: tuple.daddr,
        port: tuple.dport,
        direction: direction(tuple, portless),
        state: tracking::first_state(packet),
        backend: id,
        epoch: backend.epoch,
        service: service.id,
        seen: 0,
        used: tracking::now(),
        tick: 0,
        // SAFETY: as the caller promises.
        ifindex: unsafe { (*skb).ifindex },
        delivery: DELIVERY_UNKNOWN,
        overhead: 0,
        dmac: [0; 6],
        smac: [0; 6],
        mtu: 0,
        mss: 0,
    };
    pending::unproven(entry, packet.ttl.into());
    if portless {
        return false;
    }
    // SAFETY: as the caller promises.
    unsafe {
        if backend.flags & BACKEND_REMOTE == 0
            && service.affinity == 0
            && renew::<V6>(skb, tuple, twin, &mut entry.flow)
        {
            return true;
        }
        enter::<V6>(skb, tuple, twin, backend, entry);
    }
    false
}

/// Of a new flow's replies.
#[inline(always)]
fn direction(tuple: &Tuple, portless: bool) -> u8 {
    let mut direction = DIRECTION_REPLY;
    if portless {
        direction |= DIRECTION_SNAT;
    }
    if tuple.is_within() {
        direction |= DIRECTION_OWN;
    }
    direction
}

/// Gives a new flow both entries of a settled one between the same ends, if there is
/// such a one: it is over or has lost its backend, else no flow would begin. Its client
/// needs to show nothing again, since it takes no room that it did not have.
#[inline(always)]
unsafe fn renew<const V6: bool>(
    skb: *mut __sk_buff,
    tuple: &Tuple,
    twin: &Tuple,
    flow: &mut Flow,
) -> bool {
    let (Some(replies), Some(requests)) = (flows::find::<V6>(twin), flows::find::<V6>(tuple))
    else {
        return false;
    };
    // SAFETY: as the caller promises; the elements stay readable and writable for this
    // run (RCU).
    unsafe {
        begin_replies(skb, tuple, flow);
        *replies = *flow;
        flow.address = twin.saddr;
        flow.port = twin.sport;
        turn_to_requests(flow);
        *requests = *flow;
    }
    counters::begun(flow.service, flow.backend);
    true
}

/// Writes a new flow's entries: `entry` as it is for replies, and turned round for
/// the client's packets.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn enter<const V6: bool>(
    skb: *mut __sk_buff,
    tuple: &Tuple,
    twin: &Tuple,
    backend: &Backend,
    entry: &mut Pending,
) {
    if backend.flags & BACKEND_REMOTE == 0 {
        // SAFETY: as the caller promises.
        unsafe { begin_replies(skb, tuple, &mut entry.flow) };
        flows::put_pending::<V6>(twin, entry);
        entry.flow.address = backend.address;
        entry.flow.port = backend.port;
    }
    turn_to_requests(&mut entry.flow);
    flows::put_pending::<V6>(tuple, entry);
    counters::begun(entry.flow.service, entry.flow.backend);
}

/// Begins the way of a new flow's replies; of one of the host's own, its port is noted.
#[inline(always)]
unsafe fn begin_replies(skb: *mut __sk_buff, tuple: &Tuple, flow: &mut Flow) {
    // SAFETY: as the caller promises.
    unsafe { begin_way(skb, flow) };
    if flow.delivery == DELIVERY_HOST {
        host::note(tuple.sport);
    }
}

/// Makes the entry of replies that of the client's packets, whose way is not known yet.
/// Where they go, the caller says.
#[inline(always)]
fn turn_to_requests(flow: &mut Flow) {
    flow.direction ^= DIRECTION_REPLY;
    flow.delivery = DELIVERY_UNKNOWN;
    flow.ifindex = 0;
}

/// 127.0.0.0/8 or ::1.
#[inline(always)]
fn is_loopback<const V6: bool>(address: &Address) -> bool {
    if V6 {
        *address == [0, 0, 0, 1u32.to_be()]
    } else {
        address[3].to_ne_bytes()[0] == 127
    }
}

/// To an address of ours, but to no service: what the host's stack would answer,
/// had it the address.
#[inline(always)]
fn unserved(packet: &Packet, flags: u32) -> i32 {
    if flags & ADDRESS_LOCAL != 0 {
        return TC_ACT_OK;
    }
    counters::dropped(|drops| &mut drops.no_service);
    if packet.tuple.protocol() == IPPROTO_TCP {
        RESET
    } else {
        TC_ACT_SHOT
    }
}

/// TCP hears a reset at once; UDP hears nothing.
#[inline(always)]
fn refuse(packet: &Packet, service: &Service) -> i32 {
    counters::refused(service.id);
    if packet.tuple.protocol() == IPPROTO_TCP {
        counters::dropped(|drops| &mut drops.refused_tcp);
        RESET
    } else {
        counters::dropped(|drops| &mut drops.refused_udp);
        TC_ACT_SHOT
    }
}

#[inline(always)]
fn inconsistent() -> i32 {
    counters::dropped(|drops| &mut drops.inconsistent);
    TC_ACT_SHOT
}
