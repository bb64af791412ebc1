// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets at the end of their hops: their sender is told where that was (RFC 1812,
//! section 5.3.1; RFC 4443, section 3.3).

use super::{
    Arrival, Model,
    packet::Packet,
    verdict::{Fate, Verdict, Via},
};
use crate::{
    build::{TIME_EXCEEDED, TIME_EXCEEDED_V6},
    random::world::{Route, address_at},
};

impl Model<'_> {
    /// Whether a packet without hops has begun its flow with more of them: nodes whose
    /// tables differ sent it round, which its sender shall not hear of.
    pub fn has_been_here(&self, packet: &Packet) -> bool {
        let waiting = self.flows.pending.get(&packet.key());
        packet.header.ttl <= 1
            && waiting.is_some_and(|waiting| waiting.entry.forward && waiting.hops > 1)
    }

    /// Whether it is a datagram of a settled flow to another node, whose first hops are
    /// not known any more.
    fn is_settled_elsewhere(&self, packet: &Packet) -> bool {
        let key = packet.key();
        let entry = self.flows.settled.get(&key);
        !packet.is_tcp() && entry.is_some_and(|entry| entry.is_remote(&key))
    }

    /// The error, by the host's way to the packet's sender and from its address there
    /// (RFC 1812, section 4.3.2.4), which only a host tells that forwards. Who is
    /// the host itself, or on no way, gets it back, from where the packet was sent to.
    pub fn expire(&mut self, arrival: &Arrival, packet: &Packet) -> Verdict {
        self.drops.ttl_exceeded += 1;
        if self.has_been_here(packet) || self.is_settled_elsewhere(packet) {
            return Verdict::dropped();
        }
        let v6 = packet.is_v6();
        let kind = if v6 { TIME_EXCEEDED_V6 } else { TIME_EXCEEDED };
        let route = match arrival.by_host() {
            Some(_) => Route::None,
            None => self.world.route_to(packet.header.source),
        };
        let (from, via) = match route {
            Route::Known(place, _) | Route::Unknown(place) => {
                (address_at(place, v6), Some(Via::Neighbour))
            }
            Route::Refused => (packet.header.destination, Some(Via::Neighbour)),
            Route::None => (packet.header.destination, None),
        };
        let mut verdict = self.error_about(arrival, packet, from, [kind, 0], 0);
        if verdict.fate == Fate::Redirected {
            verdict.via = via;
        }
        verdict
    }
}
