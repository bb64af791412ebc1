// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! IP headers as they stand in a packet, and those that Blixt itself writes.

use blixt_ebpf::layout::Address;

use crate::{checksum::folded, packet::IPV4_HLEN};

/// TTL or hop limit of what Blixt itself sends.
pub const TTL: u8 = 64;

/// RFC 791, section 3.1, flags.
pub const DONT_FRAGMENT: u16 = 0x4000;

/// An IPv4 header without its options (RFC 791, section 3.1). All but single bytes
/// in network byte order.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Ipv4 {
    pub version_ihl: u8,
    pub tos: u8,
    pub length: u16,
    pub id: u16,
    pub fragment: u16,
    pub ttl: u8,
    pub protocol: u8,
    pub checksum: u16,
    pub saddr: u32,
    pub daddr: u32,
}

impl Ipv4 {
    /// The header of a packet of `length` bytes, itself counted, that is never cut
    /// and so needs no number (RFC 6864, section 4.1).
    #[inline(always)]
    pub fn new(tos: u8, length: u32, protocol: u8, [saddr, daddr]: [u32; 2]) -> Self {
        let mut header = Self {
            version_ihl: 0x45,
            tos,
            length: field(length),
            id: 0,
            fragment: DONT_FRAGMENT.to_be(),
            ttl: TTL,
            protocol,
            checksum: 0,
            saddr,
            daddr,
        };
        let mut sum = u32::from(u16::from_ne_bytes([header.version_ihl, tos]))
            + u32::from(header.length)
            + u32::from(header.fragment)
            + u32::from(u16::from_ne_bytes([TTL, protocol]));
        for word in [saddr, daddr] {
            sum += (word & 0xffff) + (word >> 16);
        }
        header.checksum = !folded(sum);
        header
    }

    /// Bytes of the header, options among them; 0 when it is none.
    #[inline(always)]
    pub fn length(&self) -> u32 {
        let length = u32::from(self.version_ihl & 0x0f) * 4;
        if self.version_ihl >> 4 == 4 && length >= IPV4_HLEN {
            length
        } else {
            0
        }
    }
}

/// An IPv6 header (RFC 8200, section 3).
#[repr(C)]
#[derive(Clone, Copy)]
pub struct Ipv6 {
    pub version: [u8; 4],
    pub length: u16,
    pub next: u8,
    pub hops: u8,
    pub saddr: Address,
    pub daddr: Address,
}

impl Ipv6 {
    /// The header of a packet with a payload of `length` bytes.
    #[inline(always)]
    pub fn new(class: u8, length: u32, next: u8, [saddr, daddr]: [Address; 2]) -> Self {
        Self {
            version: [0x60 | class >> 4, class << 4, 0, 0],
            length: field(length),
            next,
            hops: TTL,
            saddr,
            daddr,
        }
    }
}

/// A length as its field has it: 0 says that a super-packet is longer than the
/// field can say.
#[inline(always)]
fn field(length: u32) -> u16 {
    if length > 0xffff {
        0
    } else {
        (length as u16).to_be()
    }
}
