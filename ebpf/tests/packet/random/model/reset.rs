// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What is sent back to who sent a frame, and headers that are made for it.

use std::net::IpAddr;

use super::{
    Arrival, Model,
    bytes::{put_word, word},
    packet::Packet,
    verdict::Verdict,
};
use crate::{
    build::{ACK, FIN, RST, SYN, TCP},
    checksum,
};

/// TTL of what the host itself sends.
pub const TTL: u8 = 64;

/// An IP header of a packet that must not be cut, with `length` bytes behind it.
/// A length that its field cannot say is said as 0.
pub fn header(ends: [IpAddr; 2], protocol: u8, class: u8, length: usize) -> Vec<u8> {
    let field = |length: usize| u16::try_from(length).unwrap_or(0).to_be_bytes();
    match ends {
        [IpAddr::V4(source), IpAddr::V4(destination)] => {
            let mut header = vec![0x45, class];
            header.extend(field(20 + length));
            header.extend([0, 0, 0x40, 0, TTL, protocol, 0, 0]);
            header.extend(source.octets());
            header.extend(destination.octets());
            let sum = checksum::internet(&header);
            put_word(&mut header, 10, sum);
            header
        }
        [IpAddr::V6(source), IpAddr::V6(destination)] => {
            let mut header = vec![0x60 | class >> 4, class << 4, 0, 0];
            header.extend(field(length));
            header.extend([protocol, TTL]);
            header.extend(source.octets());
            header.extend(destination.octets());
            header
        }
        _ => unreachable!("the ends of a packet are of one family"),
    }
}

impl Arrival {
    /// The Ethernet header of what goes back.
    pub fn back(&self) -> Vec<u8> {
        let frame = &self.frame;
        [&frame[6..12], &frame[..6], &frame[12..14]].concat()
    }
}

impl Model<'_> {
    /// RFC 9293, section 3.10.7.1: what a closed port answers a segment with.
    pub fn reset(arrival: &Arrival, packet: &Packet) -> Verdict {
        if packet.flags & RST != 0 {
            return Verdict::dropped();
        }
        let frame = &arrival.frame;
        let ends = [packet.header.destination, packet.header.source];
        let [sport, dport] = packet.ports;
        let (sequence, acknowledgement, flags) = if packet.flags & ACK != 0 {
            (packet.acknowledged(frame), 0, RST)
        } else {
            let offset = usize::from(frame[packet.l4 + 12] >> 4) * 4;
            let data = (packet.header.at + packet.length - packet.l4 - offset) as u32;
            let controls = u32::from(packet.flags & SYN != 0) + u32::from(packet.flags & FIN != 0);
            let next = packet.sequence(frame).wrapping_add(data + controls);
            (0, next, RST | ACK)
        };
        let mut segment = [dport.to_be_bytes(), sport.to_be_bytes()].concat();
        segment.extend(sequence.to_be_bytes());
        segment.extend(acknowledgement.to_be_bytes());
        segment.extend([0x50, flags, 0, 0, 0, 0, 0, 0]);
        let sum = checksum::transport(ends[0], ends[1], TCP, &segment);
        put_word(&mut segment, 16, sum);
        let ip = header(ends, TCP, 0, segment.len());
        let at = 14 + ip.len();
        Verdict::redirected([arrival.back(), ip, segment].concat()).sum(at + 16)
    }
}

/// The traffic class of the IP header at that place.
pub fn class(frame: &[u8], at: usize, v6: bool) -> u8 {
    let first = word(frame, at).expect("a header");
    if v6 { (first >> 4) as u8 } else { first as u8 }
}
