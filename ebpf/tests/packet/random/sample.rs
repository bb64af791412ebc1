// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets as they may come, mostly sound ones.

use std::net::{IpAddr, SocketAddr};

use super::{generator::Random, model::Defect};
use crate::{
    build::{
        ACK, DESTINATION_OPTIONS, Extension, FIN, Field, HOP_BY_HOP, MORE_FRAGMENTS, PSH, Packet,
        ROUTING, RST, SYN, Transport, identify,
    },
    checksum,
    harness::Ends,
};

/// What is wrong with the transport checksum when a packet arrives, and so must
/// be when it leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sum {
    Right,
    /// By this much, in one's complement.
    Off(u16),
    /// UDP over IPv4 without one.
    None,
}

#[derive(Debug)]
pub struct Sample {
    pub packet: Packet,
    pub ttl: u8,
    pub defect: Defect,
    pub sum: Sum,
    pub from_client: bool,
    pub client: Client,
    /// A client's packet comes by the other node, which may be where it goes on to.
    pub by_node: bool,
    /// Another node passes it on inside a packet between these.
    pub tunnel: Option<[IpAddr; 2]>,
}

/// Who the client of a flow is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Client {
    Outside,
    /// The pod that has the backend.
    Pod,
    Host,
}

/// Flags of TCP segments, the sensible ones more often.
const FLAGS: [u8; 14] = [
    SYN,
    SYN,
    SYN,
    ACK,
    ACK,
    ACK | PSH,
    SYN | ACK,
    FIN | ACK,
    FIN,
    RST,
    RST | ACK,
    SYN | FIN,
    0,
    0xff,
];

/// Few ports of clients, so that most packets belong to a flow and flows collide;
const USUAL_PORTS: usize = 12;
/// and for some packets many more, so that flows begin all the time.
const PORTS: usize = 20_000;

pub fn sample(random: &mut Random, services: &[Ends]) -> Sample {
    let mut ends = random.pick(services);
    let ports = if random.once_in(10) {
        PORTS
    } else {
        USUAL_PORTS
    };
    ends.client.set_port(40_000 + random.below(ports) as u16);
    let from_client = random.below(5) < 3;
    if !from_client && random.once_in(2) {
        ends = ends.second_backend();
    }
    let client = match random.below(8) {
        0 => Client::Pod,
        1 => Client::Host,
        _ => Client::Outside,
    };
    // The client as the backend sees it.
    let mut seen = ends.client;
    match client {
        Client::Outside => {}
        Client::Pod => {
            ends.client.set_ip(ends.backend.ip());
            seen.set_ip(ends.service.ip());
        }
        Client::Host => {
            ends.client.set_ip(ends.host());
            seen = ends.client;
        }
    }
    let (from, mut to) = if from_client {
        (ends.client, ends.service)
    } else {
        (ends.backend, seen)
    };
    if random.once_in(50) {
        to = SocketAddr::new(to.ip(), 4_444);
    }
    let packet = if ends.is_tcp() {
        tcp(random, from, to)
    } else {
        Packet::udp(from, to)
    };
    let length = if random.once_in(20) { 2_800 } else { 100 };
    let length = random.below(length);
    let ttl = if random.once_in(20) {
        random.below(3)
    } else {
        3 + random.below(253)
    } as u8;
    let mut packet = packet.payload(random.bytes(length)).ttl(ttl);
    if random.once_in(4) {
        packet = lengthened(random, packet);
    }
    if random.once_in(5) {
        packet = packet.trailer(random.bytes(10));
    }
    let defect = match random.below(50) {
        0..3 => Defect::FirstFragment,
        3..6 => Defect::LaterFragment,
        6 => Defect::Malformed,
        _ => Defect::None,
    };
    let sum = match random.below(10) {
        0 => Sum::Off(1 + random.below(0xfffe) as u16),
        1 if !ends.is_tcp() && from.is_ipv4() => Sum::None,
        _ => Sum::Right,
    };
    let outside = from_client && client == Client::Outside;
    Sample {
        packet: spoilt(random, packet, defect),
        ttl,
        defect,
        sum,
        from_client,
        client,
        by_node: outside && random.once_in(3),
        tunnel: (outside && random.once_in(6))
            .then(|| ends.beyond(random.once_in(2)).tunnel_here()),
    }
}

fn tcp(random: &mut Random, from: SocketAddr, to: SocketAddr) -> Packet {
    let words = random.below(11);
    let options = random.bytes(4 * words);
    Packet::tcp(from, to)
        .flags(random.pick(&FLAGS))
        .numbers(random.next() as u32, random.next() as u32)
        .with_tcp(|tcp| tcp.options = options)
}

/// With IPv4 options or IPv6 extension headers.
fn lengthened(random: &mut Random, packet: Packet) -> Packet {
    if packet.source().is_ipv4() {
        let words = 1 + random.below(10);
        let options = random.bytes(4 * words);
        return packet.ipv4(|ip| ip.options = options);
    }
    let mut extension = || {
        let kind = random.pick(&[HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING]);
        Extension::filled(kind, 1 + random.below(6) as u8)
    };
    let extensions = vec![extension(), extension()];
    packet.ipv6(|ip| ip.extensions = extensions)
}

fn spoilt(random: &mut Random, packet: Packet, defect: Defect) -> Packet {
    let v4 = packet.source().is_ipv4();
    match defect {
        Defect::None => packet,
        Defect::FirstFragment | Defect::LaterFragment => {
            let offset = match defect {
                Defect::FirstFragment => 0,
                _ => 1 + random.below(200) as u16,
            };
            let more = offset == 0 || random.once_in(2);
            let mut packet = if v4 {
                packet.ipv4(|ip| ip.fragment = offset | if more { MORE_FRAGMENTS } else { 0 })
            } else {
                packet.ipv6(|ip| ip.extensions.push(Extension::fragment(offset, more)))
            };
            // Few, so that later ones find a first.
            identify(&mut packet, random.below(2) as u16);
            if offset > 0 {
                packet.transport = Transport::Other(packet.protocol());
            }
            packet
        }
        Defect::Malformed if packet.transport.is_tcp() => {
            packet.with_tcp(|tcp| tcp.data_offset = Field::Exactly(random.below(5) as u16))
        }
        Defect::Malformed => {
            packet.with_udp(|udp| udp.length = Field::Exactly(random.below(8) as u16))
        }
    }
}

/// The frame of a packet inside another, which has its bytes as they are.
pub fn around(packet: &Packet, frame: &[u8], [source, destination]: [IpAddr; 2]) -> Vec<u8> {
    let mut outer = packet.clone().inside(source, destination).bytes();
    let at = packet.network_at();
    let header = outer.len() - frame.len();
    outer[at + header..].copy_from_slice(&frame[at..]);
    outer
}

/// The frame with its transport checksum as wrong as `sum` says. Nothing where
/// that comes out as one of one's complement's two zeros, which are the same
/// number but not the same bits.
pub fn frame(packet: &Packet, sum: Sum) -> Option<Vec<u8>> {
    let mut frame = packet.bytes();
    if matches!(packet.transport, Transport::Other(_)) {
        return Some(frame);
    }
    let at = packet.transport_at() + if packet.transport.is_tcp() { 16 } else { 6 };
    let right = u16::from_be_bytes([frame[at], frame[at + 1]]);
    let field = match sum {
        Sum::Right => right,
        Sum::Off(error) => checksum::add(right, error),
        Sum::None => 0,
    };
    if matches!(sum, Sum::Off(_)) && matches!(field, 0 | 0xffff) {
        return None;
    }
    frame[at..at + 2].copy_from_slice(&field.to_be_bytes());
    Some(frame)
}
