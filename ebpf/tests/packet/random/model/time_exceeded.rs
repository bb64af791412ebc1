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
    /// The error, by the host's way to the packet's sender and from its address there
    /// (RFC 1812, section 4.3.2.4), which only a host tells that forwards. Who is
    /// the host itself, or on no way, gets it back, from where the packet was sent to.
    pub fn expire(&mut self, arrival: &Arrival, packet: &Packet) -> Verdict {
        self.drops.ttl_exceeded += 1;
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
