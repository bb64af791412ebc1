// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use super::Field;

/// Types (RFC 792; RFC 4443; RFC 4861).
pub const ECHO_REPLY: u8 = 0;
pub const UNREACHABLE: u8 = 3;
pub const REDIRECT: u8 = 5;
pub const ECHO_REQUEST: u8 = 8;
pub const TIME_EXCEEDED: u8 = 11;
pub const PARAMETER_PROBLEM: u8 = 12;
pub const UNREACHABLE_V6: u8 = 1;
pub const TOO_BIG_V6: u8 = 2;
pub const TIME_EXCEEDED_V6: u8 = 3;
pub const PARAMETER_PROBLEM_V6: u8 = 4;
pub const ECHO_REQUEST_V6: u8 = 128;
pub const ECHO_REPLY_V6: u8 = 129;
pub const NEIGHBOUR_SOLICITATION: u8 = 135;
pub const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// An ICMP or ICMPv6 header; which of the two follows from the packet's family.
#[derive(Clone, Debug)]
pub struct Icmp {
    pub kind: u8,
    pub code: u8,
    /// What the type makes of the second word: identifier and number, flags.
    pub rest: [u8; 4],
    pub checksum: Field,
}

impl Icmp {
    pub fn new(kind: u8) -> Self {
        Self {
            kind,
            code: 0,
            rest: [0; 4],
            checksum: Field::Computed,
        }
    }

    /// Header and payload; `sum` gives the checksum of a message.
    pub fn bytes(&self, payload: &[u8], sum: impl FnOnce(&[u8]) -> u16) -> Vec<u8> {
        let mut message = vec![self.kind, self.code, 0, 0];
        message.extend(self.rest);
        message.extend(payload);
        let checksum = self.checksum.or(|| sum(&message));
        message[2..4].copy_from_slice(&checksum.to_be_bytes());
        message
    }
}
