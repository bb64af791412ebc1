// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What routers say of the packets around others: they are this node's own, so
//! it remembers (RFC 2003, section 5).

use std::net::IpAddr;

use super::{
    Arrival, Model,
    bytes::{ETHERNET, word},
    headers::{ipv4, ipv6},
};
use crate::build::{self, ICMP, ICMPV6, IPIP, TOO_BIG_V6, UNREACHABLE};

/// Units after which a path may take more again: ten minutes (RFC 1191, section 6.3).
const LIFETIME: u32 = 559;

impl Model<'_> {
    /// Remembers what an error says of the path to a node.
    pub fn learn(&mut self, arrival: &Arrival) {
        let v6 = arrival.is_v6();
        let Some((node, mtu)) = self.told(&arrival.frame, v6) else {
            return;
        };
        // Nobody is believed who says less.
        let least = if v6 { 1_280 } else { 552 };
        let clock = self.clock;
        if let Some(known) = self.config.nodes.get_mut(&node) {
            (known.mtu, known.seen) = (mtu.max(least), clock);
        }
    }

    /// The node, and the bytes that the path to it takes.
    fn told(&self, frame: &[u8], v6: bool) -> Option<(IpAddr, u32)> {
        let read = if v6 { ipv6 } else { ipv4 };
        let outer = read(frame, ETHERNET)?;
        let message = frame.get(..outer.end())?;
        let icmp = ETHERNET + outer.length;
        let (protocol, kind) = if v6 {
            (ICMPV6, [TOO_BIG_V6, 0])
        } else {
            (ICMP, [UNREACHABLE, 4])
        };
        if outer.next != protocol
            || outer.fragment & 0x3fff != 0
            || message.get(icmp..icmp + 2)? != kind
        {
            return None;
        }
        let about = read(message, icmp + 8)?;
        let mtu = word(message, icmp + 6)?;
        // No link takes so much that the upper half is used (RFC 4443, section 3.2);
        // routers of before RFC 1191 say 0.
        let said = if v6 {
            word(message, icmp + 4)? == 0
        } else {
            mtu != 0
        };
        let around = matches!(about.next, IPIP | build::IPV6);
        let ours = self.is_between_nodes(about.destination, about.source);
        (said && around && ours).then_some((about.destination, mtu.into()))
    }

    /// Bytes of the longest packet that the path to a node takes; no more than `most`.
    pub fn known_mtu(&self, node: IpAddr, most: u16) -> u16 {
        match self.config.nodes.get(&node) {
            Some(known)
                if known.mtu != 0
                    && known.mtu < most.into()
                    && self.clock.wrapping_sub(known.seen) < LIFETIME =>
            {
                known.mtu as u16
            }
            _ => most,
        }
    }
}
