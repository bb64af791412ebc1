// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use std::net::Ipv4Addr;

use super::Field;
use crate::checksum;

/// The flag "more fragments", in the place where `Ipv4::fragment` has it.
pub const MORE_FRAGMENTS: u16 = 0x2000;

/// An IPv4 header (RFC 791, section 3.1).
#[derive(Clone, Debug)]
pub struct Ipv4 {
    pub tos: u8,
    pub identification: u16,
    /// Flags and fragment offset, the latter in units of 8 bytes.
    pub fragment: u16,
    pub ttl: u8,
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    /// A multiple of 4 bytes, at most 40.
    pub options: Vec<u8>,
    /// Header length in 32-bit words.
    pub header_words: Field,
    pub total_length: Field,
    pub checksum: Field,
}

impl Ipv4 {
    pub fn between(source: Ipv4Addr, destination: Ipv4Addr) -> Self {
        Self {
            tos: 0,
            identification: 0x1d0c,
            fragment: 0x4000,
            ttl: 64,
            source,
            destination,
            options: Vec::new(),
            header_words: Field::Computed,
            total_length: Field::Computed,
            checksum: Field::Computed,
        }
    }

    pub fn length(&self) -> usize {
        20 + self.options.len()
    }

    pub fn bytes(&self, protocol: u8, segment: &[u8]) -> Vec<u8> {
        assert!(
            self.options.len().is_multiple_of(4),
            "options fill whole words"
        );
        let words = self.header_words.or(|| self.length() as u16 / 4);
        let total = self
            .total_length
            .or(|| (self.length() + segment.len()) as u16);
        let mut header = vec![0x40 | words as u8, self.tos];
        header.extend(total.to_be_bytes());
        header.extend(self.identification.to_be_bytes());
        header.extend(self.fragment.to_be_bytes());
        header.extend([self.ttl, protocol, 0, 0]);
        header.extend(self.source.octets());
        header.extend(self.destination.octets());
        header.extend(&self.options);
        let sum = self.checksum.or(|| checksum::internet(&header));
        header[10..12].copy_from_slice(&sum.to_be_bytes());
        [header, segment.to_vec()].concat()
    }
}
