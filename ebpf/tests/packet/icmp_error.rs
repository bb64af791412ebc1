// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors as this node makes them of packets that end here.

use std::net::IpAddr;

use crate::build::{Icmp, Packet};

/// The error about a packet that came as `frame`, whose checksums may be wrong.
pub fn error_about(packet: &Packet, frame: &[u8], from: IpAddr, icmp: Icmp) -> Packet {
    let whole = &frame[packet.network_at()..frame.len() - packet.trailer.len()];
    let v4 = packet.source().is_ipv4();
    // RFC 1812, section 4.3.2.3; RFC 4443, section 2.4 (c).
    let most = if v4 { 576 - 28 } else { 1_280 - 48 };
    let quote = whole.len().min(most) / 4 * 4;
    let error = Packet::icmp(from, packet.source(), icmp).payload(&whole[..quote]);
    match v4 {
        true => error.ipv4(|ip| ip.identification = 0),
        false => error.ipv6(|ip| ip.flow_label = 0),
    }
}
