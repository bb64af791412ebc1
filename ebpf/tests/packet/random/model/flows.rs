// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The tables of flows: settled ones, and pending ones that may be made up.

use std::collections::BTreeMap;

use blixt_ebpf::layout::{DELIVERY_HOST, DELIVERY_NEIGH, DELIVERY_UNKNOWN};

use super::{life::seen_from_there, snat::End};
use crate::random::{case::Key, world::LOOPBACK};

/// See `layout::Flow`, whose fields these are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub address: std::net::SocketAddr,
    /// Of the client's packets; else of the replies.
    pub forward: bool,
    pub state: u8,
    pub backend: u32,
    pub epoch: u32,
    pub service: u32,
    pub seen: u32,
    pub used: u32,
    pub ifindex: u32,
    pub delivery: u8,
    pub overhead: u8,
    /// Whether a packet of this tick has gone by it.
    pub looked_at: bool,
    /// Destination, then source.
    pub macs: [u8; 12],
    pub mtu: u16,
    pub mss: u16,
    /// Both ends of its packets change.
    pub snat: bool,
    /// The client has the service's address.
    pub own: bool,
}

/// See `layout::Pending`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    pub entry: Entry,
    pub acknowledgement: u32,
    pub packets: u32,
    pub answered: bool,
    /// TTL of the packet that began the flow; 0 when that is not known.
    pub hops: u8,
}

impl From<Entry> for Pending {
    fn from(entry: Entry) -> Self {
        Self {
            entry,
            acknowledgement: 0,
            packets: 0,
            answered: false,
            hops: 0,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub struct Flows {
    pub settled: BTreeMap<Key, Entry>,
    pub pending: BTreeMap<Key, Pending>,
    pub ends: BTreeMap<Key, End>,
    /// How many went by another port than their client's so far, and by its address.
    pub ported: u64,
    /// How many took the entries of settled ones so far.
    pub renewed: u64,
}

impl Flows {
    pub fn find(&self, key: &Key) -> Option<&Entry> {
        let pending = || self.pending.get(key).map(|pending| &pending.entry);
        self.settled.get(key).or_else(pending)
    }

    pub fn keys(&self) -> impl Iterator<Item = &Key> {
        self.settled.keys().chain(self.pending.keys())
    }

    pub fn find_mut(&mut self, key: &Key) -> Option<&mut Entry> {
        match self.settled.get_mut(key) {
            Some(entry) => Some(entry),
            None => self.pending.get_mut(key).map(|pending| &mut pending.entry),
        }
    }

    /// Under what packets of the other direction are found; none where their other end's
    /// name is forgotten.
    pub fn twin(&self, key: &Key, entry: &Entry) -> Option<Key> {
        if !entry.snat {
            return Some(entry.twin(key));
        }
        let end = self.ends.get(key)?.address;
        let (_, _, protocol) = *key;
        Some(if entry.forward {
            (entry.address, end, protocol)
        } else {
            (end, entry.address, protocol)
        })
    }

    pub fn remove(&mut self, key: &Key) {
        self.settled.remove(key);
        self.pending.remove(key);
    }

    /// A tuple has one entry.
    pub fn put_pending(&mut self, key: Key, pending: Pending) {
        self.settled.remove(&key);
        self.pending.insert(key, pending);
    }

    /// Gives a flow both entries of a settled one between the same ends; false where
    /// there is none.
    pub fn renew(&mut self, (key, entry): (Key, &Entry), (twin, reply): (Key, &Entry)) -> bool {
        if !self.settled.contains_key(&key) || !self.settled.contains_key(&twin) {
            return false;
        }
        self.settled.insert(key, entry.clone());
        self.settled.insert(twin, reply.clone());
        self.renewed += 1;
        true
    }

    pub fn settle(&mut self, key: &Key) {
        if let Some(pending) = self.pending.remove(key) {
            self.settled.insert(*key, pending.entry);
        }
    }

    /// So much time passes: every entry is looked at anew, and was seen longer ago.
    pub fn age(&mut self, units: u32) {
        let pending = self.pending.values_mut();
        let entries = self
            .settled
            .values_mut()
            .chain(pending.map(|pending| &mut pending.entry));
        for entry in entries {
            if entry.seen != 0 {
                entry.seen = entry.seen.wrapping_sub(units);
            }
            entry.used = entry.used.wrapping_sub(units);
            entry.looked_at = false;
        }
        for end in self.ends.values_mut() {
            end.used = end.used.wrapping_sub(units);
        }
    }
}

impl Entry {
    /// Whether what is written over one end of its packets stands at the other: a
    /// pod reaches itself. Not where a client has the service's address.
    pub fn is_hairpin(&self, (source, destination, _): &Key) -> bool {
        let other = if self.forward { source } else { destination };
        self.address.ip() == other.ip() && !self.own
    }

    /// Under what packets of the other direction are found, whose far end has
    /// another name.
    pub fn twin(&self, key: &Key) -> Key {
        let (source, destination, protocol) = *key;
        let hairpin = self.is_hairpin(key);
        if self.forward {
            // A pod sees the service's address in place of its own.
            let ip = if hairpin {
                destination.ip()
            } else {
                source.ip()
            };
            (self.address, (ip, source.port()).into(), protocol)
        } else {
            let ip = if hairpin {
                source.ip()
            } else {
                destination.ip()
            };
            ((ip, destination.port()).into(), self.address, protocol)
        }
    }

    /// Whether its packets go to another node as they are.
    pub fn is_remote(&self, (_, destination, _): &Key) -> bool {
        self.forward && !self.snat && self.address == *destination
    }

    /// The entry of the other direction, which no packet has gone by yet. The last
    /// frame came in by `ifindex`, `by_host` from the host itself, with that MAC address.
    pub fn turned(&self, key: &Key, ifindex: u32, by_host: Option<[u8; 12]>) -> Self {
        let (source, destination, _) = *key;
        let mut other = Self {
            seen: 0,
            looked_at: false,
            state: seen_from_there(self.state),
            forward: !self.forward,
            delivery: DELIVERY_UNKNOWN,
            ..self.clone()
        };
        if self.forward {
            other.address = destination;
            other.ifindex = ifindex;
            if by_host.is_some() && ifindex == LOOPBACK.ifindex {
                (other.delivery, other.mtu) = (DELIVERY_NEIGH, u16::MAX);
            } else if let Some(macs) = by_host {
                other.delivery = DELIVERY_HOST;
                other.macs = macs;
            }
        } else {
            other.address = source;
            other.ifindex = 0;
        }
        other
    }
}
