// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Fragments go where the first of their packet went (RFC 791, section 2.3; RFC
//! 8200, section 4.5).

use std::net::IpAddr;

use blixt_ebpf::layout::DELIVERY_UNKNOWN;

use super::{Arrival, Model, packet::Packet, verdict::Verdict};
use crate::random::case::Key;

/// Units that a note counts: 30 s, as Linux waits (net.ipv4.ipfrag_time).
const LIFETIME: u32 = 28;

/// What the fragments of a packet have in common. IPv6 has one identification for
/// all protocols; 0 stands for them.
pub type NoteKey = (IpAddr, IpAddr, u32, u8);

/// See `layout::Fragment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    pub ports: [u16; 2],
    pub protocol: u8,
    pub seen: u32,
}

fn common(packet: &Packet) -> NoteKey {
    let header = &packet.header;
    let protocol = if packet.is_v6() { 0 } else { packet.protocol };
    (header.source, header.destination, packet.id, protocol)
}

impl Model<'_> {
    /// Notes what a first fragment says of those that follow.
    pub fn note(&mut self, packet: &Packet) {
        let note = Note {
            ports: packet.ports,
            protocol: packet.protocol,
            seen: self.clock,
        };
        self.notes.insert(common(packet), note);
    }

    /// The entry that a later fragment's first belongs to.
    pub fn noted(&self, packet: &Packet) -> Option<Key> {
        let note = self.notes.get(&common(packet))?;
        if self.clock.wrapping_sub(note.seen) > LIFETIME {
            return None;
        }
        let [sport, dport] = note.ports;
        let key = (
            (packet.header.source, sport).into(),
            (packet.header.destination, dport).into(),
            note.protocol,
        );
        self.flows.find(&key).map(|_| key)
    }

    pub fn later_fragment(&mut self, arrival: Arrival, packet: &Packet) -> Verdict {
        if let Some(key) = self.noted(packet) {
            let entry = self.flows.find(&key).expect("it was found");
            if entry.delivery == DELIVERY_UNKNOWN {
                // The flow may have begun anew since.
                self.resolve(key.0.ip(), key.1, &key);
            }
            return self.send(arrival, packet, &key, false);
        }
        if !self.is_ours(packet) {
            return arrival.passed();
        }
        self.drops.fragment += 1;
        Verdict::dropped()
    }
}
