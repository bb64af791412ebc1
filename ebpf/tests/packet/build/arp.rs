// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use std::net::Ipv4Addr;

use super::{Ethernet, Mac};

pub const REQUEST: u16 = 1;
pub const REPLY: u16 = 2;

/// ARP for IPv4 over Ethernet (RFC 826), in its frame.
#[derive(Clone, Debug)]
pub struct Arp {
    pub ethernet: Ethernet,
    pub operation: u16,
    pub sender_mac: Mac,
    pub sender: Ipv4Addr,
    pub target_mac: Mac,
    pub target: Ipv4Addr,
    /// Ethernet's padding.
    pub trailer: Vec<u8>,
}

impl Arp {
    /// Who has `target`? Tell `sender`.
    pub fn request(mac: Mac, sender: Ipv4Addr, target: Ipv4Addr) -> Self {
        let destination = Mac([0xff; 6]);
        Self {
            ethernet: Ethernet {
                source: mac,
                destination,
                ..Ethernet::default()
            },
            operation: REQUEST,
            sender_mac: mac,
            sender,
            target_mac: Mac([0; 6]),
            target,
            trailer: vec![0; 18],
        }
    }

    /// The answer that this request asks for: the target is at `mac`.
    pub fn reply(&self, mac: Mac) -> Self {
        let destination = self.sender_mac;
        Self {
            ethernet: Ethernet {
                source: mac,
                destination,
                ..self.ethernet.clone()
            },
            operation: REPLY,
            sender_mac: mac,
            sender: self.target,
            target_mac: self.sender_mac,
            target: self.sender,
            trailer: self.trailer.clone(),
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = self.ethernet.bytes(0x0806);
        bytes.extend([0, 1, 0x08, 0x00, 6, 4]);
        bytes.extend(self.operation.to_be_bytes());
        bytes.extend(self.sender_mac.0);
        bytes.extend(self.sender.octets());
        bytes.extend(self.target_mac.0);
        bytes.extend(self.target.octets());
        bytes.extend(&self.trailer);
        bytes
    }
}
