// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Which bytes of a frame are which header field, read from the bytes alone,
//! for the reports of [`crate::diff`].

use std::ops::Range;

use crate::build::{DESTINATION_OPTIONS, FRAGMENT, HOP_BY_HOP, ICMP, ICMPV6, ROUTING, TCP, UDP};

/// A named part of a frame. Ranges of one frame follow each other without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    pub range: Range<usize>,
}

const ETHERNET: &[(&str, usize)] = &[("destination MAC", 6), ("source MAC", 6)];
const IPV4: &[(&str, usize)] = &[
    ("version and header length", 1),
    ("type of service", 1),
    ("total length", 2),
    ("identification", 2),
    ("flags and fragment offset", 2),
    ("TTL", 1),
    ("protocol", 1),
    ("header checksum", 2),
    ("source address", 4),
    ("destination address", 4),
];
const IPV6: &[(&str, usize)] = &[
    ("version, class and flow label", 4),
    ("payload length", 2),
    ("next header", 1),
    ("hop limit", 1),
    ("source address", 16),
    ("destination address", 16),
];
const TCP_HEADER: &[(&str, usize)] = &[
    ("source port", 2),
    ("destination port", 2),
    ("sequence number", 4),
    ("acknowledgement number", 4),
    ("data offset", 1),
    ("flags", 1),
    ("window", 2),
    ("checksum", 2),
    ("urgent pointer", 2),
];
const UDP_HEADER: &[(&str, usize)] = &[
    ("source port", 2),
    ("destination port", 2),
    ("length", 2),
    ("checksum", 2),
];
const ICMP_HEADER: &[(&str, usize)] = &[
    ("type", 1),
    ("code", 1),
    ("checksum", 2),
    ("rest of header", 4),
];

struct Cursor<'a> {
    frame: &'a [u8],
    at: usize,
    parts: Vec<Part>,
}

impl Cursor<'_> {
    /// Names the next `length` bytes, or as many as there are.
    fn take(&mut self, name: impl Into<String>, length: usize) {
        let end = (self.at + length).min(self.frame.len());
        if end > self.at {
            self.parts.push(Part {
                name: name.into(),
                range: self.at..end,
            });
            self.at = end;
        }
    }

    fn header(&mut self, protocol: &str, fields: &[(&str, usize)]) {
        for (name, length) in fields {
            self.take(format!("{protocol} {name}"), *length);
        }
    }

    /// The byte `offset` ahead; 0 past the end.
    fn peek(&self, offset: usize) -> u8 {
        self.frame.get(self.at + offset).copied().unwrap_or(0)
    }

    fn peek_u16(&self, offset: usize) -> u16 {
        u16::from_be_bytes([self.peek(offset), self.peek(offset + 1)])
    }
}

/// The parts of `frame`. What it cannot name it calls payload.
pub fn dissect(frame: &[u8]) -> Vec<Part> {
    let mut cursor = Cursor {
        frame,
        at: 0,
        parts: Vec::new(),
    };
    cursor.header("Ethernet", ETHERNET);
    while matches!(cursor.peek_u16(0), 0x8100 | 0x88a8) {
        cursor.take("VLAN tag", 4);
    }
    let ethertype = cursor.peek_u16(0);
    cursor.take("EtherType", 2);
    let protocol = match ethertype {
        0x0800 => ipv4(&mut cursor),
        0x86dd => ipv6(&mut cursor),
        _ => None,
    };
    match protocol {
        Some(TCP) => {
            let options = usize::from(cursor.peek(12) >> 4) * 4;
            cursor.header("TCP", TCP_HEADER);
            cursor.take("TCP options", options.saturating_sub(20));
        }
        Some(UDP) => cursor.header("UDP", UDP_HEADER),
        Some(ICMP) => cursor.header("ICMP", ICMP_HEADER),
        Some(ICMPV6) => cursor.header("ICMPv6", ICMP_HEADER),
        _ => {}
    }
    cursor.take("payload", usize::MAX - cursor.at);
    cursor.parts
}

/// The protocol behind the header, unless a later fragment hides it.
fn ipv4(cursor: &mut Cursor<'_>) -> Option<u8> {
    let options = usize::from(cursor.peek(0) & 0x0f) * 4;
    let protocol = cursor.peek(9);
    let first = cursor.peek_u16(6) & 0x1fff == 0;
    cursor.header("IPv4", IPV4);
    cursor.take("IPv4 options", options.saturating_sub(20));
    first.then_some(protocol)
}

fn ipv6(cursor: &mut Cursor<'_>) -> Option<u8> {
    let mut next = cursor.peek(6);
    let mut first = true;
    cursor.header("IPv6", IPV6);
    while let HOP_BY_HOP | ROUTING | FRAGMENT | DESTINATION_OPTIONS = next {
        let units = if next == FRAGMENT {
            0
        } else {
            usize::from(cursor.peek(1))
        };
        first &= next != FRAGMENT || cursor.peek_u16(2) & 0xfff8 == 0;
        if cursor.at == cursor.frame.len() {
            return None;
        }
        let kind = next;
        next = cursor.peek(0);
        cursor.take(format!("IPv6 extension header {kind}"), (units + 1) * 8);
    }
    first.then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Extension, Packet, Tag};

    fn name_at(frame: &[u8], offset: usize) -> String {
        let part = dissect(frame)
            .into_iter()
            .find(|part| part.range.contains(&offset));
        part.expect("the parts cover the frame").name
    }

    fn tcp() -> Packet {
        Packet::tcp(
            "192.0.2.1:1".parse().unwrap(),
            "192.0.2.2:2".parse().unwrap(),
        )
        .payload("payload")
    }

    fn udp6() -> Packet {
        Packet::udp(
            "[2001:db8::1]:1".parse().unwrap(),
            "[2001:db8::2]:2".parse().unwrap(),
        )
    }

    #[test]
    fn dissect_covers_every_byte_once_whatever_the_frame() {
        let whole = tcp().bytes();
        let extended = udp6()
            .ipv6(|ip| ip.extensions.push(Extension::filled(HOP_BY_HOP, 2)))
            .bytes();
        for frame in [whole, extended, vec![0xff; 40]] {
            for length in 0..=frame.len() {
                let parts = dissect(&frame[..length]);
                let end = parts.iter().fold(0, |at, part| {
                    assert_eq!(part.range.start, at);
                    part.range.end
                });
                assert_eq!(end, length);
            }
        }
    }

    #[test]
    fn dissect_names_the_fields_of_tcp_over_ipv4_with_options() {
        let packet = tcp()
            .ipv4(|ip| ip.options = vec![1; 8])
            .with_tcp(|tcp| tcp.options = vec![1; 4]);
        let frame = packet.bytes();
        assert_eq!(packet.transport_at(), 42);
        assert_eq!(name_at(&frame, 0), "Ethernet destination MAC");
        assert_eq!(name_at(&frame, 22), "IPv4 TTL");
        assert_eq!(name_at(&frame, 24), "IPv4 header checksum");
        assert_eq!(name_at(&frame, 34), "IPv4 options");
        assert_eq!(name_at(&frame, 44), "TCP destination port");
        assert_eq!(name_at(&frame, 58), "TCP checksum");
        assert_eq!(name_at(&frame, 62), "TCP options");
        assert_eq!(name_at(&frame, 66), "payload");
    }

    #[test]
    fn dissect_walks_tags_and_extension_headers() {
        let packet = udp6()
            .tagged(Tag {
                protocol: 0x8100,
                control: 7,
            })
            .ipv6(|ip| {
                ip.extensions = vec![
                    Extension::filled(HOP_BY_HOP, 1),
                    Extension::filled(ROUTING, 3),
                ]
            });
        let frame = packet.bytes();
        assert_eq!(name_at(&frame, 12), "VLAN tag");
        assert_eq!(name_at(&frame, 16), "EtherType");
        assert_eq!(name_at(&frame, 18 + 40), "IPv6 extension header 0");
        assert_eq!(name_at(&frame, 18 + 48), "IPv6 extension header 43");
        assert_eq!(packet.transport_at(), 18 + 40 + 8 + 24);
        assert_eq!(name_at(&frame, packet.transport_at()), "UDP source port");
    }

    #[test]
    fn dissect_sees_no_ports_in_a_later_fragment() {
        let packet = tcp().ipv4(|ip| ip.fragment = 185);
        assert_eq!(name_at(&packet.bytes(), packet.transport_at()), "payload");
        let packet = udp6().ipv6(|ip| ip.extensions = vec![Extension::fragment(185, true)]);
        assert_eq!(name_at(&packet.bytes(), packet.transport_at()), "payload");
    }
}
