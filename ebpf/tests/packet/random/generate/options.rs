// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! IP options, extension headers, TCP options: sensible ones and others.

use crate::{
    build::{DESTINATION_OPTIONS, Extension, HOP_BY_HOP, Packet, ROUTING},
    random::rng::Random,
};

/// With IPv4 options or IPv6 extension headers.
pub fn lengthened(random: &mut Random, packet: Packet) -> Packet {
    if packet.source().is_ipv4() {
        let words = 1 + random.below(10);
        let options = random.bytes(4 * words);
        return packet.ipv4(|ip| ip.options = options);
    }
    let most = if random.once_in(4) { 7 } else { 2 };
    let count = 1 + random.below(most);
    let mut extensions: Vec<Extension> = Vec::new();
    for _ in 0..count {
        let kind = random.pick(&[HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING]);
        let units = if random.once_in(20) {
            100
        } else {
            1 + random.below(3)
        };
        extensions.push(Extension::filled(kind, units as u8));
    }
    if random.once_in(6) {
        // Neither an offset nor more to come.
        extensions.push(Extension::fragment(0, false));
    }
    packet.ipv6(|ip| ip.extensions = extensions)
}

/// TCP options that announce segments of about so many bytes, behind others.
pub fn announcing(random: &mut Random, most: u16) -> Vec<u8> {
    let mut options = Vec::new();
    for _ in 0..random.below(7) {
        match random.below(4) {
            0 => options.extend([8, 4, 7, 7]),
            1 => options.extend([3, 3, 7]),
            // Of a kind that nobody knows, or that is the end.
            2 => options.push(random.below(3) as u8),
            _ => options.push(1),
        }
    }
    options.extend([2, 4]);
    options.extend((most + 2 - random.below(5) as u16).to_be_bytes());
    let length = options.len().next_multiple_of(4).min(40);
    options.resize(length, if random.once_in(2) { 1 } else { 0 });
    options
}

/// TCP options in whole words.
pub fn tcp(random: &mut Random) -> Vec<u8> {
    let mut options = Vec::new();
    match random.below(6) {
        0 => {
            let words = random.below(11);
            return random.bytes(4 * words);
        }
        1..4 => return options,
        _ => {}
    }
    for _ in 0..random.below(7) {
        match random.below(5) {
            0 => options.push(1),
            1 => options.extend([8, 4, 7, 7]),
            2 => options.extend([3, 3, 7]),
            3 => options.push(random.next() as u8 % 12),
            _ => {
                options.extend([2, 4]);
                options.extend((1_300 + random.below(300) as u16).to_be_bytes());
            }
        }
    }
    let length = options.len().next_multiple_of(4).min(40);
    options.resize(length, if random.once_in(2) { 1 } else { 0 });
    options
}
