// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The path of a TCP or UDP packet.

use super::{
    Arrival, Fault, Model, headers::Piece, life::Meaning, packet::Packet, verdict::Verdict,
};
use crate::random::case::Key;

impl Model<'_> {
    pub fn transport(&mut self, arrival: Arrival) -> Verdict {
        let parsed = Packet::parse(&arrival.frame, arrival.is_v6(), arrival.segment);
        let Some(mut packet) = parsed else {
            return self.stranded(arrival);
        };
        packet.overhead = arrival.overhead;
        if packet.malformed {
            if !self.is_ours(&packet) {
                return arrival.passed();
            }
            if self.fault != Fault::Uncounted {
                self.drops.malformed += 1;
            }
            return Verdict::dropped();
        }
        if packet.piece == Piece::Later {
            return self.later_fragment(arrival, &packet);
        }
        let key = packet.key();
        let meaning = match self.flows.find(&key) {
            Some(entry) => self.meaning(&packet, entry),
            None => Meaning::Begins,
        };
        let meaning = match meaning {
            _ if self.has_been_here(&packet) => Meaning::GoesOn,
            Meaning::GoesOn if self.is_sent_back(&packet, &key) => Meaning::Begins,
            other => other,
        };
        let settled = meaning == Meaning::GoesOn && self.flows.settled.contains_key(&key);
        match meaning {
            Meaning::GoesOn => {}
            Meaning::Begins => {
                if let Some(verdict) = self.begin(&arrival, &packet) {
                    return verdict;
                }
            }
            Meaning::Buries => return self.bury(&arrival, &packet, &key),
        }
        if self.flows.pending.contains_key(&key) {
            self.prove(&arrival, &packet, &key);
        }
        if !settled && arrival.overhead != 0 {
            self.note_mss(&arrival, &packet, &key);
        }
        self.follow(&packet, &key);
        let asks = self.look_again(&arrival, &packet, &key);
        if packet.piece == Piece::First {
            self.note(&packet);
        }
        self.send(arrival, &packet, &key, asks)
    }

    /// A connection whose backend is gone ends with a reset, so that the client knows.
    fn bury(&mut self, arrival: &Arrival, packet: &Packet, key: &Key) -> Verdict {
        let entry = self.flows.find(key).expect("the packet found it");
        let service = entry.service;
        let same = |twin: &Key| {
            let other = self.flows.find(twin);
            other.is_some_and(|other| other.service == service)
        };
        if let Some(twin) = self.flows.twin(key, entry).filter(same) {
            self.flows.remove(&twin);
        }
        self.flows.remove(key);
        self.drops.backend_gone += 1;
        Self::reset(arrival, packet)
    }
}
