// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use super::{Extension, FRAGMENT, MORE_FRAGMENTS, Network, Packet, Transport};

/// Cuts a packet at these offsets of what follows its IP header, multiples of 8
/// in rising order (RFC 791, section 2.3; RFC 8200, section 4.5). IPv6 extension
/// headers stay in front of the fragment header.
pub fn fragments(packet: &Packet, cuts: &[usize]) -> Vec<Packet> {
    let frame = packet.bytes();
    let data = &frame[packet.transport_at()..frame.len() - packet.trailer.len()];
    let starts = [0].iter().chain(cuts);
    let ends = cuts.iter().copied().chain([data.len()]);
    let pieces = starts.zip(ends);
    pieces
        .map(|(&start, end)| {
            assert!(start.is_multiple_of(8) && start < end, "{start} to {end}");
            let mut piece = packet.clone().payload(&data[start..end]);
            piece.transport = Transport::Other(packet.protocol());
            let offset = (start / 8) as u16;
            let more = end < data.len();
            match &mut piece.network {
                Network::V4(ip) => ip.fragment = offset | if more { MORE_FRAGMENTS } else { 0 },
                Network::V6(ip) => ip.extensions.push(Extension::fragment(offset, more)),
            }
            piece
        })
        .collect()
}

/// Gives a packet's fragments, or those that it will be cut into, an identification.
pub fn identify(packet: &mut Packet, id: u16) {
    match &mut packet.network {
        Network::V4(ip) => ip.identification = id,
        Network::V6(ip) => {
            let header = ip.extensions.iter_mut().find(|one| one.kind == FRAGMENT);
            let header = header.expect("a fragment header");
            header.rest[5..7].copy_from_slice(&id.to_be_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn udp(from: &str, to: &str) -> Packet {
        Packet::udp(from.parse().unwrap(), to.parse().unwrap()).payload([7; 20])
    }

    #[test]
    fn fragments_of_ipv4_share_the_header_and_have_all_of_the_data() {
        let whole = udp("192.0.2.1:1", "192.0.2.2:2");
        let pieces = fragments(&whole, &[8, 24]);
        let frames: Vec<Vec<u8>> = pieces.iter().map(Packet::bytes).collect();
        let data: Vec<u8> = frames
            .iter()
            .flat_map(|frame| frame[34..].to_vec())
            .collect();
        assert_eq!(data, whole.bytes()[34..]);
        let positions: Vec<&[u8]> = frames.iter().map(|frame| &frame[20..22]).collect();
        assert_eq!(positions, [[0x20, 0], [0x20, 1], [0, 3]]);
        assert!(
            frames
                .iter()
                .all(|frame| frame[23] == 17 && frame[18..20] == frames[0][18..20])
        );
    }

    #[test]
    fn fragments_of_ipv6_have_a_fragment_header_that_names_the_protocol() {
        let whole = udp("[2001:db8::1]:1", "[2001:db8::2]:2");
        let mut last = fragments(&whole, &[16]).remove(1);
        identify(&mut last, 0x0102);
        let frame = last.bytes();
        assert_eq!(frame[20], FRAGMENT);
        assert_eq!(frame[54..62], [17, 0, 0, 16, 0xca, 0xfe, 1, 2]);
        assert_eq!(frame[62..], whole.bytes()[54 + 16..]);
    }
}
