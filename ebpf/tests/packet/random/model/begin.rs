// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets of no flow.

use blixt_ebpf::layout::{ADDRESS_LOCAL, BACKEND_REFUSE, DELIVERY_UNKNOWN};

use super::{
    Arrival, Model,
    flows::{Entry, Pending},
    life::first_state,
    packet::Packet,
    verdict::{Verdict, Via},
};
use crate::random::{
    case::{Chosen, Key},
    config::{Backend, Way, service_id},
    world::Place,
};

impl Model<'_> {
    /// Begins a flow for a packet, or says what becomes of it instead.
    pub fn begin(&mut self, arrival: &Arrival, packet: &Packet) -> Option<Verdict> {
        let passed = || Verdict::new(super::Fate::Passed, arrival.frame.clone());
        let Some(flags) = self.address(packet) else {
            return Some(passed());
        };
        let own = flags & ADDRESS_LOCAL != 0 && arrival.place != Place::Lo;
        if own && self.is_answered(packet) {
            let mut verdict = Verdict::redirected(arrival.frame.clone());
            verdict.via = Some(Via::Neighbour);
            return Some(verdict);
        }
        let Some((number, chosen)) = self.service(packet) else {
            // The host answers for its own.
            if flags & ADDRESS_LOCAL != 0 {
                return Some(passed());
            }
            self.drops.no_service += 1;
            return Some(Self::refuse(arrival, packet));
        };
        if arrival.place == Place::Lo && packet.header.source.is_loopback() {
            return Some(passed());
        }
        let slot = self.choice(packet, number, chosen);
        let (id, by_own_port) = match self.try_slot(packet, number, slot) {
            Slot::Refuses => {
                self.service_stats(service_id(number)).refused += 1;
                if packet.is_tcp() {
                    self.drops.refused_tcp += 1;
                } else {
                    self.drops.refused_udp += 1;
                }
                return Some(Self::refuse(arrival, packet));
            }
            Slot::Inconsistent => {
                self.drops.inconsistent += 1;
                return Some(Verdict::dropped());
            }
            _ if self.is_martian(packet) => {
                self.drops.martian += 1;
                return Some(Verdict::dropped());
            }
            Slot::Free(id) => (id, true),
            Slot::Portless(id) => (id, false),
        };
        let verdict = self.establish(arrival, packet, id, (number, chosen), by_own_port);
        if chosen.sticky && !packet.is_tcp() {
            // Datagrams show nothing: the first has to do.
            let epoch = self.config.backends[id as usize].epoch;
            self.remember(packet.header.source, service_id(number), id, epoch);
        }
        verdict
    }

    /// The client's backend of before, or the one that the table has for the flow.
    fn choice(&self, packet: &Packet, number: usize, chosen: Chosen) -> Option<u32> {
        let remembered = self.recall(packet, number, chosen);
        remembered.or_else(|| self.slot(packet, chosen))
    }

    /// Whether it is another node's answer to a packet of the host's own, between two
    /// ports of one address.
    fn is_answered(&self, packet: &Packet) -> bool {
        let (source, destination, protocol) = packet.key();
        let request = (destination, source, protocol);
        let flow = self.flows.find(&request);
        packet.is_within() && flow.is_some_and(|flow| flow.is_remote(&request))
    }

    /// Begins the flow of a packet that others have seen and this node has not, where
    /// its backend is certain.
    pub fn adopt(&mut self, arrival: &Arrival, packet: &Packet) -> Option<()> {
        self.address(packet)?;
        if self.is_martian(packet) {
            return None;
        }
        let (number, chosen) = self.service(packet)?;
        let slot = self.choice(packet, number, chosen);
        match self.try_slot(packet, number, slot) {
            Slot::Free(id) => {
                self.establish(arrival, packet, id, (number, chosen), true);
                Some(())
            }
            _ => None,
        }
    }

    fn refuse(arrival: &Arrival, packet: &Packet) -> Verdict {
        if packet.is_tcp() {
            Self::reset(arrival, packet)
        } else {
            Verdict::dropped()
        }
    }

    fn try_slot(&self, packet: &Packet, number: usize, slot: Option<u32>) -> Slot {
        let id = match slot {
            Some(BACKEND_REFUSE) => return Slot::Refuses,
            Some(id) => id,
            None => return Slot::Inconsistent,
        };
        let Some(backend) = self
            .config
            .backends
            .get(id as usize)
            .filter(|one| one.alive)
        else {
            return Slot::Inconsistent;
        };
        let taken = || {
            let other = self.flows.find(&replies_to(packet, backend));
            other.is_some_and(|other| {
                let same = other.service == service_id(number) && other.own == packet.is_within();
                (other.snat || !same)
                    && !self.is_over(packet.protocol, other)
                    && self.is_alive(other)
            })
        };
        if matches!(backend.way, Way::Snat(_)) || !backend.is_remote() && taken() {
            Slot::Portless(id)
        } else {
            Slot::Free(id)
        }
    }

    fn establish(
        &mut self,
        arrival: &Arrival,
        packet: &Packet,
        id: u32,
        (number, chosen): (usize, Chosen),
        by_own_port: bool,
    ) -> Option<Verdict> {
        let service = service_id(number);
        let backend = self.config.backends[id as usize].clone();
        let key = packet.key();
        let begun = |entry: Entry| Pending {
            hops: packet.header.ttl,
            ..entry.into()
        };
        let entry = Entry {
            address: if backend.is_remote() {
                key.1
            } else {
                backend.address
            },
            forward: true,
            state: first_state(packet),
            backend: id,
            epoch: backend.epoch,
            service,
            seen: 0,
            used: self.clock,
            ifindex: 0,
            delivery: DELIVERY_UNKNOWN,
            overhead: 0,
            looked_at: false,
            macs: [0; 12],
            mtu: 0,
            mss: 0,
            snat: !by_own_port,
            own: packet.is_within(),
        };
        if entry.snat {
            let ifindex = self.world.ifindex(arrival.place);
            let reply = entry.turned(&key, ifindex, arrival.by_host());
            let verdict = self.begin_snat(packet, &backend, [entry, reply]);
            if verdict.is_none() {
                if arrival.leaves_again() {
                    self.host_ports.insert(packet.source().port().to_be());
                }
                self.service_stats(service).flows += 1;
                self.backend_stats(id).flows += 1;
            }
            return verdict;
        }
        if !backend.is_remote() {
            let ifindex = self.world.ifindex(arrival.place);
            let reply = entry.turned(&key, ifindex, arrival.by_host());
            if arrival.leaves_again() {
                self.host_ports.insert(packet.source().port().to_be());
            }
            let twin = replies_to(packet, &backend);
            // Who comes back to the ends of a settled flow takes no room that it did not
            // have, and needs to prove nothing, but where its client is to be remembered.
            if chosen.sticky || !self.flows.renew((key, &entry), (twin, &reply)) {
                self.flows.put_pending(twin, begun(reply));
                self.flows.put_pending(key, begun(entry));
            }
        } else {
            self.flows.put_pending(key, begun(entry));
        }
        self.service_stats(service).flows += 1;
        self.backend_stats(id).flows += 1;
        None
    }
}

/// What a slot has for a packet.
enum Slot {
    Refuses,
    Inconsistent,
    Free(u32),
    /// This one's flow goes by another port than the client's: by a node's address, or
    /// because another flow runs between the same ends.
    Portless(u32),
}

/// How a backend's replies look. To one that is the client itself, the service's
/// address stands for that.
pub fn replies_to(packet: &Packet, backend: &Backend) -> Key {
    let client = packet.source();
    let ip = if client.ip() == backend.address.ip() {
        packet.header.destination
    } else {
        client.ip()
    };
    (backend.address, (ip, client.port()).into(), packet.protocol)
}

impl Backend {
    /// Whether packets go to another node as they are.
    pub fn is_remote(&self) -> bool {
        matches!(self.way, Way::Node(_) | Way::Tunnel(..))
    }
}
