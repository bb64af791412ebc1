// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! How long segments a client may send whose packets come inside others (RFC 9293,
//! section 3.7.1).

use super::{
    Arrival, Model,
    bytes::{byte, replace, word},
    life::opens,
    packet::Packet,
};
use crate::{
    build::SYN,
    random::{
        case::Key,
        world::{MTU, Place},
    },
};

/// RFC 9293, section 3.7.1: nobody is asked for less.
const LEAST: u16 = 536;
/// Options that are looked at.
const OPTIONS: usize = 6;

impl Model<'_> {
    /// Notes for the replies how much the way takes that the client's packets come by.
    pub fn note_mss(&mut self, arrival: &Arrival, packet: &Packet, key: &Key) {
        if !opens(packet) {
            return;
        }
        let mtu = if arrival.place == Place::Lo {
            u16::MAX
        } else {
            MTU
        };
        let headers = if packet.is_v6() { 60 } else { 40 } + arrival.overhead as u16;
        let entry = self.flows.find(key).expect("it has begun");
        let replies = (entry.address, key.0, key.2);
        if let Some(other) = self.flows.find_mut(&replies) {
            other.mss = (mtu - headers).max(LEAST);
        }
    }
}

/// Lowers the maximum segment size that a SYN announces; 0 leaves it. Options that
/// lie stay as they are.
pub fn clamp(frame: &mut [u8], packet: &Packet, most: u16) {
    if most == 0 || !packet.is_tcp() || packet.flags & SYN == 0 {
        return;
    }
    let end = packet.l4 + usize::from(frame[packet.l4 + 12] >> 4) * 4;
    let mut at = packet.l4 + 20;
    for _ in 0..OPTIONS {
        // RFC 9293, section 3.2: the end of the list, and no operation, are of one byte.
        let (Some(kind), Some(length)) = (byte(frame, at), byte(frame, at + 1)) else {
            return;
        };
        if kind == 0 || at + 4 > end {
            return;
        }
        if [kind, length] == [2, 4] {
            if word(frame, at + 2).is_some_and(|announced| announced > most) {
                replace(frame, packet.sum_at(), packet.l4, at + 2, most);
            }
            return;
        }
        at += match (kind, length) {
            (1, _) => 1,
            (_, 0 | 1) => return,
            (_, length) => usize::from(length),
        };
        if at > end {
            return;
        }
    }
}
