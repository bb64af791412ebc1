// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use super::Field;

pub const FIN: u8 = 0x01;
pub const SYN: u8 = 0x02;
pub const RST: u8 = 0x04;
pub const PSH: u8 = 0x08;
pub const ACK: u8 = 0x10;

/// A TCP header (RFC 9293, section 3.1).
#[derive(Clone, Debug)]
pub struct Tcp {
    pub source: u16,
    pub destination: u16,
    pub sequence: u32,
    pub acknowledgement: u32,
    pub flags: u8,
    pub window: u16,
    pub urgent: u16,
    /// A multiple of 4 bytes, at most 40.
    pub options: Vec<u8>,
    /// Header length in 32-bit words.
    pub data_offset: Field,
    pub checksum: Field,
}

impl Tcp {
    pub fn between(source: u16, destination: u16) -> Self {
        Self {
            source,
            destination,
            sequence: 0x0123_4567,
            acknowledgement: 0x89ab_cdef,
            flags: ACK,
            window: 0xfaf0,
            urgent: 0,
            options: Vec::new(),
            data_offset: Field::Computed,
            checksum: Field::Computed,
        }
    }

    /// Header and payload; `sum` gives the checksum of a segment.
    pub fn bytes(&self, payload: &[u8], sum: impl FnOnce(&[u8]) -> u16) -> Vec<u8> {
        assert!(
            self.options.len().is_multiple_of(4),
            "options fill whole words"
        );
        let words = self.data_offset.or(|| 5 + self.options.len() as u16 / 4);
        let mut segment = self.source.to_be_bytes().to_vec();
        segment.extend(self.destination.to_be_bytes());
        segment.extend(self.sequence.to_be_bytes());
        segment.extend(self.acknowledgement.to_be_bytes());
        segment.extend([(words as u8) << 4, self.flags]);
        segment.extend(self.window.to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(self.urgent.to_be_bytes());
        segment.extend(&self.options);
        segment.extend(payload);
        let checksum = self.checksum.or(|| sum(&segment));
        segment[16..18].copy_from_slice(&checksum.to_be_bytes());
        segment
    }
}
