// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Which frames `early` decides on by itself. That they end as they would without it is
//! not enough: whoever passes all of them on would be right, too.

use std::net::IpAddr;

use blixt_ebpf::layout::{
    ADDRESS_LOCAL, BACKEND_REFUSE, DELIVERY_MAC, DELIVERY_PEER, STATE_ESTABLISHED,
};

use super::{
    ARP, Arrival, IPV4, IPV6, Model,
    bytes::{ETHERNET, byte, word},
    flows::Entry,
    headers::Piece,
    packet::Packet,
};
use crate::{
    build::{FIN, ICMP, ICMPV6, RST, SYN},
    random::world::Place,
};

/// Whether `early` decides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Haste {
    Never,
    /// In the tick in which the flow was looked at last, which may end at any time.
    May,
    Must,
}

impl Model<'_> {
    /// Asked before the frame comes in.
    pub fn haste(&self, place: Place, frame: &[u8]) -> Haste {
        let for_host = frame[..6] == self.world.port(place).mac.0;
        let arrival = Arrival {
            place,
            for_host,
            frame: frame.to_vec(),
            segment: 0,
            overhead: 0,
        };
        let must = |must| if must { Haste::Must } else { Haste::Never };
        let announced =
            |asked: Option<IpAddr>| must(asked.is_some_and(|target| self.announces(place, target)));
        let echoed = || must(for_host && self.echo(&arrival).is_some());
        match word(frame, 12) {
            Some(ARP) => announced(Self::arp_asks(frame).map(|(target, _)| target)),
            Some(IPV4) if byte(frame, ETHERNET + 9) == Some(ICMP) => echoed(),
            Some(IPV6) if byte(frame, ETHERNET + 6) == Some(ICMPV6) => {
                match announced(Self::solicited(frame)) {
                    Haste::Never => echoed(),
                    haste => haste,
                }
            }
            Some(IPV4 | IPV6) => self.haste_of_transport(&arrival),
            _ => Haste::Never,
        }
    }

    fn haste_of_transport(&self, arrival: &Arrival) -> Haste {
        let Some(packet) = self.plain(&arrival.frame, arrival.is_v6()) else {
            return Haste::Never;
        };
        let must = |must| if must { Haste::Must } else { Haste::Never };
        if packet.malformed {
            return must(arrival.for_host && self.is_ours(&packet));
        }
        let key = packet.key();
        if let Some(entry) = self.flows.settled.get(&key) {
            let goes_on = self.turns_back(arrival, &packet, entry);
            return if goes_on { Haste::May } else { Haste::Never };
        }
        let pending = self.flows.pending.contains_key(&key);
        must(!pending && arrival.for_host && self.refuses(&packet))
    }

    /// A packet whose transport header follows the IP header at once, and is all there.
    fn plain(&self, frame: &[u8], v6: bool) -> Option<Packet> {
        let packet = Packet::parse(frame, v6, 0)?;
        let header = if packet.is_tcp() { 20 } else { 8 };
        let bare = packet.l4 == ETHERNET + packet.header.length;
        let plain = bare && packet.piece == Piece::Whole && frame.len() >= packet.l4 + header;
        plain.then_some(packet)
    }

    /// Whether a packet of no flow is refused, whichever client it is of.
    fn refuses(&self, packet: &Packet) -> bool {
        let Some(flags) = self.address(packet).filter(|_| !packet.is_within()) else {
            return false;
        };
        match self.service(packet) {
            None => flags & ADDRESS_LOCAL == 0,
            Some((_, chosen)) => {
                !chosen.sticky && self.slot(packet, chosen) == Some(BACKEND_REFUSE)
            }
        }
    }

    /// Whether a packet of a flow leaves where it came in, and changes nothing about the flow.
    fn turns_back(&self, arrival: &Arrival, packet: &Packet, entry: &Entry) -> bool {
        let header = &packet.header;
        let other = if entry.forward {
            header.source
        } else {
            header.destination
        };
        let way = matches!(entry.delivery, DELIVERY_MAC | DELIVERY_PEER)
            && entry.ifindex == self.world.ifindex(arrival.place)
            && arrival.frame[..6] == entry.macs[6..];
        let fits = entry.mtu == 0 || packet.length <= entry.mtu.into();
        let bare = entry.overhead == 0 && !entry.snat;
        // What might be a pod that reaches itself is told by the address's last word.
        let apart = last_word(entry.address.ip()) != last_word(other);
        let alive = !entry.forward || self.is_alive(entry);
        let settled = entry.state == STATE_ESTABLISHED;
        let steady = match packet.is_tcp() {
            true => settled && packet.flags & (SYN | FIN | RST) == 0,
            false => entry.forward || settled,
        };
        way && fits && bare && apart && header.ttl > 1 && entry.looked_at && alive && steady
    }
}

fn last_word(ip: IpAddr) -> [u8; 4] {
    match ip {
        IpAddr::V4(ip) => ip.octets(),
        IpAddr::V6(ip) => *ip.octets().last_chunk().expect("it has 16 bytes"),
    }
}
