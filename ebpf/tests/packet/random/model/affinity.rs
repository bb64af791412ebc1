// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Clients that keep their backend from flow to flow.

use std::net::IpAddr;

use blixt_ebpf::layout::STATE_NEW;

use super::{Model, flows::Entry, life::first_state, packet::Packet};
use crate::random::{
    case::{Chosen, Key},
    config::{Config, service_id},
};

/// What is known of a client of a service. See `layout::Affinity`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    pub backend: u32,
    pub epoch: u32,
    /// Units of time since its last new flow.
    pub age: u32,
}

/// Seconds that clients of such services are remembered.
pub const SECONDS: u32 = 60;

impl Client {
    fn is_over(&self) -> bool {
        u64::from(self.age) << 30 >= u64::from(SECONDS) * 1_000_000_000
    }
}

impl Model<'_> {
    /// The backend that the client's last flow went to, if it may have this one.
    pub fn recall(&self, packet: &Packet, number: usize, chosen: Chosen) -> Option<u32> {
        if !chosen.sticky {
            return None;
        }
        let client = self
            .clients
            .get(&(packet.header.source, service_id(number)))?;
        let backend = &self.config.backends[client.backend as usize];
        // The middle of a connection may belong to one that takes no new ones.
        let new = first_state(packet) == STATE_NEW;
        let gone = !backend.alive || backend.epoch != client.epoch;
        let refused = gone || client.is_over() || new && backend.quiescent;
        (!refused).then_some(client.backend)
    }

    pub fn remember(&mut self, client: IpAddr, service: u32, backend: u32, epoch: u32) {
        let age = 0;
        let known = Client {
            backend,
            epoch,
            age,
        };
        self.clients.insert((client, service), known);
    }

    /// Remembers a connection that has shown that there is somebody at both ends;
    /// `key` is its client's.
    pub fn remember_settled(&mut self, key: &Key, entry: &Entry) {
        let Some(number) = Config::number(key.1, key.2) else {
            return;
        };
        let sticky = self.config.services[number].is_some_and(|chosen| chosen.sticky);
        let client = self.clients.get(&(key.0.ip(), entry.service));
        let known = client.is_some_and(|client| !client.is_over());
        // One that was not begun here says nothing of a client who is remembered.
        let says = entry.state == STATE_NEW || !known;
        if sticky && says && service_id(number) == entry.service {
            self.remember(key.0.ip(), entry.service, entry.backend, entry.epoch);
        }
    }

    /// Whether a packet of a pending flow comes back, having been on other nodes, which
    /// remember something else. Who does not agree with the table forgets.
    pub fn is_sent_back(&mut self, packet: &Packet, key: &Key) -> bool {
        let Some(pending) = self.flows.pending.get(key) else {
            return false;
        };
        let entry = &pending.entry;
        if packet.header.ttl >= pending.hops || !entry.is_remote(key) {
            return false;
        }
        let Some((number, chosen)) = self.service(packet) else {
            return false;
        };
        if self.slot(packet, chosen) == Some(entry.backend) {
            return false;
        }
        if chosen.sticky {
            self.clients
                .remove(&(packet.header.source, service_id(number)));
        }
        true
    }
}
