// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors of the node's own (RFC 792, RFC 4443).

use std::net::IpAddr;

use super::{
    Arrival, Model,
    bytes::{ETHERNET, put_word},
    headers::Piece,
    packet::Packet,
    reset::header,
    verdict::Verdict,
};
use crate::{
    build::{ICMP, ICMPV6},
    checksum,
};

/// ICMP errors in a unit of time (net.ipv4.icmp_msgs_per_sec by default).
pub const PER_SECOND: u32 = 1_000;

impl Model<'_> {
    /// The error about a packet, sent back where that came from, or nothing where none
    /// may be sent.
    pub fn error_about(
        &mut self,
        arrival: &Arrival,
        packet: &Packet,
        from: IpAddr,
        kind: [u8; 2],
        mtu: u16,
    ) -> Verdict {
        let to = packet.header.source;
        // RFC 1122, section 3.2.2: not of later fragments.
        if packet.piece == Piece::Later || !is_host(to) {
            return Verdict::dropped();
        }
        self.errors_sent += 1;
        if self.errors_sent > PER_SECOND {
            return Verdict::dropped();
        }
        let v6 = packet.is_v6();
        // RFC 1812, section 4.3.2.3; RFC 4443, section 3.2: so long at most, in words.
        let most = if v6 { 1_280 - 48 } else { 576 - 28 };
        let quote = packet.length.min(most) / 4 * 4;
        let quoted = &arrival.frame[ETHERNET..][..quote];
        let mut message = [&kind[..], &[0; 4], &mtu.to_be_bytes(), quoted].concat();
        let sum = if v6 {
            checksum::transport(from, to, ICMPV6, &message)
        } else {
            checksum::internet(&message)
        };
        put_word(&mut message, 2, sum);
        let protocol = if v6 { ICMPV6 } else { ICMP };
        let ip = header([from, to], protocol, 0, message.len());
        let at = ETHERNET + ip.len();
        Verdict::redirected([arrival.back(), ip, message].concat()).sum(at + 2)
    }
}

/// RFC 1122, section 3.2.2; RFC 4443, section 2.4: whether an address names one host.
fn is_host(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => !matches!(ip.octets()[0], 0 | 127 | 224..),
        IpAddr::V6(ip) => !ip.is_multicast() && !ip.is_unspecified(),
    }
}
