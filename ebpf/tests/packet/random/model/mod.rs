// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What must become of a packet, and of the flows by it: written from the RFCs, the
//! layout of the maps and the design, in terms of whole frames and plain
//! collections, and slow. Nothing here calls the program's code.

mod affinity;
mod announce;
mod begin;
mod bytes;
mod choice;
mod early;
mod echo;
mod egress;
mod errors;
mod flows;
mod fragments;
mod headers;
mod icmp_error;
mod life;
mod mss;
mod packet;
mod path_mtu;
mod pending;
mod reset;
mod send;
mod snat;
mod time_exceeded;
mod too_big;
mod transport;
mod tunnel;
mod verdict;
mod way;

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use blixt_ebpf::layout::{ADDRESS_LOCAL, DEVICE_BRIDGE_PORT, Drops, Stats};

use super::{
    case::Change,
    config::{Config, SERVICES, service_id},
    world::{Place, World},
};
use crate::{
    build::{ICMP, ICMPV6},
    harness::NO_STATS,
};
pub use affinity::{Client, SECONDS};
use bytes::{ETHERNET, byte, word};
pub use early::Haste;
pub use flows::{Entry, Flows, Pending as Waiting};
use fragments::Note;
pub use fragments::NoteKey;
pub use snat::first_port;
pub use verdict::{Fate, Verdict, Via};

/// Of the program that is modelled, or a fault on purpose, for tests of the search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    #[default]
    None,
    /// The reply's TTL is not counted down.
    Ttl,
    /// A flow settles with its third datagram.
    Settles,
    /// No drop is counted as malformed.
    Uncounted,
}

#[derive(Clone, Debug)]
pub struct Model<'a> {
    pub world: &'a World,
    pub config: Config,
    pub flows: Flows,
    pub notes: BTreeMap<NoteKey, Note>,
    /// By address and service id.
    pub clients: BTreeMap<(IpAddr, u32), Client>,
    /// Ports of the host's own that ever had a flow: those of backends in its network,
    /// as the flow writes them, and of the host as a client. In wire order as numbers.
    pub host_ports: BTreeSet<u16>,
    pub drops: Drops,
    pub service_stats: Vec<Stats>,
    pub backend_stats: Vec<Stats>,
    /// In units of 2^30 ns.
    pub clock: u32,
    /// ICMP errors sent in this unit.
    pub errors_sent: u32,
    pub fault: Fault,
}

impl<'a> Model<'a> {
    pub fn new(world: &'a World, clock: u32) -> Self {
        let config = Config::usual();
        Self {
            world,
            flows: Flows::default(),
            notes: BTreeMap::new(),
            clients: BTreeMap::new(),
            host_ports: BTreeSet::new(),
            drops: Drops::default(),
            service_stats: vec![NO_STATS; 1 + service_id(SERVICES - 1) as usize],
            backend_stats: vec![NO_STATS; config.backends.len()],
            config,
            clock,
            errors_sent: 0,
            fault: Fault::None,
        }
    }

    /// A frame comes in; `segment` as [`Frame::segment`](super::case::Frame).
    pub fn arrives(&mut self, place: Place, frame: &[u8], segment: u32) -> Verdict {
        let mut verdict = self.takes(place, frame, segment);
        if place == Place::Lo && verdict.fate == Fate::Redirected && verdict.via.is_none() {
            // It has no neighbours: the kernel finds itself.
            verdict.via = Some(Via::Neighbour);
        }
        verdict
    }

    fn takes(&mut self, place: Place, frame: &[u8], segment: u32) -> Verdict {
        let mut arrival = Arrival {
            place,
            for_host: self.is_for_host(place, frame),
            frame: frame.to_vec(),
            segment,
            overhead: 0,
        };
        if arrival.for_host && !self.leave_tunnel(&mut arrival) {
            return Verdict::dropped();
        }
        let bytes = &arrival.frame;
        match (word(bytes, 12), arrival.for_host) {
            (Some(ARP), _) => self.arp(arrival),
            (Some(IPV4), true) if byte(bytes, ETHERNET + 9) == Some(ICMP) => self.icmp(arrival),
            (Some(IPV6), _) if byte(bytes, ETHERNET + 6) == Some(ICMPV6) => {
                match self.solicitation(&arrival) {
                    Some(verdict) => verdict,
                    None if arrival.for_host => self.icmp(arrival),
                    None => arrival.passed(),
                }
            }
            (Some(IPV4 | IPV6), true) => self.transport(arrival),
            _ => arrival.passed(),
        }
    }

    fn icmp(&mut self, arrival: Arrival) -> Verdict {
        if let Some(verdict) = self.echo(&arrival) {
            return verdict;
        }
        if let Some(verdict) = self.error(&arrival) {
            // What goes up the host's stack is looked at once more: its flow may be one to
            // another node, of before its backend came here.
            if verdict.fate == Fate::Passed && self.circles(&verdict.frame) {
                self.drops.no_service += 1;
                return Verdict::dropped();
            }
            return verdict;
        }
        self.learn(&arrival);
        self.stranded(arrival)
    }

    /// What nobody here has a use for.
    fn stranded(&mut self, arrival: Arrival) -> Verdict {
        if !self.circles(&arrival.frame) {
            return arrival.passed();
        }
        self.drops.no_service += 1;
        Verdict::dropped()
    }

    /// Whether a frame is for an address that the host does not have, and would come back;
    /// what neighbours say to each other does not.
    fn circles(&self, frame: &[u8]) -> bool {
        let header = match word(frame, 12) {
            Some(IPV6) => headers::ipv6(frame, ETHERNET),
            _ => headers::ipv4(frame, ETHERNET),
        };
        let flags = header.filter(|header| !header.is_mapped()).and_then(|ip| {
            let kind = word(frame, ETHERNET + 40).map(|word| word >> 8);
            let neighbours = ip.is_v6() && ip.next == ICMPV6 && matches!(kind, Some(133..=137));
            let flags = self.config.addresses.get(&ip.destination);
            flags.copied().filter(|_| !neighbours)
        });
        flags.is_some_and(|flags| flags & ADDRESS_LOCAL == 0)
    }

    /// A switch floods frames for stations that it does not know yet. Those on a
    /// bridge's port are the bridge's.
    fn is_for_host(&self, place: Place, frame: &[u8]) -> bool {
        let flags = self.config.devices[place as usize];
        let group = frame[0] & 1 != 0;
        let bridged = place != Place::Lo && !group && flags & DEVICE_BRIDGE_PORT != 0;
        frame[..6] == self.world.port(place).mac.0 || bridged
    }

    /// Does to the model what others do to the maps.
    pub fn changes(&mut self, change: &Change) {
        match change {
            Change::Serve(number, chosen) => self.config.services[*number] = *chosen,
            Change::Slots(table, slots) => self.config.tables[*table as usize] = slots.clone(),
            Change::Backend(id, backend) => self.config.backends[*id as usize] = backend.clone(),
            Change::Address(ip, Some(flags)) => {
                self.config.addresses.insert(*ip, *flags);
            }
            Change::Address(ip, None) => {
                self.config.addresses.remove(ip);
            }
            Change::Node(ip, Some(flags)) => {
                let node = super::config::Node {
                    flags: *flags,
                    ..Default::default()
                };
                self.config.nodes.insert(*ip, node);
            }
            Change::Node(ip, None) => {
                self.config.nodes.remove(ip);
            }
            Change::Device(place, flags) => self.config.devices[*place as usize] = *flags,
            Change::Time(units) => self.age(*units),
            Change::Evict(key) => self.flows.remove(key),
            Change::EvictEnd(key) => {
                self.flows.ends.remove(key);
            }
            Change::ForgetFragments => self.notes.clear(),
            Change::ForgetClients => self.clients.clear(),
            Change::Exhaust => self.errors_sent = icmp_error::PER_SECOND,
        }
    }

    fn age(&mut self, units: u32) {
        self.flows.age(units);
        for note in self.notes.values_mut() {
            note.seen = note.seen.wrapping_sub(units);
        }
        for client in self.clients.values_mut() {
            client.age += units;
        }
        for node in self.config.nodes.values_mut() {
            node.seen = node.seen.wrapping_sub(units);
        }
        if units > 0 {
            self.errors_sent = 0;
        }
    }

    fn service_stats(&mut self, id: u32) -> &mut Stats {
        &mut self.service_stats[id as usize]
    }

    fn backend_stats(&mut self, id: u32) -> &mut Stats {
        &mut self.backend_stats[id as usize]
    }
}

/// EtherTypes.
const IPV4: u16 = 0x0800;
const ARP: u16 = 0x0806;
const IPV6: u16 = 0x86dd;

/// A frame as it came in, or was taken out of a tunnel.
pub struct Arrival {
    pub place: Place,
    pub for_host: bool,
    pub frame: Vec<u8>,
    pub segment: u32,
    /// Bytes of the header that was around the packet.
    pub overhead: usize,
}

impl Arrival {
    pub fn is_v6(&self) -> bool {
        word(&self.frame, 12) == Some(IPV6)
    }

    /// Both MAC addresses, when the host itself sent the frame: nobody else's comes
    /// from the MAC address that it goes to.
    pub fn by_host(&self) -> Option<[u8; 12]> {
        let macs: [u8; 12] = self.frame[..12].try_into().expect("a frame has a header");
        (macs[..6] == macs[6..]).then_some(macs)
    }

    /// Whether the host itself sent the frame out, to somebody else's address.
    pub fn leaves_again(&self) -> bool {
        self.by_host().is_some() && self.place != Place::Lo
    }

    pub fn passed(self) -> Verdict {
        Verdict::new(Fate::Passed, self.frame)
    }
}
