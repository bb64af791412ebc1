// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP, ARP and neighbour discovery.

use std::net::IpAddr;

use super::{
    ends::{self, Ends, stranger, tunnel},
    frame::{Soundness, with_sum},
    options::lengthened,
    spoil,
};
use crate::{
    build::{
        Arp, ECHO_REPLY, ECHO_REQUEST, ECHO_REQUEST_V6, Field, Icmp, MORE_FRAGMENTS, Mac,
        NEIGHBOUR_SOLICITATION, PARAMETER_PROBLEM, PARAMETER_PROBLEM_V6, Packet, REDIRECT, TCP,
        TIME_EXCEEDED, TIME_EXCEEDED_V6, TOO_BIG_V6, UNREACHABLE, UNREACHABLE_V6, fragments,
    },
    random::{
        case::Frame,
        config::{another, other_node, service, this_node},
        model::Model,
        rng::Random,
        world::{Place, host},
    },
};

/// The first address of services of that family.
fn announced(v6: bool) -> IpAddr {
    service(if v6 { 4 } else { 0 }).0.ip()
}

/// An address that traffic is taken for, or was.
fn address(random: &mut Random, model: &Model, v6: bool) -> IpAddr {
    let other = another(v6);
    if model.config.addresses.contains_key(&other) && random.once_in(2) {
        return other;
    }
    announced(v6)
}

/// A ping.
pub fn echo(random: &mut Random, model: &Model, focus: usize) -> (Ends, Packet) {
    let mut ends = ends::of_client(random, focus);
    if random.once_in(3) {
        let v6 = ends.key.1.is_ipv6();
        ends.key.1.set_ip(address(random, model, v6));
    }
    let (from, to, _) = ends.key;
    let v6 = from.is_ipv6();
    let kind = match (v6, random.below(6)) {
        (_, 0) => ECHO_REPLY,
        (true, _) => ECHO_REQUEST_V6,
        (false, _) => ECHO_REQUEST,
    };
    let mut icmp = Icmp::new(kind);
    icmp.code = u8::from(random.once_in(20));
    icmp.rest = [0, 7, 0, 1];
    let length = random.below(60);
    let mut packet = Packet::icmp(from.ip(), to.ip(), icmp).payload(random.bytes(length));
    if random.once_in(3) {
        // Of a traceroute.
        packet = packet.ttl(random.below(4) as u8);
    }
    if random.once_in(8) {
        packet = lengthened(random, packet);
    } else if !v6 && random.once_in(8) {
        packet = packet.ipv4(|ip| ip.fragment = MORE_FRAGMENTS);
    }
    (ends, packet)
}

/// A complaint about a packet of a flow.
pub fn error(random: &mut Random, model: &Model, focus: usize) -> (Ends, Packet) {
    let ends = match ends::of_flow(random, model) {
        Some(ends) if !random.once_in(20) => ends,
        _ => ends::of_client(random, focus),
    };
    let (answering, answered, protocol) = ends.key;
    let v6 = answered.is_ipv6();
    let about = if protocol == TCP {
        Packet::tcp(answered, answering)
    } else {
        Packet::udp(answered, answering)
    };
    let length = random.below(40);
    let mut about = about.payload(random.bytes(length));
    if random.once_in(6) {
        let sum = random.pick(&[0, 0xffff]);
        about = with_sum(about, Field::Exactly(sum));
    }
    if random.once_in(6) {
        about = lengthened(random, about);
    }
    if random.once_in(12) {
        let last = fragments(&about.payload([7; 24]), &[8]);
        about = random.pick(&last);
    }
    let frame = about.bytes();
    let embedded = &frame[about.network_at()..];
    let header = about.transport_at() - about.network_at();
    let quoted = header + random.pick(&[2, 4, 6, 8, 8, 8, 12, 16, 17, 18, 20, 300]);
    let kinds: [u8; 6] = if v6 {
        [
            TOO_BIG_V6,
            UNREACHABLE_V6,
            TIME_EXCEEDED_V6,
            PARAMETER_PROBLEM_V6,
            TOO_BIG_V6,
            135,
        ]
    } else {
        [
            UNREACHABLE,
            UNREACHABLE,
            TIME_EXCEEDED,
            PARAMETER_PROBLEM,
            REDIRECT,
            UNREACHABLE,
        ]
    };
    let mut icmp = Icmp::new(random.pick(&kinds));
    icmp.code = random.below(5) as u8;
    icmp.rest = [0, 0, 5, random.next() as u8];
    let from = match random.below(4) {
        0 => stranger(v6),
        1 => other_node(v6, false),
        _ => answering.ip(),
    };
    let ttl = if random.once_in(20) { 1 } else { 64 };
    let mut packet = Packet::icmp(from, answered.ip(), icmp)
        .payload(&embedded[..quoted.min(embedded.len())])
        .ttl(ttl);
    if !v6 && random.once_in(10) {
        packet = lengthened(random, packet);
    }
    (ends, packet)
}

/// What a router says of a packet around another, mostly one of this node.
pub fn path_error(random: &mut Random) -> (Ends, Packet) {
    let [node, here] = tunnel(random);
    let v6 = here.is_ipv6();
    let mut icmp = Icmp::new(if v6 { TOO_BIG_V6 } else { UNREACHABLE });
    icmp.code = if v6 || random.once_in(8) { 0 } else { 4 };
    let mtu = random.pick(&[
        0, 68, 551, 552, 553, 576, 1_279, 1_280, 1_281, 1_400, 1_480, 1_499, 1_500, 9_000_u16,
    ]);
    icmp.rest[2..].copy_from_slice(&mtu.to_be_bytes());
    icmp.rest[1] = u8::from(random.once_in(20));
    let inside = announced(v6 != random.once_in(3));
    let inner = Packet::udp((inside, 1).into(), (inside, 2).into());
    let about = inner.inside(here, node);
    let frame = about.bytes();
    let quoted = random.pick(&[20, 28, 40, 48, 68]);
    let embedded = &frame[about.network_at()..];
    let packet =
        Packet::icmp(stranger(v6), here, icmp).payload(&embedded[..quoted.min(embedded.len())]);
    let ends = Ends {
        key: ((stranger(v6), 0).into(), (here, 0).into(), 1),
        at: Place::Node,
        by_host: false,
    };
    (ends, packet)
}

/// Who has an address?
pub fn question(random: &mut Random, model: &Model, soundness: Soundness) -> Frame {
    let at = match random.below(4) {
        0 => Place::Node,
        1 => Place::Pod,
        _ => Place::Out,
    };
    let port = model.world.port(at);
    let v6 = random.once_in(2);
    let target = match random.below(5) {
        0 => host(v6),
        1 => stranger(v6),
        _ => address(random, model, v6),
    };
    let mut bytes = if v6 {
        solicitation(random, port.neighbour, target)
    } else {
        arp(random, port.neighbour, target)
    };
    if soundness == Soundness::Any && random.once_in(4) {
        spoil::spoil(random, &mut bytes);
    }
    Frame {
        at,
        bytes,
        segment: 0,
    }
}

fn arp(random: &mut Random, from: Mac, target: IpAddr) -> Vec<u8> {
    let (IpAddr::V4(target), IpAddr::V4(sender)) = (target, asker(random, false, target)) else {
        unreachable!("both are IPv4")
    };
    let mut arp = Arp::request(from, sender, target);
    arp.operation = if random.once_in(8) { 2 } else { 1 };
    let mut frame = arp.bytes();
    frame.resize(frame.len() + random.below(19), 0);
    frame
}

fn solicitation(random: &mut Random, from: Mac, target: IpAddr) -> Vec<u8> {
    let IpAddr::V6(asked) = target else {
        unreachable!("it is IPv6")
    };
    let sender = asker(random, true, target);
    let to = Mac([0x33, 0x33, 0xff, 0, 0, 0x10]);
    let mut icmp = Icmp::new(NEIGHBOUR_SOLICITATION);
    icmp.code = u8::from(random.once_in(30));
    let mut body = asked.octets().to_vec();
    body.extend([1, 1]);
    body.extend(from.0);
    let hops = if random.once_in(8) { 64 } else { 255 };
    let group = "ff02::1:ff00:10".parse().expect("an address");
    let packet = Packet::icmp(sender, group, icmp).payload(body).ttl(hops);
    packet.macs(from, to).bytes()
}

/// Who asks: a neighbour, somebody without an address yet, or who has the target.
fn asker(random: &mut Random, v6: bool, target: IpAddr) -> IpAddr {
    let nobody: IpAddr = if v6 {
        [0_u16; 8].into()
    } else {
        [0_u8; 4].into()
    };
    match random.below(6) {
        0 if v6 && random.once_in(2) => hardly(random),
        0 => nobody,
        1 => target,
        2 => this_node(v6),
        _ => host(v6),
    }
}

/// An address that is not all zeros by one byte.
fn hardly(random: &mut Random) -> IpAddr {
    let mut bytes = [0_u8; 16];
    bytes[random.below(16)] = 1;
    bytes.into()
}
