// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Which backend a new flow gets.

use blixt_ebpf::layout::{Address, BACKEND_REFUSE, SLOTS_IN_ELEMENT, Service, ServiceKey};

use crate::{
    flows::Tuple,
    maps::{ADDRESS, SERVICE, TABLE},
    tunnel::is_v4,
};

/// Flags of an address that traffic is taken for. Asked before `service`: most of
/// what is for no flow is not for one of these either. An IPv6 packet that names an
/// IPv4 address as maps do is nobody's: no host has that one.
#[inline(always)]
pub fn address<const V6: bool>(address: &Address) -> Option<u32> {
    if V6 && is_v4(address) {
        return None;
    }
    // SAFETY: read at once.
    unsafe { ADDRESS.get(address).map(|known| known.flags) }
}

/// The service that a packet of this tuple is for.
#[inline(always)]
pub fn service(tuple: &Tuple) -> Option<Service> {
    service_at(&tuple.daddr, tuple.dport, tuple.protocol())
}

/// The service at that address and port.
#[inline(always)]
pub fn service_at(address: &Address, port: u16, protocol: u8) -> Option<Service> {
    let key = ServiceKey {
        address: *address,
        port,
        protocol,
        pad: 0,
    };
    // SAFETY: copied at once; user space replaces elements whole.
    unsafe { SERVICE.get(key).copied() }
}

/// The slot's backend id; BACKEND_REFUSE when the service refuses this flow.
///
/// None: the table is missing or smaller than the service says.
#[inline(always)]
pub fn backend(service: &Service, hash: u32) -> Option<u32> {
    if service.slots == 0 {
        return Some(BACKEND_REFUSE);
    }
    let slot = hash % service.slots;
    let element = slot / SLOTS_IN_ELEMENT as u32;
    TABLE
        .get_value(service.table, &element)
        .map(|slots| slots[slot as usize % SLOTS_IN_ELEMENT])
}

/// What `backend` gives a flow of this tuple.
#[inline(always)]
pub fn first(service: &Service, tuple: &Tuple) -> Option<u32> {
    backend(service, hash(tuple, service.affinity != 0))
}

/// Hash of a flow, the same on every node: by both ends, or by the client's
/// address alone where it shall stick to its backend.
#[inline(always)]
pub fn hash(tuple: &Tuple, by_client: bool) -> u32 {
    let mut hash = mix(mix(0, fold(&tuple.saddr)), fold(&tuple.daddr));
    let ports = if by_client {
        u32::from(tuple.dport)
    } else {
        u32::from(tuple.sport) << 16 | u32::from(tuple.dport)
    };
    hash = mix(hash, ports);
    hash = mix(hash, u32::from(tuple.protocol()));
    finish(hash)
}

#[inline(always)]
fn fold(address: &Address) -> u32 {
    mix(mix(mix(address[0], address[1]), address[2]), address[3])
}

/// A round of MurmurHash3 (x86, 32 bit): public domain, Austin Appleby.
#[inline(always)]
fn mix(hash: u32, word: u32) -> u32 {
    let word = word
        .wrapping_mul(0xcc9e_2d51)
        .rotate_left(15)
        .wrapping_mul(0x1b87_3593);
    (hash ^ word)
        .rotate_left(13)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64)
}

/// Its finalizer: every bit of the input reaches every bit of the slot.
#[inline(always)]
fn finish(mut hash: u32) -> u32 {
    hash ^= hash >> 16;
    hash = hash.wrapping_mul(0x85eb_ca6b);
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(0xc2b2_ae35);
    hash ^ hash >> 16
}
