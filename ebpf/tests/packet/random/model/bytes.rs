// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Numbers in a frame, and writing over its parts in such a way that a checksum
//! stays as right, or as wrong, as it was (RFC 1624).

use std::net::IpAddr;

/// Bytes of the Ethernet header.
pub const ETHERNET: usize = 14;

pub fn byte(bytes: &[u8], at: usize) -> Option<u8> {
    bytes.get(at).copied()
}

/// Network byte order.
pub fn word(bytes: &[u8], at: usize) -> Option<u16> {
    let pair = bytes.get(at..at + 2)?;
    Some(u16::from_be_bytes([pair[0], pair[1]]))
}

/// Network byte order.
pub fn long(bytes: &[u8], at: usize) -> Option<u32> {
    let [high, low] = [word(bytes, at)?, word(bytes, at + 2)?];
    Some(u32::from(high) << 16 | u32::from(low))
}

pub fn v4(bytes: &[u8], at: usize) -> Option<IpAddr> {
    let octets: [u8; 4] = bytes.get(at..at + 4)?.try_into().ok()?;
    Some(octets.into())
}

pub fn v6(bytes: &[u8], at: usize) -> Option<IpAddr> {
    let octets: [u8; 16] = bytes.get(at..at + 16)?.try_into().ok()?;
    Some(octets.into())
}

pub fn put_word(bytes: &mut [u8], at: usize, value: u16) {
    bytes[at..at + 2].copy_from_slice(&value.to_be_bytes());
}

pub fn put_address(bytes: &mut [u8], at: usize, ip: IpAddr) {
    match ip {
        IpAddr::V4(ip) => bytes[at..at + 4].copy_from_slice(&ip.octets()),
        IpAddr::V6(ip) => bytes[at..at + 16].copy_from_slice(&ip.octets()),
    }
}

/// What a sum of words changes by.
#[derive(Clone, Copy, Default)]
pub struct Delta(i64);

impl Delta {
    /// Of a word in place of another.
    pub fn words(&mut self, before: u16, after: u16) {
        self.0 += i64::from(after) - i64::from(before);
    }

    /// Of an address in place of another of the same family.
    pub fn addresses(&mut self, before: IpAddr, after: IpAddr) {
        self.0 += sum(after) - sum(before);
    }

    /// What is added, in ones' complement.
    pub fn added(self) -> u16 {
        self.0.rem_euclid(0xffff) as u16
    }

    /// A field that covers what changed, afterwards. Of the two zeros of ones'
    /// complement, the one that an addition gives.
    pub fn applied(self, field: u16) -> u16 {
        let mut total = i64::from(!field) + i64::from(self.added());
        total = (total & 0xffff) + (total >> 16);
        !(total as u16)
    }
}

fn sum(ip: IpAddr) -> i64 {
    let of = |octets: &[u8]| -> i64 {
        let (pairs, _) = octets.as_chunks::<2>();
        let words = pairs.iter().map(|pair| u16::from_be_bytes(*pair));
        words.map(i64::from).sum()
    };
    match ip {
        IpAddr::V4(ip) => of(&ip.octets()),
        IpAddr::V6(ip) => of(&ip.octets()),
    }
}

/// Writes a word that the checksum at `sum` covers, in words that begin where
/// `at` is even from `base` on.
pub fn replace(bytes: &mut [u8], sum: usize, base: usize, at: usize, value: u16) {
    let before = word(bytes, at).expect("the caller has looked");
    let mut delta = Delta::default();
    if (at - base).is_multiple_of(2) {
        delta.words(before, value);
    } else {
        delta.words(before.swap_bytes(), value.swap_bytes());
    }
    put_word(bytes, at, value);
    change_sum(bytes, sum, delta);
}

pub fn change_sum(bytes: &mut [u8], at: usize, delta: Delta) {
    let field = word(bytes, at).expect("the caller has looked");
    put_word(bytes, at, delta.applied(field));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checksum::internet;

    #[test]
    fn replace_keeps_the_sum_right_at_even_and_odd_places() {
        for at in 2..7 {
            let mut bytes = vec![0, 0, 0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc];
            let sum = internet(&bytes);
            put_word(&mut bytes, 0, sum);
            replace(&mut bytes, 0, 0, at, 0xf00f);
            assert_eq!(word(&bytes, at), Some(0xf00f));
            assert_eq!(internet(&bytes), 0, "at {at}");
        }
    }

    #[test]
    fn delta_of_addresses_is_that_of_their_words() {
        let mut delta = Delta::default();
        delta.addresses([10, 0, 0, 2].into(), [203, 0, 113, 10].into());
        let mut words = Delta::default();
        words.words(0x0a00, 0xcb00);
        words.words(0x0002, 0x710a);
        assert_eq!(delta.applied(0x1234), words.applied(0x1234));
        assert_ne!(delta.applied(0x1234), 0x1234);
    }
}
