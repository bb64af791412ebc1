// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use super::Field;

/// A UDP header (RFC 768).
#[derive(Clone, Debug)]
pub struct Udp {
    pub source: u16,
    pub destination: u16,
    /// Header and payload, in bytes.
    pub length: Field,
    /// `Exactly(0)`: the sender computed none.
    pub checksum: Field,
}

impl Udp {
    pub fn between(source: u16, destination: u16) -> Self {
        Self {
            source,
            destination,
            length: Field::Computed,
            checksum: Field::Computed,
        }
    }

    /// Header and payload; `sum` gives the checksum of a segment.
    pub fn bytes(&self, payload: &[u8], sum: impl FnOnce(&[u8]) -> u16) -> Vec<u8> {
        let mut segment = self.source.to_be_bytes().to_vec();
        segment.extend(self.destination.to_be_bytes());
        segment.extend(self.length.or(|| 8 + payload.len() as u16).to_be_bytes());
        segment.extend([0, 0]);
        segment.extend(payload);
        let checksum = self.checksum.or(|| match sum(&segment) {
            0 => 0xffff,
            sum => sum,
        });
        segment[6..8].copy_from_slice(&checksum.to_be_bytes());
        segment
    }
}
