// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The way out of a flow's packets, and when it is looked for.

use std::net::{IpAddr, SocketAddr};

use blixt_ebpf::layout::{
    DELIVERY_HOST, DELIVERY_MAC, DELIVERY_NEIGH, DELIVERY_PEER, DELIVERY_STACK, DELIVERY_UNKNOWN,
    DEVICE_BRIDGE_PORT, DEVICE_PEER,
};

use super::{Arrival, Model, flows::Entry, packet::Packet};
use crate::random::{
    case::Key,
    config::Way,
    world::{BRIDGE, LOOPBACK, MTU, Place, Route},
};

/// What routes are asked for.
struct Course {
    from: IpAddr,
    to: IpAddr,
    /// The interface, for a host that tells no routes; 0 when unknown.
    hint: u32,
}

impl Model<'_> {
    /// What is done for a flow once in a while: its way is looked up every unit of
    /// time, the other direction's entry every eight. Whether the kernel shall find the
    /// neighbour for this packet, to see whether it is still there.
    pub fn look_again(&mut self, arrival: &Arrival, packet: &Packet, key: &Key) -> bool {
        let clock = self.clock;
        let entry = self.flows.find_mut(key).expect("the packet found it");
        if entry.looked_at {
            return false;
        }
        entry.looked_at = true;
        let seen = entry.seen;
        if seen == clock {
            return false;
        }
        (entry.seen, entry.used) = (clock, clock);
        let was_remote = entry.is_remote(key);
        self.resolve(packet.source().ip(), packet.destination(), key);
        let entry = self.flows.find(key).expect("it is there");
        let due = was_remote || seen >> 3 != clock >> 3;
        if seen != 0 && due && !entry.is_remote(key) {
            self.refresh(arrival, key, &entry.clone());
        }
        let entry = self.flows.find(key).expect("it is there");
        seen != 0 && entry.delivery == DELIVERY_MAC
    }

    /// Marks the other direction's entry as used, or writes it again.
    fn refresh(&mut self, arrival: &Arrival, key: &Key, entry: &Entry) {
        let Some(twin) = self.flows.twin(key, entry) else {
            return;
        };
        if let Some(other) = self.flows.settled.get_mut(&twin) {
            other.used = self.clock;
        } else if !self.flows.pending.contains_key(&twin) {
            let ifindex = self.world.ifindex(arrival.place);
            let other = entry.turned(key, ifindex, arrival.by_host());
            if self.flows.settled.contains_key(key) {
                self.flows.settled.insert(twin, other);
            } else {
                self.flows.pending.insert(twin, other.into());
            }
        }
        if entry.snat {
            self.keep_end(key, twin, entry);
        }
    }

    /// Finds the way of a flow's packets between these ends. `key` is the entry's.
    pub fn resolve(&mut self, source: IpAddr, destination: SocketAddr, key: &Key) {
        let mut entry = self.flows.find(key).expect("the caller has it").clone();
        let client = self.flows.ends.get(key).map(|end| end.address.ip());
        let known = entry.delivery == DELIVERY_HOST || entry.ifindex == LOOPBACK.ifindex;
        if entry.snat && !entry.forward && !known && client.is_none() {
            // Nobody knows any more who that is.
            self.flows.find_mut(key).expect("as above").overhead = 0;
            return;
        }
        let destination = match client {
            Some(ip) if entry.snat && !entry.forward => (ip, destination.port()).into(),
            _ => destination,
        };
        let found = self.way(source, destination, &mut entry);
        if let Some(Course { from, to, hint }) = found {
            self.follow_route(&mut entry, [from, to], hint);
            if entry.overhead != 0 {
                let known = self.known_mtu(to, entry.mtu);
                entry.mtu = known.saturating_sub(entry.overhead.into());
            }
        } else if entry.forward {
            self.host_ports.insert(entry.address.port().to_be());
        }
        *self.flows.find_mut(key).expect("as above") = entry;
    }

    /// What to ask the routes for. None where the way is found already.
    fn way(&self, source: IpAddr, destination: SocketAddr, entry: &mut Entry) -> Option<Course> {
        entry.overhead = 0;
        if entry.forward {
            return self.way_to_backend(source, destination, entry);
        }
        if entry.ifindex == LOOPBACK.ifindex {
            // Its client is on the host, and has sent to an address of the host's.
            (entry.delivery, entry.mtu) = (DELIVERY_NEIGH, u16::MAX);
            return None;
        }
        if entry.delivery == DELIVERY_HOST {
            // In by the interface that its packets leave by.
            if let Some(place) = self.world.place(entry.ifindex) {
                let mac = self.world.port(place).mac.0;
                entry.macs[..6].copy_from_slice(&mac);
                entry.macs[6..].copy_from_slice(&mac);
            }
            return None;
        }
        let hairpin = !entry.snat && !entry.own && entry.address.ip() == destination.ip();
        let to = if hairpin { source } else { destination.ip() };
        // A bridge's port has no neighbours, its bridge has.
        let place = self.world.place(entry.ifindex);
        let flags = place.map_or(0, |place| self.config.devices[place as usize]);
        let port = flags & DEVICE_BRIDGE_PORT != 0;
        let hint = if port {
            self.world.ifindex(BRIDGE)
        } else {
            entry.ifindex
        };
        let from = entry.address.ip();
        Some(Course { from, to, hint })
    }

    fn way_to_backend(
        &self,
        source: IpAddr,
        destination: SocketAddr,
        entry: &mut Entry,
    ) -> Option<Course> {
        let backend = &self.config.backends[entry.backend as usize];
        let hint = backend.hint.map_or(0, |place| self.world.ifindex(place));
        let course = |from, to| Some(Course { from, to, hint });
        if backend.epoch != entry.epoch {
            // The id has another owner. What is left of the flow goes where it went.
            if backend.way == Way::Host {
                entry.delivery = DELIVERY_STACK;
                return None;
            }
            return course(source, entry.address.ip());
        }
        match backend.way {
            Way::Here | Way::Host | Way::Snat(_) => {
                entry.address = backend.address;
                if backend.way == Way::Host {
                    entry.delivery = DELIVERY_STACK;
                    return None;
                }
                let source = match backend.way {
                    Way::Snat(ip) => ip,
                    _ => source,
                };
                course(source, backend.address.ip())
            }
            Way::Node(node) => {
                entry.address = destination;
                course(source, node)
            }
            Way::Tunnel(this, node) => {
                entry.address = destination;
                entry.overhead = if node.is_ipv4() { 20 } else { 40 };
                course(this, node)
            }
        }
    }

    fn follow_route(&self, entry: &mut Entry, [from, to]: [IpAddr; 2], hint: u32) {
        match self.world.route(from, to) {
            Route::Known(place, neighbour) => {
                entry.macs[..6].copy_from_slice(&neighbour.0);
                entry.macs[6..].copy_from_slice(&self.world.port(place).mac.0);
                entry.ifindex = self.world.ifindex(place);
                // Into a pod leads no link.
                let peer = self.is_peer(place);
                entry.mtu = if peer { u16::MAX } else { MTU };
                entry.delivery = if peer { DELIVERY_PEER } else { DELIVERY_MAC };
            }
            Route::Unknown(place) => {
                entry.ifindex = self.world.ifindex(place);
                (entry.mtu, entry.delivery) = (MTU, DELIVERY_NEIGH);
            }
            Route::None => entry.delivery = DELIVERY_UNKNOWN,
            Route::Refused if hint == 0 => {
                (entry.ifindex, entry.delivery) = (0, DELIVERY_UNKNOWN);
            }
            Route::Refused => {
                entry.ifindex = hint;
                (entry.mtu, entry.delivery) = (MTU, DELIVERY_NEIGH);
            }
        }
    }

    fn is_peer(&self, place: Place) -> bool {
        self.config.devices[place as usize] & DEVICE_PEER != 0
    }
}
