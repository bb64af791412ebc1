// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use std::fmt;

pub const IPV4: u16 = 0x0800;
pub const IPV6: u16 = 0x86dd;

#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, f] = self.0;
        write!(formatter, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{f:02x}")
    }
}

impl fmt::Debug for Mac {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}

/// An 802.1Q tag: the tag protocol identifier, 0x8100 or 0x88a8, and the tag control information.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    pub protocol: u16,
    pub control: u16,
}

#[derive(Clone, Debug)]
pub struct Ethernet {
    pub destination: Mac,
    pub source: Mac,
    /// Outermost first.
    pub tags: Vec<Tag>,
    /// The innermost EtherType, where it is not that of the IP packet.
    pub ethertype: Option<u16>,
}

impl Default for Ethernet {
    fn default() -> Self {
        Self {
            destination: Mac([2, 0, 0, 0, 0, 1]),
            source: Mac([2, 0, 0, 0, 0, 2]),
            tags: Vec::new(),
            ethertype: None,
        }
    }
}

impl Ethernet {
    pub fn length(&self) -> usize {
        14 + 4 * self.tags.len()
    }

    /// The header in front of a packet whose EtherType is `ethertype`.
    pub fn bytes(&self, ethertype: u16) -> Vec<u8> {
        let mut bytes = [self.destination.0, self.source.0].concat();
        for tag in &self.tags {
            bytes.extend(tag.protocol.to_be_bytes());
            bytes.extend(tag.control.to_be_bytes());
        }
        bytes.extend(self.ethertype.unwrap_or(ethertype).to_be_bytes());
        bytes
    }
}
