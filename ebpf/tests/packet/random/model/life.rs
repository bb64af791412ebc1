// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What packets say about the life of their flow.

use blixt_ebpf::layout::{
    STATE_CLOSE_WAIT, STATE_CLOSED, STATE_ESTABLISHED, STATE_FIN_WAIT, STATE_NEW,
};

use super::{Model, flows::Entry, packet::Packet};
use crate::{
    build::{ACK, FIN, RST, SYN, TCP},
    random::case::Key,
};

/// Units without a packet after which a UDP flow is over: 120 s (RFC 4787, REQ-5).
pub const UDP_IDLE: u32 = 112;

/// The same of an established TCP connection: 2 hours and 4 minutes (RFC 5382, REQ-5),
/// and 8 more, by which the other direction's packets may be known of too late.
const ESTABLISHED_IDLE: u32 = 6_930 + 8;
/// The same of one that is not established, or half closed: 4 minutes.
const TRANSITORY_IDLE: u32 = 224 + 8;

/// What an entry means for a packet that found it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meaning {
    GoesOn,
    Begins,
    /// The backend is gone, and the packet cannot begin a flow.
    Buries,
}

/// Whether a packet asks for a connection.
pub fn opens(packet: &Packet) -> bool {
    packet.is_tcp() && packet.flags & (SYN | ACK) == SYN
}

/// The state of the other direction's entry.
pub fn seen_from_there(state: u8) -> u8 {
    match state {
        STATE_FIN_WAIT => STATE_CLOSE_WAIT,
        STATE_CLOSE_WAIT => STATE_FIN_WAIT,
        state => state,
    }
}

/// State that a flow begins in with this packet.
pub fn first_state(packet: &Packet) -> u8 {
    if !packet.is_tcp() || opens(packet) {
        STATE_NEW
    } else {
        STATE_ESTABLISHED
    }
}

impl Model<'_> {
    pub fn is_alive(&self, entry: &Entry) -> bool {
        let backend = self.config.backends.get(entry.backend as usize);
        backend.is_some_and(|backend| backend.alive && backend.epoch == entry.epoch)
    }

    /// Whether a flow has ended: TCP says so, or it has fallen silent.
    pub fn is_over(&self, protocol: u8, entry: &Entry) -> bool {
        let idle = match (protocol, entry.state) {
            (TCP, STATE_CLOSED) => return true,
            (TCP, STATE_ESTABLISHED) => ESTABLISHED_IDLE,
            (TCP, _) => TRANSITORY_IDLE,
            _ => UDP_IDLE,
        };
        self.clock.wrapping_sub(entry.used) > idle
    }

    pub fn meaning(&self, packet: &Packet, entry: &Entry) -> Meaning {
        let tcp = packet.is_tcp();
        if !entry.forward {
            // What a backend that left still has to say is the client's.
            return Meaning::GoesOn;
        }
        let over = self.is_over(packet.protocol, entry);
        // Who asks for a connection means no old one that is closing.
        let anew = match tcp {
            true => opens(packet) && (over || entry.state >= STATE_FIN_WAIT),
            false => over && !entry.looked_at,
        };
        if anew {
            return Meaning::Begins;
        }
        if !self.is_alive(entry) {
            return match !tcp || opens(packet) {
                true => Meaning::Begins,
                false => Meaning::Buries,
            };
        }
        // Asked again, and nobody heard another node's answer: the table decides.
        let unanswered =
            opens(packet) && entry.state == STATE_NEW && entry.is_remote(&packet.key());
        if unanswered && self.is_chosen_no_more(packet, entry.backend) {
            return Meaning::Begins;
        }
        Meaning::GoesOn
    }

    fn is_chosen_no_more(&self, packet: &Packet, backend: u32) -> bool {
        match self.service(packet) {
            Some((number, chosen)) => {
                let remembered = self.recall(packet, number, chosen);
                remembered.or_else(|| self.slot(packet, chosen)) != Some(backend)
            }
            None => false,
        }
    }

    /// Follows the packet in its own entry, and tells an end to the other.
    pub fn follow(&mut self, packet: &Packet, key: &Key) {
        let entry = self.flows.find_mut(key).expect("the packet found it");
        let before = entry.state;
        if !packet.is_tcp() {
            if !entry.forward && before == STATE_NEW {
                entry.state = STATE_ESTABLISHED;
            }
            return;
        }
        let end = match packet.flags {
            flags if flags & RST != 0 => STATE_CLOSED,
            flags if flags & FIN != 0 && before == STATE_CLOSE_WAIT => STATE_CLOSED,
            flags if flags & FIN != 0 => STATE_FIN_WAIT,
            flags => {
                if flags & SYN == 0 && before == STATE_NEW {
                    entry.state = STATE_ESTABLISHED;
                }
                return;
            }
        };
        if before >= end {
            return;
        }
        entry.state = end;
        let entry = entry.clone();
        let service = entry.service;
        if let Some(twin) = self.flows.twin(key, &entry)
            && let Some(other) = self.flows.find_mut(&twin)
            && other.service == service
        {
            other.state = seen_from_there(end);
        }
    }
}
