// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets that the way out does not take: their sender is told how much it does
//! (RFC 1191, RFC 8201).

use super::{
    Arrival, Model,
    bytes::{ETHERNET, byte},
    flows::Entry,
    packet::Packet,
    verdict::Verdict,
};
use crate::build::{TOO_BIG_V6, UNREACHABLE};

impl Model<'_> {
    /// Whether a packet, or any segment of a super-packet, is longer than the way takes.
    pub fn is_too_big(&self, frame: &[u8], packet: &Packet, entry: &Entry) -> bool {
        let longest = if packet.segment == 0 {
            packet.length
        } else {
            let transport = match packet.is_tcp() {
                true => usize::from(byte(frame, packet.l4 + 12).unwrap_or(0) >> 4) * 4,
                false => 8,
            };
            packet.segment as usize + packet.l4 - ETHERNET + transport
        };
        // A super-packet has one segment at least.
        let whole = packet.length > entry.mtu.into();
        entry.mtu != 0 && whole && longest > entry.mtu.into()
    }

    /// The error, from where the packet was sent to, or nothing where none may be sent.
    pub fn tell(&mut self, arrival: &Arrival, packet: &Packet, mtu: u16) -> Verdict {
        self.drops.too_big += 1;
        let (kind, mtu) = if packet.is_v6() {
            ([TOO_BIG_V6, 0], mtu.max(1_280))
        } else {
            ([UNREACHABLE, 4], mtu)
        };
        let from = packet.header.destination;
        self.error_about(arrival, packet, from, kind, mtu)
    }
}
