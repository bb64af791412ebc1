// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What a TCP or UDP packet is, whatever its headers claim.

use std::net::SocketAddr;

use super::{
    bytes::{ETHERNET, byte, long, word},
    headers::{Header, Piece, ipv4, ipv6, transport},
};
use crate::{
    build::{TCP, UDP},
    random::case::Key,
};

/// No header is looked for further behind in a frame.
const FARTHEST: usize = 1_024;

#[derive(Clone, Debug)]
pub struct Packet {
    pub header: Header,
    pub protocol: u8,
    /// 0 in a later fragment.
    pub ports: [u16; 2],
    /// Where the transport header is in the frame.
    pub l4: usize,
    /// Bytes of the IP packet.
    pub length: usize,
    /// TCP's control bits.
    pub flags: u8,
    pub piece: Piece,
    pub id: u32,
    /// It ends inside a header, or its lengths contradict each other.
    pub malformed: bool,
    /// Bytes of the IP header that another node had put around it.
    pub overhead: usize,
    /// Bytes of a segment's payload in a super-packet.
    pub segment: u32,
}

impl Packet {
    /// None of what is neither TCP nor UDP, or has not even ports.
    pub fn parse(frame: &[u8], v6: bool, segment: u32) -> Option<Self> {
        let header = if v6 {
            ipv6(frame, ETHERNET)?
        } else {
            ipv4(frame, ETHERNET)?
        };
        let found = transport(frame, &header)?;
        if found.at > FARTHEST {
            return None;
        }
        let mut packet = Self {
            protocol: found.protocol,
            ports: [0; 2],
            l4: found.at,
            length: header.total,
            flags: 0,
            piece: found.piece,
            id: found.id,
            malformed: false,
            overhead: 0,
            segment,
            header,
        };
        if packet.piece == Piece::Later {
            packet.malformed = packet.ends_before(frame, packet.l4);
            return Some(packet);
        }
        packet.ports = [word(frame, packet.l4)?, word(frame, packet.l4 + 2)?];
        let least = if packet.protocol == TCP {
            packet.read_tcp(frame)
        } else {
            packet.read_udp(frame)
        };
        if segment != 0 {
            // Its length field may be too small for it.
            packet.length = frame.len() - ETHERNET;
        } else {
            packet.malformed |= packet.ends_before(frame, packet.l4 + least);
        }
        Some(packet)
    }

    /// Whether the IP packet ends before that place in the frame, or the frame
    /// before the packet.
    fn ends_before(&self, frame: &[u8], at: usize) -> bool {
        let end = ETHERNET + self.length;
        end < at || end > frame.len()
    }

    /// RFC 9293, section 3.1. Returns the header's length.
    fn read_tcp(&mut self, frame: &[u8]) -> usize {
        let (Some(offset), Some(flags)) = (byte(frame, self.l4 + 12), byte(frame, self.l4 + 13))
        else {
            self.malformed = true;
            return 20;
        };
        self.flags = flags;
        let length = usize::from(offset >> 4) * 4;
        self.malformed |= length < 20 || frame.len() < self.l4 + 20;
        length
    }

    /// RFC 768: the length counts the header.
    fn read_udp(&mut self, frame: &[u8]) -> usize {
        let length = word(frame, self.l4 + 4);
        self.malformed |= length.is_none_or(|length| length < 8);
        8
    }

    pub fn is_v6(&self) -> bool {
        self.header.is_v6()
    }

    pub fn source(&self) -> SocketAddr {
        (self.header.source, self.ports[0]).into()
    }

    pub fn destination(&self) -> SocketAddr {
        (self.header.destination, self.ports[1]).into()
    }

    pub fn key(&self) -> Key {
        (self.source(), self.destination(), self.protocol)
    }

    /// Whether both ends have one address.
    pub fn is_within(&self) -> bool {
        self.header.source == self.header.destination
    }

    pub fn is_tcp(&self) -> bool {
        self.protocol == TCP
    }

    /// Where the transport checksum is.
    pub fn sum_at(&self) -> usize {
        self.l4 + sum_in(self.protocol)
    }

    pub fn sequence(&self, frame: &[u8]) -> u32 {
        long(frame, self.l4 + 4).unwrap_or(0)
    }

    pub fn acknowledged(&self, frame: &[u8]) -> u32 {
        long(frame, self.l4 + 8).unwrap_or(0)
    }
}

/// Where a protocol's checksum is in its header.
pub fn sum_in(protocol: u8) -> usize {
    if protocol == UDP { 6 } else { 16 }
}
