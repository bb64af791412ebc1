// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A frame of any kind.

use super::{
    control,
    ends::{self, Ends, tunnel},
    options::lengthened,
    spoil,
};
use crate::{
    build::{
        ACK, Extension, FIN, Field, MORE_FRAGMENTS, Mac, PSH, Packet, RST, SYN, TCP, Transport,
        identify,
    },
    random::{
        case::Frame,
        model::Model,
        rng::Random,
        world::{PLACES, Place},
    },
};

/// Flags of TCP segments, the sensible ones more often.
const FLAGS: [u8; 20] = [
    SYN,
    SYN,
    SYN,
    SYN | ACK,
    SYN | ACK,
    ACK,
    ACK,
    ACK,
    ACK | PSH,
    ACK | PSH,
    ACK | PSH,
    FIN | ACK,
    FIN | ACK,
    FIN,
    RST,
    RST | ACK,
    SYN | FIN,
    SYN | RST,
    0,
    0xff,
];

pub fn frame(random: &mut Random, model: &Model, focus: usize) -> Frame {
    if random.once_in(60) {
        return spoil::noise(random, model);
    }
    if random.once_in(24) {
        return control::question(random, model, Soundness::Any);
    }
    let (ends, packet) = packet(random, model, focus);
    framed(random, model, ends, packet, Soundness::Any)
}

/// One that the host may send: a sound one.
pub fn of_host(random: &mut Random, model: &Model, focus: usize) -> Option<Frame> {
    if random.once_in(12) {
        return Some(control::question(random, model, Soundness::Sound));
    }
    let (ends, packet) = match random.below(4) {
        0 => control::error(random, model, focus),
        1 => control::echo(random, model, focus),
        _ => packet(random, model, focus),
    };
    let frame = framed(random, model, ends, packet, Soundness::Sound);
    // What it sends to itself does not meet the program that looks at what leaves.
    (frame.bytes.len() < LONGEST && frame.at != Place::Lo).then_some(frame)
}

/// Whether frames may be damaged.
#[derive(Clone, Copy, PartialEq)]
pub enum Soundness {
    Sound,
    Any,
}

/// Of those that the host sends: its headers are never so long that nobody looks
/// behind them.
const LONGEST: usize = 1_000;

fn packet(random: &mut Random, model: &Model, focus: usize) -> (Ends, Packet) {
    match random.below(23) {
        0 | 1 => control::echo(random, model, focus),
        2..5 => control::error(random, model, focus),
        5 => control::path_error(random),
        6..13 => {
            let ends = ends::of_client(random, focus);
            transport(random, model, ends)
        }
        13 => {
            let ends = ends::of_backend(random, focus);
            transport(random, model, ends)
        }
        _ => {
            let rival = match random.once_in(12) {
                true => ends::of_rival(random, model),
                false => None,
            };
            let ends = match rival.or_else(|| ends::of_flow(random, model)) {
                Some(ends) => ends,
                None => ends::of_client(random, focus),
            };
            transport(random, model, ends)
        }
    }
}

/// The packet in a frame at the ends' interface, sound or spoilt.
fn framed(
    random: &mut Random,
    model: &Model,
    ends: Ends,
    packet: Packet,
    soundness: Soundness,
) -> Frame {
    let port = model.world.port(ends.at);
    let (mut from, mut to) = (port.neighbour, port.mac);
    if ends.by_host != random.once_in(50) {
        from = to;
    }
    match random.below(200) {
        0 => to = Mac([0xff; 6]),
        1 => to = Mac([0x33, 0x33, 0, 0, 0, 1]),
        2 => to = Mac([2, 9, 9, 9, 9, 9]),
        3 | 4 => to = nearly(random, to),
        5..8 => from = nearly(random, to),
        _ => {}
    }
    let mut packet = named(random, packet.macs(from, to));
    if random.once_in(6) {
        let length = random.below(12);
        packet = packet.trailer(random.bytes(length));
    }
    let mut segment = 0;
    if random.once_in(40) {
        segment = 100 + random.below(1_500) as u32;
        if random.once_in(2) {
            // About as long as a link takes.
            segment =
                random.pick(&[1_432, 1_440, 1_452, 1_460, 1_472]) + random.below(3) as u32 - 1;
            let length = 1_400 + random.below(400);
            packet = packet.payload(random.bytes(length));
        }
    }
    let mut bytes = if random.once_in(9) {
        let [from, to] = tunnel(random);
        packet.inside(from, to).bytes()
    } else {
        packet.bytes()
    };
    // The kernel makes super-packets itself.
    if soundness == Soundness::Any && segment == 0 && random.once_in(6) {
        spoil::spoil(random, &mut bytes);
    }
    let at = if random.once_in(60) {
        random.pick(&PLACES)
    } else {
        ends.at
    };
    Frame { at, bytes, segment }
}

/// An address that differs in one bit.
fn nearly(random: &mut Random, Mac(mut bytes): Mac) -> Mac {
    // The last one of the first byte is that of groups.
    bytes[random.below(6)] ^= 2 << random.below(7);
    Mac(bytes)
}

/// Bytes of payload with which a packet is about as long as its flow's way takes.
fn near_limit(random: &mut Random, model: &Model, ends: &Ends) -> Option<usize> {
    let (source, _, protocol) = ends.key;
    let entry = model.flows.find(&ends.key)?;
    let headers = if source.is_ipv4() { 20 } else { 40 } + if protocol == TCP { 20 } else { 8 };
    let most = usize::from(entry.mtu);
    let near = (500..=1_500).contains(&most) && random.once_in(12);
    near.then(|| most + 2 - random.below(5) - headers)
}

fn transport(random: &mut Random, model: &Model, ends: Ends) -> (Ends, Packet) {
    let (from, to, protocol) = ends.key;
    let packet = if protocol == TCP {
        tcp(random, model, &ends)
    } else {
        Packet::udp(from, to)
    };
    let most = match random.below(30) {
        0 => 1_700,
        1..6 => 200,
        _ => 24,
    };
    let length = near_limit(random, model, &ends).unwrap_or_else(|| random.below(most));
    let mut packet = packet.payload(random.bytes(length)).ttl(ttl(random));
    let waiting = model.flows.pending.get(&ends.key);
    if waiting.is_some_and(|waiting| waiting.entry.is_remote(&ends.key)) && random.once_in(4) {
        // It comes back from where it was sent.
        packet = packet.ttl(63);
    }
    if random.once_in(6) {
        packet = lengthened(random, packet);
    }
    match random.below(14) {
        0 => packet = fragment(random, packet, 0),
        1 => {
            let offset = 1 + random.below(200) as u16;
            packet = fragment(random, packet, offset);
        }
        2 => packet = wrong_sum(random, packet),
        4 => packet = edgy_sum(random, model, packet, &ends),
        3 => packet = classed(random, packet),
        _ => {}
    }
    (ends, packet)
}

fn ttl(random: &mut Random) -> u8 {
    match random.below(30) {
        0 => random.below(3) as u8,
        1 => 255,
        // Of one that has been at another node.
        2..5 => 63,
        _ => 64,
    }
}

fn tcp(random: &mut Random, model: &Model, ends: &Ends) -> Packet {
    let (from, to, _) = ends.key;
    let mut flags = random.pick(&FLAGS);
    if let Some(waiting) = model.flows.pending.get(&ends.key)
        && !random.once_in(3)
    {
        // What comes next in a handshake, or what a client says that has forgotten it.
        flags = match (waiting.entry.forward, random.once_in(8)) {
            (true, true) => RST | ACK,
            (true, false) => ACK,
            (false, _) => SYN | ACK,
        };
    }
    let mut numbers = [random.next() as u32, random.next() as u32];
    if let Some(pending) = model.flows.pending.get(&ends.key)
        && pending.answered
        && !random.once_in(4)
    {
        // What completes the handshake, or nearly so.
        let off = u32::from(random.once_in(8));
        numbers[1] = pending.acknowledgement.wrapping_add(off);
    }
    let [sequence, acknowledgement] = numbers;
    let limit = model.flows.find(&ends.key).map_or(0, |entry| entry.mss);
    let options = if limit != 0 && !random.once_in(3) {
        super::options::announcing(random, limit)
    } else {
        super::options::tcp(random)
    };
    Packet::tcp(from, to)
        .flags(flags)
        .numbers(sequence, acknowledgement)
        .with_tcp(|tcp| tcp.options = options)
}

/// The piece of it at that offset, in units of 8 bytes.
fn fragment(random: &mut Random, packet: Packet, offset: u16) -> Packet {
    let more = offset == 0 || random.once_in(2);
    let v4 = packet.source().is_ipv4();
    let mut packet = if v4 {
        packet.ipv4(|ip| ip.fragment = offset | if more { MORE_FRAGMENTS } else { 0 })
    } else {
        let header = Extension::fragment(offset, more);
        packet.ipv6(|ip| ip.extensions.push(header))
    };
    // Few, so that later ones find a first.
    identify(&mut packet, random.below(2) as u16);
    if offset > 0 {
        packet.transport = Transport::Other(packet.protocol());
    }
    packet
}

/// Wrong, or left out, or what is there until a device makes it.
fn wrong_sum(random: &mut Random, packet: Packet) -> Packet {
    let field = Field::Exactly(match random.below(3) {
        0 => 0,
        1 => 0xffff,
        _ => random.next() as u16,
    });
    with_sum(packet, field)
}

/// With a checksum that is nearly zero once the packet is rewritten, where sums carry
/// and UDP's zero means that there is none.
fn edgy_sum(random: &mut Random, model: &Model, packet: Packet, ends: &Ends) -> Packet {
    let Some(change) = model.change_of_sum(&ends.key) else {
        return packet;
    };
    let sum = (u32::from(change) + 0xffff + 2 - random.below(6) as u32) % 0xffff;
    with_sum(packet, Field::Exactly(sum as u16))
}

pub fn with_sum(packet: Packet, field: Field) -> Packet {
    match &packet.transport {
        Transport::Tcp(_) => packet.with_tcp(|tcp| tcp.checksum = field),
        _ => packet.with_udp(|udp| udp.checksum = field),
    }
}

/// With what others may call it: an identification, a flow label. That of fragments is
/// theirs.
fn named(random: &mut Random, packet: Packet) -> Packet {
    let name = random.next() as u16;
    if !packet.source().is_ipv4() {
        return packet.ipv6(|ip| ip.flow_label = name.into());
    }
    packet.ipv4(|ip| {
        if ip.fragment == 0 {
            ip.identification = name;
        }
    })
}

fn classed(random: &mut Random, packet: Packet) -> Packet {
    let class = random.next() as u8;
    if packet.source().is_ipv4() {
        packet.ipv4(|ip| ip.tos = class)
    } else {
        packet.ipv6(|ip| ip.traffic_class = class)
    }
}
