// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A packet of a flow on its way out.

use std::net::{IpAddr, SocketAddr};

use blixt_ebpf::layout::{
    DELIVERY_HOST, DELIVERY_MAC, DELIVERY_NEIGH, DELIVERY_PEER, DELIVERY_STACK, DELIVERY_UNKNOWN,
};

use super::{
    Arrival, Fate, Fault, Model,
    bytes::{Delta, ETHERNET, change_sum, put_address, put_word, word},
    flows::Entry,
    headers::Piece,
    packet::Packet,
    verdict::{Verdict, Via},
};
use crate::{build::UDP, random::case::Key};

impl Model<'_> {
    /// With `asks`, the kernel finds the neighbour, known as it is.
    pub fn send(&mut self, arrival: Arrival, packet: &Packet, key: &Key, asks: bool) -> Verdict {
        let entry = self.flows.find(key).expect("the caller has it").clone();
        if packet.header.ttl <= 1 {
            return self.expire(&arrival, packet);
        }
        if entry.delivery == DELIVERY_UNKNOWN {
            self.drops.no_route += 1;
            return Verdict::dropped();
        }
        if self.is_too_big(&arrival.frame, packet, &entry) {
            return self.tell(&arrival, packet, entry.mtu);
        }
        let Some(after) = self.ends_after(packet, key, &entry) else {
            self.drops.rewrite_failed += 1;
            return Verdict::dropped();
        };
        self.count(&entry, packet.length);
        let mut verdict = Verdict::redirected(arrival.frame);
        if packet.piece != Piece::Later {
            super::mss::clamp(&mut verdict.frame, packet, entry.mss);
        }
        self.rewrite(&mut verdict, packet, &entry, after);
        let mut sent = self.deliver(verdict, &entry, packet.is_v6(), packet.segment);
        if asks && sent.fate == Fate::Redirected {
            sent.via = Some(Via::Neighbour);
        }
        sent
    }

    /// What a flow adds to the sum of its packets' words.
    pub fn change_of_sum(&self, key: &Key) -> Option<u16> {
        let entry = self.flows.find(key)?;
        let before = [key.0, key.1];
        let mut after = before;
        let written = usize::from(entry.forward);
        after[written] = entry.address;
        if let Some(end) = self.flows.ends.get(key) {
            after[1 - written] = end.address;
        }
        let mut delta = Delta::default();
        for (before, after) in before.into_iter().zip(after) {
            delta.addresses(before.ip(), after.ip());
            delta.words(before.port(), after.port());
        }
        Some(delta.added())
    }

    fn count(&mut self, entry: &Entry, bytes: usize) {
        let bytes = bytes as u64;
        let forward = entry.forward;
        for stats in [
            &mut self.service_stats[entry.service as usize],
            &mut self.backend_stats[entry.backend as usize],
        ] {
            if forward {
                stats.rx_packets += 1;
                stats.rx_bytes += bytes;
            } else {
                stats.tx_packets += 1;
                stats.tx_bytes += bytes;
            }
        }
    }

    /// Both ends of a packet as they leave; none where one of them is forgotten. The
    /// entry's address and port stand at one, and where a pod reaches itself the other
    /// has another name.
    fn ends_after(&mut self, packet: &Packet, key: &Key, entry: &Entry) -> Option<[SocketAddr; 2]> {
        if entry.snat {
            return self.both_ends(packet, key, entry);
        }
        let mut ends = [packet.source(), packet.destination()];
        let written = usize::from(entry.forward);
        if entry.is_hairpin(key) {
            let ip = ends[written].ip();
            ends[1 - written].set_ip(ip);
        }
        ends[written] = entry.address;
        Some(ends)
    }

    fn rewrite(
        &self,
        verdict: &mut Verdict,
        packet: &Packet,
        entry: &Entry,
        after: [SocketAddr; 2],
    ) {
        let frame = &mut verdict.frame;
        let header = &packet.header;
        if packet.piece != Piece::Later {
            let mut delta = Delta::default();
            let before = [packet.source(), packet.destination()];
            for (which, (before, after)) in before.into_iter().zip(after).enumerate() {
                delta.addresses(before.ip(), after.ip());
                delta.words(before.port(), after.port());
                put_word(frame, packet.l4 + 2 * which, after.port());
            }
            let at = packet.sum_at();
            change_transport_sum(frame, at, packet.protocol, delta);
            if packet.protocol != UDP {
                verdict.sums.push(at);
            }
        }
        let faulty = self.fault == Fault::Ttl && !entry.forward;
        let ttl = header.ttl - u8::from(!faulty);
        write_header(verdict, ETHERNET, after.map(|end| end.ip()), Some(ttl));
    }

    /// Sends what is rewritten on its entry's way.
    pub fn deliver(
        &mut self,
        mut verdict: Verdict,
        entry: &Entry,
        v6: bool,
        segment: u32,
    ) -> Verdict {
        if entry.overhead != 0 && !self.enter_tunnel(&mut verdict, entry, v6, segment) {
            return Verdict::dropped();
        }
        match entry.delivery {
            DELIVERY_UNKNOWN => {
                self.drops.no_route += 1;
                return Verdict::dropped();
            }
            DELIVERY_MAC | DELIVERY_PEER | DELIVERY_HOST => {
                verdict.frame[..12].copy_from_slice(&entry.macs);
            }
            DELIVERY_STACK => verdict.fate = Fate::Passed,
            _ => {}
        }
        verdict.via = match entry.delivery {
            DELIVERY_PEER => Some(Via::Pod),
            DELIVERY_NEIGH => Some(Via::Neighbour),
            DELIVERY_STACK => None,
            _ => Some(Via::Interface(entry.ifindex)),
        };
        verdict
    }
}

/// 0 stands for no checksum over UDP (RFC 768), and stays.
pub fn change_transport_sum(frame: &mut [u8], at: usize, protocol: u8, delta: Delta) {
    if protocol != UDP {
        return change_sum(frame, at, delta);
    }
    if word(frame, at) != Some(0) {
        change_sum(frame, at, delta);
        if word(frame, at) == Some(0) {
            put_word(frame, at, 0xffff);
        }
    }
}

/// Writes the addresses of the IP header at `at`, and its TTL.
pub fn write_header(verdict: &mut Verdict, at: usize, after: [IpAddr; 2], ttl: Option<u8>) {
    let frame = &mut verdict.frame;
    if after[0].is_ipv6() {
        put_address(frame, at + 8, after[0]);
        put_address(frame, at + 24, after[1]);
        if let Some(ttl) = ttl {
            frame[at + 7] = ttl;
        }
        return;
    }
    let header = |frame: &[u8]| {
        let words = (4..10).filter(|index| *index != 5);
        words
            .map(|index| word(frame, at + 2 * index).expect("a header"))
            .collect::<Vec<_>>()
    };
    let before = header(frame);
    put_address(frame, at + 12, after[0]);
    put_address(frame, at + 16, after[1]);
    if let Some(ttl) = ttl {
        frame[at + 8] = ttl;
    }
    let mut delta = Delta::default();
    for (before, after) in before.into_iter().zip(header(frame)) {
        delta.words(before, after);
    }
    change_sum(frame, at + 10, delta);
    verdict.sums.push(at + 10);
}
