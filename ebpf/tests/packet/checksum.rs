// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The Internet checksum (RFC 1071), computed over whole headers and segments:
//! deliberately nothing incremental, so that it can judge a program that is.

use std::net::IpAddr;

/// One's complement of the one's complement sum of `bytes` as 16-bit words in
/// network byte order; an odd last byte counts as if a zero followed.
pub fn internet(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|word| {
        let low = word.get(1).copied().unwrap_or(0);
        u16::from_be_bytes([word[0], low])
    });
    !words.fold(0, add)
}

/// One's complement addition: the carry comes back in at the low end.
pub fn add(left: u16, right: u16) -> u16 {
    let (sum, carry) = left.overflowing_add(right);
    sum + u16::from(carry)
}

/// The checksum of a TCP or UDP segment, whose own checksum field must be zero,
/// with the pseudo-header of RFC 9293, section 3.1, or RFC 8200, section 8.1.
/// UDP's rule that 0 is sent as 0xffff is left to the caller.
///
/// Panics when source and destination are of different families.
pub fn transport(source: IpAddr, destination: IpAddr, protocol: u8, segment: &[u8]) -> u16 {
    let length = u32::try_from(segment.len()).expect("a segment fits in 32 bits");
    let mut covered = Vec::with_capacity(40 + segment.len());
    match (source, destination) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            covered.extend(source.octets());
            covered.extend(destination.octets());
        }
        (IpAddr::V6(source), IpAddr::V6(destination)) => {
            covered.extend(source.octets());
            covered.extend(destination.octets());
        }
        _ => panic!("{source} and {destination} are of different families"),
    }
    covered.extend(length.to_be_bytes());
    covered.extend([0, 0, 0, protocol]);
    covered.extend(segment);
    internet(&covered)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn internet_gives_the_complement_of_the_sum_in_rfc_1071_section_3() {
        let example = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(internet(&example), !0xddf2);
    }

    #[test]
    fn internet_pads_an_odd_byte_on_the_right() {
        assert_eq!(
            internet(&[0x12, 0x34, 0x56]),
            internet(&[0x12, 0x34, 0x56, 0x00])
        );
    }

    #[test]
    fn internet_of_bytes_that_carry_their_checksum_is_zero() {
        let mut bytes = vec![0x45, 0x00, 0x00, 0x1c, 0xab, 0xcd, 0x00, 0x00];
        let sum = internet(&bytes);
        bytes.extend(sum.to_be_bytes());
        assert_eq!(internet(&bytes), 0);
    }

    #[test]
    fn add_brings_the_carry_back() {
        assert_eq!(add(0xffff, 0x0001), 0x0001);
        assert_eq!(add(0x8000, 0x8000), 0x0001);
    }

    #[test]
    fn transport_covers_addresses_protocol_length_and_segment() {
        let client: IpAddr = "192.0.2.1".parse().unwrap();
        let server: IpAddr = "192.0.2.2".parse().unwrap();
        let udp = [0x30, 0x39, 0x00, 0x35, 0x00, 0x0a, 0x00, 0x00, 0x61, 0x62];
        // 0xc000+0x0201 + 0xc000+0x0202 + 17 + 10 + 0x3039+0x0035+0x000a+0x6162 = 0x215f8, folded 0x15fa.
        assert_eq!(transport(client, server, 17, &udp), !0x15fa);
    }

    #[test]
    fn transport_sums_the_same_words_for_ipv6() {
        let client: IpAddr = "2001:db8::1".parse().unwrap();
        let server: IpAddr = "2001:db8::2".parse().unwrap();
        // 2 * (0x2001+0x0db8) + 1 + 2 + 17 + 2 + 0x6162 = 0xbcea.
        assert_eq!(transport(client, server, 17, &[0x61, 0x62]), !0xbcea);
    }
}
