// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What leaves the host: its own packets for us are turned round.

use blixt_ebpf::layout::ADDRESS_LOCAL;

use super::{
    ARP, IPV4, IPV6, Model,
    bytes::{ETHERNET, byte, word},
    errors::Report,
    headers::Piece,
    packet::Packet,
    verdict::Verdict,
};
use crate::{
    build::{ICMP, ICMPV6},
    random::world::Place,
};

impl Model<'_> {
    /// The host sends a frame by that interface: whether it is turned round to enter
    /// there, and how it looks then.
    pub fn leaves(&self, place: Place, frame: &[u8]) -> Option<Verdict> {
        let ours = match word(frame, 12) {
            Some(IPV4) if byte(frame, ETHERNET + 9) == Some(ICMP) => self.wants(place, frame),
            Some(IPV6) if byte(frame, ETHERNET + 6) == Some(ICMPV6) => {
                if self.asks(place, frame) {
                    // For everybody, as which it enters.
                    return Some(Verdict::redirected(frame.to_vec()));
                }
                self.wants(place, frame)
            }
            Some(kind @ (IPV4 | IPV6)) => self.is_for_us(frame, kind == IPV6),
            Some(ARP) => {
                let asked = Self::arp_asks(frame).filter(|(target, sender)| target != sender);
                return asked
                    .filter(|(target, _)| self.announces(place, *target))
                    .map(|_| Verdict::redirected(frame.to_vec()));
            }
            _ => false,
        };
        ours.then(|| {
            let mut turned = frame.to_vec();
            turned.copy_within(6..12, 0);
            Verdict::redirected(turned)
        })
    }

    fn asks(&self, place: Place, frame: &[u8]) -> bool {
        Self::solicited(frame).is_some_and(|target| self.announces(place, target))
    }

    /// A ping that is answered here, or an error about a packet of a flow.
    fn wants(&self, place: Place, frame: &[u8]) -> bool {
        let arrival = super::Arrival {
            place,
            for_host: true,
            frame: frame.to_vec(),
            segment: 0,
            overhead: 0,
        };
        let report = || Report::read(frame, arrival.is_v6());
        self.echo(&arrival).is_some()
            || report().is_some_and(|report| self.flows.find(&report.answer).is_some())
    }

    /// To one of our addresses unless the host has it, or of a flow, which the host has
    /// at the port that it sends from.
    fn is_for_us(&self, frame: &[u8], v6: bool) -> bool {
        let Some(packet) = Packet::parse(frame, v6, 0) else {
            return false;
        };
        if let Some(flags) = self.address(&packet) {
            return flags & ADDRESS_LOCAL == 0;
        }
        match packet.piece {
            Piece::Later => self.noted(&packet).is_some(),
            _ => {
                let port = packet.source().port().to_be();
                self.host_ports.contains(&port) && self.flows.find(&packet.key()).is_some()
            }
        }
    }
}
