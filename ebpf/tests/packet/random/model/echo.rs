// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Pings to addresses of ours (RFC 792; RFC 4443, section 4.2).

use blixt_ebpf::layout::ADDRESS_LOCAL;

use super::{
    Arrival, Model,
    bytes::{Delta, ETHERNET, change_sum, put_address, replace},
    headers::{ipv4, ipv6},
    reset::TTL,
    verdict::Verdict,
};
use crate::build::{ECHO_REPLY, ECHO_REPLY_V6, ECHO_REQUEST, ECHO_REQUEST_V6};

impl Model<'_> {
    /// The answer to an echo request without IP options that is no fragment, unless
    /// the host will answer itself.
    pub fn echo(&self, arrival: &Arrival) -> Option<Verdict> {
        let v6 = arrival.is_v6();
        let mut frame = arrival.frame.clone();
        let header = if v6 {
            ipv6(&frame, ETHERNET)?
        } else {
            ipv4(&frame, ETHERNET)?
        };
        let plain = v6 || header.length == 20 && header.fragment & 0x3fff == 0;
        let icmp = ETHERNET + header.length;
        let [request, reply] = if v6 {
            [ECHO_REQUEST_V6, ECHO_REPLY_V6]
        } else {
            [ECHO_REQUEST, ECHO_REPLY]
        };
        if !plain || frame.get(icmp..icmp + 2)? != [request, 0] || frame.len() < icmp + 4 {
            return None;
        }
        let flags = self.config.addresses.get(&header.destination)?;
        if header.is_mapped() || flags & ADDRESS_LOCAL != 0 {
            return None;
        }
        frame.splice(..14, arrival.back());
        let (at, size) = if v6 { (8, 16) } else { (12, 4) };
        put_address(&mut frame, ETHERNET + at, header.destination);
        put_address(&mut frame, ETHERNET + at + size, header.source);
        let hops = ETHERNET + if v6 { 7 } else { 8 };
        frame[hops] = TTL;
        let mut delta = Delta::default();
        delta.words(u16::from(header.ttl) << 8, u16::from(TTL) << 8);
        if !v6 {
            change_sum(&mut frame, ETHERNET + 10, delta);
        }
        replace(
            &mut frame,
            icmp + 2,
            icmp,
            icmp,
            u16::from_be_bytes([reply, 0]),
        );
        let verdict = Verdict::redirected(frame).sum(icmp + 2);
        Some(if v6 {
            verdict
        } else {
            verdict.sum(ETHERNET + 10)
        })
    }
}
