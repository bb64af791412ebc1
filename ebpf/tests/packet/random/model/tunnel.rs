// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets inside packets between nodes (RFC 2003, RFC 2473, RFC 4213).

use std::net::IpAddr;

use blixt_ebpf::layout::NODE_SELF;

use super::{
    Arrival, IPV4, IPV6, Model,
    bytes::{ETHERNET, put_word, word},
    flows::Entry,
    headers::{Header, ipv4, ipv6},
    reset::{class, header},
    verdict::Verdict,
};
use crate::{
    build::{self, IPIP},
    random::config::Way,
};

impl Model<'_> {
    /// Puts a packet inside one for its backend's node; false when there is none. A
    /// super-packet of BPF_PROG_TEST_RUN is of no kind that the kernel would do it with.
    pub fn enter_tunnel(
        &mut self,
        verdict: &mut Verdict,
        entry: &Entry,
        v6: bool,
        segment: u32,
    ) -> bool {
        let backend = &self.config.backends[entry.backend as usize];
        let Way::Tunnel(source, node) = backend.way else {
            self.drops.backend_gone += 1;
            return false;
        };
        if backend.epoch != entry.epoch {
            self.drops.backend_gone += 1;
            return false;
        }
        if segment != 0 {
            self.drops.rewrite_failed += 1;
            return false;
        }
        let frame = &verdict.frame;
        let length = if v6 {
            usize::from(word(frame, ETHERNET + 4).expect("a header")) + 40
        } else {
            word(frame, ETHERNET + 2).expect("a header").into()
        };
        // RFC 6040, section 4.3, compatibility mode: no congestion marks outside.
        let class = class(frame, ETHERNET, v6) & 0xfc;
        let protocol = if v6 { build::IPV6 } else { IPIP };
        let outer = header([source, node], protocol, class, length);
        let grown = outer.len();
        verdict.frame.splice(ETHERNET..ETHERNET, outer);
        put_word(
            &mut verdict.frame,
            12,
            if node.is_ipv4() { IPV4 } else { IPV6 },
        );
        for at in &mut verdict.sums {
            *at += grown;
        }
        true
    }

    /// Takes a packet out of the one that another node sent it in, if that is so.
    /// False when the kernel would not.
    pub fn leave_tunnel(&mut self, arrival: &mut Arrival) -> bool {
        let frame = &arrival.frame;
        let outer = match word(frame, 12) {
            // Ours have no options and are not cut.
            Some(IPV4) => {
                ipv4(frame, ETHERNET).filter(|ip| ip.length == 20 && ip.fragment & 0x3fff == 0)
            }
            Some(IPV6) => ipv6(frame, ETHERNET),
            _ => None,
        };
        let Some(outer) = outer else { return true };
        let at = ETHERNET + outer.length;
        let inner = match outer.next {
            IPIP => ipv4_in(frame, at),
            build::IPV6 => ipv6(frame, at),
            _ => None,
        };
        let Some(inner) = inner else { return true };
        let ours = !inner.is_mapped() && self.config.addresses.contains_key(&inner.destination);
        if !ours || !self.is_between_nodes(outer.source, outer.destination) {
            return true;
        }
        if arrival.segment != 0 {
            self.drops.rewrite_failed += 1;
            return false;
        }
        let kind = if inner.is_v6() { IPV6 } else { IPV4 };
        arrival.overhead = outer.length;
        arrival.frame.drain(ETHERNET..at);
        put_word(&mut arrival.frame, 12, kind);
        true
    }

    /// Whether a packet travels from another node to this one.
    pub fn is_between_nodes(&self, source: IpAddr, destination: IpAddr) -> bool {
        let is_self = |ip| {
            let node = self.config.nodes.get(&ip);
            node.map(|node| node.flags & NODE_SELF != 0)
        };
        is_self(source) == Some(false) && is_self(destination) == Some(true)
    }
}

/// Whose header is to be judged once it is out.
fn ipv4_in(frame: &[u8], at: usize) -> Option<Header> {
    let first = *frame.get(at)?;
    if first >> 4 != 4 {
        return None;
    }
    let mut copy = frame.to_vec();
    copy[at] = 0x45;
    ipv4(&copy, at)
}
