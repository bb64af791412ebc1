// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Clients that keep their backend from flow to flow, whatever becomes of the table
//! meanwhile, as long as their flows follow each other within `Service::affinity`.
//! Nothing is asked here but for the first packets of such services' flows.
//!
//! A client is remembered once its flow shows that there is somebody at both ends
//! (`pending`), so that a flood from made-up addresses makes no other forgotten;
//! datagrams show nothing of the kind, and the first of a flow has to do. Nodes do
//! not tell each other whom they remember. Where they disagree, the table decides,
//! which is the same on all of them.

use aya_ebpf::{bindings::BPF_ANY, helpers::generated::bpf_ktime_get_coarse_ns};
use blixt_ebpf::layout::{
    Address, Affinity, AffinityKey, BACKEND_ALIVE, BACKEND_QUIESCENT, BACKEND_REFUSE, Flow,
    STATE_NEW, Service,
};

use crate::{
    flows::Tuple,
    maps::{AFFINITY, BACKEND},
    packet::Packet,
    select,
    tracking::first_state,
};

const NANOSECONDS: u64 = 1_000_000_000;

#[inline(always)]
fn now() -> u64 {
    // SAFETY: a helper without arguments.
    unsafe { bpf_ktime_get_coarse_ns() }
}

/// Where a flow that begins with this packet goes first: to the backend that its client
/// keeps, else to the one that the table chooses. None when a map lacks the slot.
#[inline(always)]
pub fn first_choice(packet: &Packet, service: &Service) -> Option<u32> {
    match recall(packet, service) {
        BACKEND_REFUSE => select::first(service, &packet.tuple),
        remembered => Some(remembered),
    }
}

/// Id of the backend that the client's last flow to the service went to, if it may
/// have this one; else BACKEND_REFUSE, and the table has the word.
///
/// The middle of a connection that was begun elsewhere, or whose entry is lost, is
/// no new flow: a backend that takes none may be where it belongs.
#[inline(never)]
pub fn recall(packet: &Packet, service: &Service) -> u32 {
    if service.affinity == 0 {
        return BACKEND_REFUSE;
    }
    let Some(last) = known(&packet.tuple.saddr, service) else {
        return BACKEND_REFUSE;
    };
    let Some(backend) = BACKEND.get(last.backend) else {
        return BACKEND_REFUSE;
    };
    if backend.flags & BACKEND_ALIVE == 0
        || backend.epoch != last.epoch
        || backend.flags & BACKEND_QUIESCENT != 0 && first_state(packet) == STATE_NEW
    {
        return BACKEND_REFUSE;
    }
    last.backend
}

/// Where the client's last flow went, as long as its time is not over.
#[inline(always)]
fn known(client: &Address, service: &Service) -> Option<&'static Affinity> {
    // SAFETY: a map's element stays valid for this run.
    let last = unsafe { AFFINITY.get(key(client, service.id)) }?;
    let age = now().wrapping_sub(last.seen);
    (age < u64::from(service.affinity) * NANOSECONDS).then_some(last)
}

#[inline(always)]
fn key(client: &Address, service: u32) -> AffinityKey {
    AffinityKey {
        address: *client,
        service,
    }
}

/// Remembers where a client's new flow went.
#[inline(never)]
pub fn remember(client: &Address, service: u32, backend: u32, epoch: u32) {
    let last = Affinity {
        backend,
        epoch,
        seen: now(),
    };
    // The table is LRU; a client that is not remembered has the table's choice.
    let _ = AFFINITY.insert(key(client, service), last, BPF_ANY.into());
}

/// Remembers a flow that has shown that there is somebody at both ends, `client` as
/// its client's packets have it. One that was not begun here says nothing of a
/// client who is remembered.
#[inline(never)]
pub fn settle(client: &Tuple, flow: &Flow) {
    let Some(service) = select::service(client) else {
        return;
    };
    if service.affinity == 0 || service.id != flow.service {
        return;
    }
    if flow.state != STATE_NEW && known(&client.saddr, &service).is_some() {
        return;
    }
    remember(&client.saddr, flow.service, flow.backend, flow.epoch);
}

/// Forgets a client of a service.
#[inline(always)]
pub fn forget(client: &Address, service: u32) {
    let _ = AFFINITY.remove(key(client, service));
}
