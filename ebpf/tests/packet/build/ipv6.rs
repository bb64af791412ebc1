// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use std::net::Ipv6Addr;

use super::Field;

/// Next header values of extension headers (RFC 8200, section 4).
pub const HOP_BY_HOP: u8 = 0;
pub const ROUTING: u8 = 43;
pub const FRAGMENT: u8 = 44;
pub const DESTINATION_OPTIONS: u8 = 60;

/// An extension header; its next header field follows from what comes after it.
#[derive(Clone, Debug)]
pub struct Extension {
    pub kind: u8,
    /// All after the next header field.
    pub rest: Vec<u8>,
}

impl Extension {
    /// A header of `8 * units` bytes: hop-by-hop or destination options that
    /// are all padding, or a routing header with no segment left.
    pub fn filled(kind: u8, units: u8) -> Self {
        let mut rest = vec![0; usize::from(units) * 8 - 1];
        rest[0] = units - 1;
        if kind != ROUTING {
            pad(&mut rest[1..]);
        }
        Self { kind, rest }
    }

    /// A fragment header: the offset in units of 8 bytes.
    pub fn fragment(offset: u16, more: bool) -> Self {
        let position = (offset << 3) | u16::from(more);
        let identification = [0xca, 0xfe, 0xba, 0xbe];
        Self {
            kind: FRAGMENT,
            rest: [&[0][..], &position.to_be_bytes(), &identification].concat(),
        }
    }
}

/// Fills `options` with PadN options (RFC 8200, section 4.2).
fn pad(options: &mut [u8]) {
    for option in options.chunks_mut(257) {
        match option {
            [pad1] => *pad1 = 0,
            [kind, length, data @ ..] => {
                *kind = 1;
                *length = data.len() as u8;
            }
            [] => {}
        }
    }
}

/// An IPv6 header (RFC 8200, section 3) and the extension headers behind it.
#[derive(Clone, Debug)]
pub struct Ipv6 {
    pub traffic_class: u8,
    /// 20 bits.
    pub flow_label: u32,
    pub hop_limit: u8,
    pub source: Ipv6Addr,
    pub destination: Ipv6Addr,
    pub extensions: Vec<Extension>,
    pub payload_length: Field,
}

impl Ipv6 {
    pub fn between(source: Ipv6Addr, destination: Ipv6Addr) -> Self {
        Self {
            traffic_class: 0,
            flow_label: 0x9f3a7,
            hop_limit: 64,
            source,
            destination,
            extensions: Vec::new(),
            payload_length: Field::Computed,
        }
    }

    /// Bytes up to the transport header.
    pub fn length(&self) -> usize {
        let extensions: usize = self
            .extensions
            .iter()
            .map(|extension| extension.rest.len() + 1)
            .sum();
        40 + extensions
    }

    pub fn bytes(&self, protocol: u8, segment: &[u8]) -> Vec<u8> {
        let after = self
            .extensions
            .iter()
            .skip(1)
            .map(|extension| extension.kind)
            .chain([protocol]);
        let first = self
            .extensions
            .first()
            .map_or(protocol, |extension| extension.kind);
        let payload = self.length() - 40 + segment.len();
        let word = 6 << 28 | u32::from(self.traffic_class) << 20 | self.flow_label;
        let mut bytes = word.to_be_bytes().to_vec();
        bytes.extend(self.payload_length.or(|| payload as u16).to_be_bytes());
        bytes.extend([first, self.hop_limit]);
        bytes.extend(self.source.octets());
        bytes.extend(self.destination.octets());
        for (extension, next) in self.extensions.iter().zip(after) {
            bytes.push(next);
            bytes.extend(&extension.rest);
        }
        bytes.extend(segment);
        bytes
    }
}
