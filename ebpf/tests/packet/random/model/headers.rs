// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! IP headers and what stands between them and the transport's.

use std::net::IpAddr;

use super::bytes::{byte, long, v4, v6, word};
use crate::build::{DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ROUTING, TCP, UDP};

/// An IP header, complete but for options.
#[derive(Clone, Debug)]
pub struct Header {
    pub at: usize,
    pub source: IpAddr,
    pub destination: IpAddr,
    /// Bytes of the packet, as it says.
    pub total: usize,
    /// TTL or hop limit.
    pub ttl: u8,
    /// What follows it at once.
    pub next: u8,
    /// Bytes of itself.
    pub length: usize,
    /// Flags and offset of IPv4.
    pub fragment: u16,
}

/// RFC 791, section 3.1.
pub fn ipv4(bytes: &[u8], at: usize) -> Option<Header> {
    let first = byte(bytes, at)?;
    let header = Header {
        at,
        source: v4(bytes, at + 12)?,
        destination: v4(bytes, at + 16)?,
        total: word(bytes, at + 2)?.into(),
        ttl: bytes[at + 8],
        next: bytes[at + 9],
        length: usize::from(first & 0xf) * 4,
        fragment: word(bytes, at + 6)?,
    };
    (first >> 4 == 4 && header.length >= 20).then_some(header)
}

/// RFC 8200, section 3.
pub fn ipv6(bytes: &[u8], at: usize) -> Option<Header> {
    let first = byte(bytes, at)?;
    let header = Header {
        at,
        source: v6(bytes, at + 8)?,
        destination: v6(bytes, at + 24)?,
        total: usize::from(word(bytes, at + 4)?) + 40,
        ttl: bytes[at + 7],
        next: bytes[at + 6],
        length: 40,
        fragment: 0,
    };
    (first >> 4 == 6).then_some(header)
}

impl Header {
    pub fn is_v6(&self) -> bool {
        self.source.is_ipv6()
    }

    /// Where the packet ends.
    pub fn end(&self) -> usize {
        self.at + self.total
    }

    /// Whether an address is of a kind that IPv6 packets never have: ::ffff:0:0/96
    /// stands for IPv4 (RFC 4291, section 2.5.5.2).
    pub fn is_mapped(&self) -> bool {
        matches!(self.destination, IpAddr::V6(ip) if ip.to_ipv4_mapped().is_some())
    }
}

/// What a packet is of a larger one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    Whole,
    First,
    Later,
}

/// The transport header, or the data of a later fragment.
#[derive(Clone, Copy, Debug)]
pub struct Transport {
    pub at: usize,
    pub protocol: u8,
    pub piece: Piece,
    /// Of fragments.
    pub id: u32,
}

/// Extension headers that are looked behind.
const MOST: usize = 5;

/// Finds the transport header; none where it is neither TCP's nor UDP's, or
/// cannot be found.
pub fn transport(bytes: &[u8], header: &Header) -> Option<Transport> {
    if header.is_v6() {
        return behind_extensions(bytes, header.at + 40, header.next);
    }
    let piece = match (header.fragment & 0x1fff, header.fragment & 0x2000) {
        (0, 0) => Piece::Whole,
        (0, _) => Piece::First,
        _ => Piece::Later,
    };
    matches!(header.next, TCP | UDP).then_some(Transport {
        at: header.at + header.length,
        protocol: header.next,
        piece,
        id: word(bytes, header.at + 4)?.into(),
    })
}

fn behind_extensions(bytes: &[u8], mut at: usize, mut next: u8) -> Option<Transport> {
    let (mut piece, mut id) = (Piece::Whole, 0);
    for _ in 0..=MOST {
        match next {
            TCP | UDP => {
                let protocol = next;
                return Some(Transport {
                    at,
                    protocol,
                    piece,
                    id,
                });
            }
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                bytes.get(at..at + 8)?;
                next = bytes[at];
                // RFC 8200, section 4.3: in units of 8 octets, the first not counted.
                at += (usize::from(bytes[at + 1]) + 1) * 8;
            }
            FRAGMENT => {
                bytes.get(at..at + 8)?;
                let position = word(bytes, at + 2)?;
                next = bytes[at];
                let number = long(bytes, at + 4)?;
                at += 8;
                if position >> 3 != 0 {
                    return Some(Transport {
                        at,
                        protocol: next,
                        piece: Piece::Later,
                        id: number,
                    });
                }
                // Without more to come it is whole (RFC 6946).
                if position & 1 != 0 {
                    (piece, id) = (Piece::First, number);
                }
            }
            _ => return None,
        }
    }
    None
}
