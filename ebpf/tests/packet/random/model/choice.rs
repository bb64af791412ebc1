// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Which backend a flow gets: every node has to find the same, whatever its version.

use std::net::IpAddr;

use blixt_ebpf::layout::{ADDRESS_LOCAL, BACKEND_REFUSE, SLOTS_IN_ELEMENT};

use super::{Model, packet::Packet};
use crate::{
    build::{TCP, UDP},
    random::{
        case::{Chosen, Key},
        config::Config,
    },
};

impl Model<'_> {
    /// Flags of the packet's destination, where traffic is taken for it.
    pub fn address(&self, packet: &Packet) -> Option<u32> {
        if packet.header.is_mapped() {
            return None;
        }
        let ip = packet.header.destination;
        self.config.addresses.get(&ip).copied()
    }

    /// The service that a packet is for, by its number.
    pub fn service(&self, packet: &Packet) -> Option<(usize, Chosen)> {
        let number = Config::number(packet.destination(), packet.protocol)?;
        self.config.services[number].map(|chosen| (number, chosen))
    }

    /// Whether a packet is from where no client is.
    pub fn is_martian(&self, packet: &Packet) -> bool {
        let nobody = match packet.header.source {
            IpAddr::V4(ip) => {
                let network = ip.octets()[0];
                network == 0 || ip.is_loopback() || ip.is_multicast() || ip.is_broadcast()
            }
            IpAddr::V6(ip) => {
                let mapped = ip.to_ipv4_mapped().is_some();
                mapped || ip.is_unspecified() || ip.is_loopback() || ip.is_multicast()
            }
        };
        let number = Config::number(packet.source(), packet.protocol);
        nobody || number.is_some_and(|number| self.config.services[number].is_some())
    }

    /// Whether a packet that cannot be forwarded is our business.
    pub fn is_ours(&self, packet: &Packet) -> bool {
        if !matches!(packet.protocol, TCP | UDP) {
            return false;
        }
        match self.address(packet) {
            None => false,
            Some(flags) => flags & ADDRESS_LOCAL == 0 || self.service(packet).is_some(),
        }
    }

    /// The slot of a flow; none where there is no such slot.
    pub fn slot(&self, packet: &Packet, chosen: Chosen) -> Option<u32> {
        if chosen.slots == 0 {
            return Some(0);
        }
        let slot = hash(&packet.key(), chosen.sticky) % chosen.slots;
        let table = self.config.tables.get(chosen.table as usize)?;
        // The last element of a table is filled up with refusals.
        let filled = table.len().next_multiple_of(SLOTS_IN_ELEMENT);
        match table.get(slot as usize) {
            Some(id) => Some(*id),
            None => ((slot as usize) < filled).then_some(BACKEND_REFUSE),
        }
    }
}

/// Words as they stand in the packet; IPv4 addresses are ::ffff:a.b.c.d.
fn words(ip: IpAddr) -> [u32; 4] {
    let octets = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    let (words, _) = octets.as_chunks::<4>();
    [0, 1, 2, 3].map(|index| u32::from_ne_bytes(words[index]))
}

/// MurmurHash3 (x86, 32 bit) over both addresses, each hashed to a word, ports and
/// protocol.
pub fn hash((source, destination, protocol): &Key, sticky: bool) -> u32 {
    let address = |ip| {
        let [first, rest @ ..] = words(ip);
        rest.into_iter().fold(first, round)
    };
    let [sport, dport] = [source, destination].map(|end| u32::from(end.port().to_be()));
    let ports = if sticky { dport } else { sport << 16 | dport };
    let input = [
        address(source.ip()),
        address(destination.ip()),
        ports,
        (*protocol).into(),
    ];
    let mut hash = input.into_iter().fold(0, round);
    for factor in [0x85eb_ca6b_u32, 0xc2b2_ae35] {
        hash ^= hash >> if factor == 0x85eb_ca6b { 16 } else { 13 };
        hash = hash.wrapping_mul(factor);
    }
    hash ^ hash >> 16
}

fn round(hash: u32, word: u32) -> u32 {
    let scrambled = word.wrapping_mul(0xcc9e_2d51).rotate_left(15);
    let mixed = hash ^ scrambled.wrapping_mul(0x1b87_3593);
    mixed
        .rotate_left(13)
        .wrapping_mul(5)
        .wrapping_add(0xe654_6b64)
}
