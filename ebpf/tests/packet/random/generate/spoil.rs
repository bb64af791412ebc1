// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Frames that are not what they say.

use crate::random::{case::Frame, model::Model, rng::Random, world::PLACES};

/// Shortest frame that there is.
const LEAST: usize = 14;
/// Where headers are, mostly.
const HEADERS: usize = 78;

/// Where headers end, or parts of them that are read at once: ports, a type and its sum.
const ENDS: [usize; 14] = [20, 24, 34, 36, 38, 42, 54, 56, 58, 62, 70, 74, 82, 86];

/// Damages a frame a little.
pub fn spoil(random: &mut Random, bytes: &mut Vec<u8>) {
    let near = bytes.len().min(HEADERS);
    // What stands after the Ethernet header decides more.
    let at = if near > 14 && !random.once_in(8) {
        14 + random.below(near - 14)
    } else {
        random.below(near)
    };
    match random.below(9) {
        0 => bytes[at] = random.next() as u8,
        8 => {
            let end = random.pick(&ENDS) + random.below(3) - 1;
            bytes.truncate(end);
        }
        1 => bytes.truncate(LEAST.max(at)),
        2 => {
            let end = LEAST + random.below(bytes.len() - LEAST + 1);
            bytes.truncate(end);
        }
        3 => lie_of_length(random, bytes),
        4 => {
            let more = random.below(30);
            bytes.extend(random.bytes(more));
        }
        5 => bytes[at] = random.pick(&[0, 1, 0x7f, 0x80, 0xff]),
        6 => {
            // A header's first byte: version and length.
            if bytes.len() > 14 {
                bytes[14] = random.pick(&[0x45, 0x46, 0x4f, 0x44, 0x40, 0x60, 0x65, 0x05]);
            }
        }
        _ => bytes[at] ^= 1 << random.below(8),
    }
}

/// The length field of either family, a little or very wrong.
fn lie_of_length(random: &mut Random, bytes: &mut [u8]) {
    let at = if bytes.get(12) == Some(&0x86) { 18 } else { 16 };
    let Some(field) = bytes.get_mut(at..at + 2) else {
        return;
    };
    let said = u16::from_be_bytes([field[0], field[1]]);
    let lie = match random.below(3) {
        0 => said.wrapping_add(1 + random.below(8) as u16),
        1 => said.wrapping_sub(1 + random.below(24) as u16),
        _ => random.next() as u16,
    };
    field.copy_from_slice(&lie.to_be_bytes());
}

/// No header at all, but the kind that an Ethernet header has.
pub fn noise(random: &mut Random, model: &Model) -> Frame {
    let at = random.pick(&PLACES);
    let port = model.world.port(at);
    let length = random.below(120);
    let mut bytes = [port.mac.0, port.neighbour.0].concat();
    let kind = random.pick(&[
        0x0800, 0x0800, 0x86dd, 0x86dd, 0x0806, 0x8100, 0x88a8, 0x0005,
    ]);
    bytes.extend(u16::to_be_bytes(kind));
    bytes.extend(random.bytes(length));
    if kind == 0x0800 && length > 10 {
        bytes[14] = 0x45;
        bytes[23] = random.pick(&[1, 4, 6, 17, 41]);
    } else if kind == 0x86dd && length > 10 {
        bytes[14] = 0x60;
        bytes[20] = random.pick(&[0, 4, 6, 17, 41, 43, 44, 58, 60]);
    }
    Frame {
        at,
        bytes,
        segment: 0,
    }
}
