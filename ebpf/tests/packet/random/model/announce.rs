// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Answers for addresses that no interface has: ARP (RFC 826) and IPv6 neighbour
//! discovery (RFC 4861).

use std::net::IpAddr;

use blixt_ebpf::layout::{ADDRESS_ANNOUNCE, DEVICE_OUTWARD};

use super::{
    Arrival, Model,
    bytes::{ETHERNET, byte, put_address, put_word, v4, v6},
    headers::ipv6,
    verdict::Verdict,
};
use crate::{
    build::{ICMPV6, NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION},
    checksum,
    random::world::Place,
};

impl Model<'_> {
    pub fn announces(&self, place: Place, ip: IpAddr) -> bool {
        let flags = self.config.addresses.get(&ip).copied().unwrap_or(0);
        let device = self.config.devices[place as usize];
        flags & ADDRESS_ANNOUNCE != 0 && device & DEVICE_OUTWARD != 0
    }

    /// The address that an ARP request asks for, and that of who asks.
    pub fn arp_asks(frame: &[u8]) -> Option<(IpAddr, IpAddr)> {
        let request =
            frame.len() >= 42 && frame[14..18] == [0, 1, 0x08, 0x00] && frame[20..22] == [0, 1];
        request.then(|| Some((v4(frame, 38)?, v4(frame, 28)?)))?
    }

    pub fn arp(&self, arrival: Arrival) -> Verdict {
        let Some((target, sender)) = Self::arp_asks(&arrival.frame) else {
            return arrival.passed();
        };
        if !self.announces(arrival.place, target) {
            return arrival.passed();
        }
        let mac = self.world.port(arrival.place).mac.0;
        let mut frame = arrival.frame;
        let asker = frame[22..28].to_vec();
        frame[..6].copy_from_slice(&asker);
        frame[6..12].copy_from_slice(&mac);
        frame[21] = 2;
        frame[22..28].copy_from_slice(&mac);
        frame[32..38].copy_from_slice(&asker);
        put_address(&mut frame, 28, target);
        put_address(&mut frame, 38, sender);
        Verdict::redirected(frame)
    }

    /// The address that a neighbour solicitation asks for: no router let it in
    /// (section 7.1.1), and it says who asks.
    pub fn solicited(frame: &[u8]) -> Option<IpAddr> {
        let source = ipv6(frame, ETHERNET)?.source;
        // Who has no address yet names no link-layer address.
        let solicits = frame.len() >= 86
            && !source.is_unspecified()
            && byte(frame, 20) == Some(ICMPV6)
            && frame[21] == 255
            && frame[54] == NEIGHBOUR_SOLICITATION
            && frame[78..80] == [1, 1];
        solicits.then(|| v6(frame, 62))?
    }

    pub fn solicitation(&self, arrival: &Arrival) -> Option<Verdict> {
        let target = Self::solicited(&arrival.frame)?;
        let source = v6(&arrival.frame, 22)?;
        if !self.announces(arrival.place, target) {
            return None;
        }
        let mac = self.world.port(arrival.place).mac.0;
        let mut frame = arrival.frame.clone();
        frame.copy_within(6..12, 0);
        frame[6..12].copy_from_slice(&mac);
        put_word(&mut frame, 18, 32);
        put_address(&mut frame, 22, target);
        put_address(&mut frame, 38, source);
        frame[54..62].copy_from_slice(&[NEIGHBOUR_ADVERTISEMENT, 0, 0, 0, 0x60, 0, 0, 0]);
        frame[78..80].copy_from_slice(&[2, 1]);
        frame[80..86].copy_from_slice(&mac);
        let sum = checksum::transport(target, source, ICMPV6, &frame[54..86]);
        put_word(&mut frame, 56, sum);
        Some(Verdict::redirected(frame).sum(56))
    }
}
