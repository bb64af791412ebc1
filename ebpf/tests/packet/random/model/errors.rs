// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors about packets of a flow (RFC 792, RFC 4443): translated like the
//! packet, only backwards (RFC 5508, section 4).

use std::net::{IpAddr, SocketAddr};

use blixt_ebpf::layout::DELIVERY_UNKNOWN;

use super::{
    Arrival, Model,
    bytes::{Delta, ETHERNET, byte, change_sum, put_word, word},
    flows::Entry,
    headers::{Header, Piece, ipv4, ipv6, transport},
    packet::{Packet, sum_in},
    send::{change_transport_sum, write_header},
    verdict::Verdict,
};
use crate::{
    build::{
        ICMP, ICMPV6, PARAMETER_PROBLEM, PARAMETER_PROBLEM_V6, TIME_EXCEEDED, TIME_EXCEEDED_V6,
        TOO_BIG_V6, UDP, UNREACHABLE, UNREACHABLE_V6,
    },
    random::case::Key,
};

/// An error, and the packet that it is about.
pub struct Report {
    pub outer: Header,
    pub icmp: usize,
    pub inner: Header,
    l4: usize,
    /// Of the packet that would answer the one inside.
    pub answer: Key,
}

impl Report {
    /// None of what is no such error, whole and about a packet that its receiver sent.
    pub fn read(frame: &[u8], v6: bool) -> Option<Self> {
        let (outer, kinds, protocol) = if v6 {
            let kinds = [
                UNREACHABLE_V6,
                TOO_BIG_V6,
                TIME_EXCEEDED_V6,
                PARAMETER_PROBLEM_V6,
            ];
            (ipv6(frame, ETHERNET)?, kinds, ICMPV6)
        } else {
            let kinds = [UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM, UNREACHABLE];
            (ipv4(frame, ETHERNET)?, kinds, ICMP)
        };
        let icmp = ETHERNET + outer.length;
        let message = frame.get(..outer.end())?;
        if outer.next != protocol
            || outer.fragment & !0x4000 != 0
            || !kinds.contains(&byte(message, icmp)?)
        {
            return None;
        }
        let at = icmp + 8;
        let inner = if v6 {
            ipv6(message, at)?
        } else {
            ipv4(message, at)?
        };
        let found = transport(message, &inner)?;
        if found.piece == Piece::Later || inner.source != outer.destination {
            return None;
        }
        let ports = [word(message, found.at)?, word(message, found.at + 2)?];
        let answer = (
            (inner.destination, ports[1]).into(),
            (inner.source, ports[0]).into(),
            found.protocol,
        );
        Some(Self {
            outer,
            icmp,
            inner,
            l4: found.at,
            answer,
        })
    }

    /// The packet that would answer the one inside, as far as anybody can say.
    fn answering(&self) -> Packet {
        let (source, destination, protocol) = self.answer;
        Packet {
            header: Header {
                source: source.ip(),
                destination: destination.ip(),
                ..self.outer.clone()
            },
            protocol,
            ports: [source.port(), destination.port()],
            l4: self.icmp,
            length: 0,
            flags: 0,
            piece: Piece::Whole,
            id: 0,
            malformed: false,
            overhead: 0,
            segment: 0,
        }
    }

    /// The error with the flow's address and port inside and outside, and with what
    /// becomes of its other end, `end`, where that changes.
    fn translated(
        &self,
        frame: Vec<u8>,
        entry: &Entry,
        end: Option<SocketAddr>,
    ) -> Option<Verdict> {
        let mut verdict = Verdict::redirected(frame);
        let v6 = self.outer.is_v6();
        let outer_end = self.outer.end();
        let [outer, inner] = [&self.outer, &self.inner].map(|ip| [ip.source, ip.destination]);
        // What the answer has as destination, the packet inside has as source.
        let written = usize::from(!entry.forward);
        let (mut outside, mut inside) = (outer, inner);
        if end.is_none() && entry.is_hairpin(&self.answer) {
            // Nobody but the pod itself has reason to complain.
            if self.outer.source != self.inner.destination {
                return None;
            }
            outside.swap(0, 1);
            inside.swap(0, 1);
        }
        let before = verdict.frame[self.icmp + 4..outer_end].to_vec();
        let mut delta = Delta::default();
        let ends = [(written, Some(entry.address)), (1 - written, end)];
        for (which, end) in ends {
            let Some(end) = end else { continue };
            inside[which] = end.ip();
            outside[1 - which] = end.ip();
            let port = self.l4 + 2 * which;
            let was = word(&verdict.frame, port).expect("it was read");
            delta.words(was, end.port());
            put_word(&mut verdict.frame, port, end.port());
        }
        change(&mut delta, inner, inside);
        let end = outer_end;
        let protocol = self.answer.2;
        let at = self.l4 + sum_in(protocol);
        // As much of the packet as there is: only ports are sure to be.
        if at + 2 <= end {
            change_transport_sum(&mut verdict.frame, at, protocol, delta);
            if protocol != UDP {
                verdict.sums.push(at);
            }
        }
        write_header(&mut verdict, self.inner.at, inside, None);
        let mut sum = Delta::default();
        difference(&mut sum, &before, &verdict.frame[self.icmp + 4..end]);
        if v6 {
            change(&mut sum, outer, outside);
        }
        change_sum(&mut verdict.frame, self.icmp + 2, sum);
        verdict.sums.push(self.icmp + 2);
        write_header(&mut verdict, ETHERNET, outside, Some(self.outer.ttl - 1));
        Some(verdict)
    }
}

fn change(delta: &mut Delta, before: [IpAddr; 2], after: [IpAddr; 2]) {
    for (before, after) in before.into_iter().zip(after) {
        delta.addresses(before, after);
    }
}

fn difference(delta: &mut Delta, before: &[u8], after: &[u8]) {
    let words = |bytes: &[u8]| -> Vec<u16> {
        let pairs = bytes.chunks(2);
        pairs
            .map(|pair| u16::from_be_bytes([pair[0], pair.get(1).copied().unwrap_or(0)]))
            .collect()
    };
    for (before, after) in words(before).into_iter().zip(words(after)) {
        delta.words(before, after);
    }
}

impl Model<'_> {
    pub fn error(&mut self, arrival: &Arrival) -> Option<Verdict> {
        let report = Report::read(&arrival.frame, arrival.is_v6())?;
        let key = report.answer;
        if self.flows.find(&key).is_none() {
            self.adopt(arrival, &report.answering())?;
        }
        if report.outer.ttl <= 1 {
            self.drops.ttl_exceeded += 1;
            return Some(Verdict::dropped());
        }
        if self.flows.find(&key)?.delivery == DELIVERY_UNKNOWN {
            self.resolve(key.0.ip(), key.1, &key);
        }
        let entry = self.flows.find(&key)?.clone();
        let end = self.flows.ends.get(&key).map(|end| end.address);
        let end = end.filter(|_| entry.snat);
        if entry.snat && end.is_none() {
            self.drops.rewrite_failed += 1;
            return Some(Verdict::dropped());
        }
        let Some(verdict) = report.translated(arrival.frame.clone(), &entry, end) else {
            self.drops.rewrite_failed += 1;
            return Some(Verdict::dropped());
        };
        Some(self.deliver(verdict, &entry, arrival.is_v6(), arrival.segment))
    }
}
