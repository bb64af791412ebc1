// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Frames of every form and size that a network card hands to `early`.

use super::{establish, from_node, with_early};
use crate::{
    announce::{ROUTER, ping, service4},
    build::{Arp, Tag},
    harness::{Ends, ip},
};

const TAGS: [Tag; 2] = [
    Tag {
        protocol: 0x8100,
        control: 7,
    },
    Tag {
        protocol: 0x88a8,
        control: 0x2007,
    },
];

// The VLAN's own interface will see them without the tag.
#[test]
#[ignore = "needs root"]
fn early_passes_frames_with_a_vlan_tag() {
    with_early(|lab| {
        for tag in TAGS {
            let mut arp = Arp::request(lab.out.neighbour, ROUTER, service4());
            arp.ethernet.tags = vec![tag];
            lab.early(&lab.out, arp.bytes()).is_passed_untouched();
            for ends in Ends::all() {
                println!("{ends}, {tag:?}");
                lab.refuse(&ends);
                for packet in [ends.opening(), ping(&ends)] {
                    let tagged = lab.inbound(&packet).tagged(tag);
                    lab.early(&lab.out, tagged.bytes()).is_passed_untouched();
                }
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_forwards_frames_of_minimum_size_and_keeps_their_padding() {
    with_early(|lab| {
        for ends in Ends::all().map(Ends::remote) {
            println!("{ends}");
            establish(lab, &ends);
            let packet = ends.request().payload([]).trailer([0x0d; 6]);
            let expected = lab.node.emits(&packet.clone().hop());
            from_node(lab, &packet).is_sent_back_as(&expected);
        }
    });
}

// Up to a page in one buffer, more in several.
#[test]
#[ignore = "needs root"]
fn early_forwards_jumbo_frames() {
    with_early(|lab| {
        ip("link set node0 mtu 50000");
        for ends in Ends::all().map(|ends| ends.routed().far_client()) {
            println!("{ends}");
            establish(lab, &ends);
            for length in [2_000, 3_400, 4_000, 8_900, 40_000] {
                let packet = ends.request().payload(vec![0x6a; length]);
                let expected = lab.node.emits(&packet.clone().to(ends.backend).hop());
                from_node(lab, &packet).is_sent_back_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_or_drops_what_is_cut_anywhere() {
    with_early(|lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.refuse(&ends);
            let whole = lab.inbound(&ends.opening()).bytes();
            let transport = ends.opening().transport_at();
            for length in 14..whole.len() {
                let early = lab.early(&lab.out, whole[..length].to_vec());
                if length < transport + if ends.is_tcp() { 20 } else { 8 } {
                    early.is_passed_untouched();
                } else {
                    early.is_dropped();
                }
            }
        }
        assert_eq!(lab.drops().refused_tcp + lab.drops().refused_udp, 0);
    });
}
