// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Checksums that are special, wrong, or summed elsewhere.

use crate::{
    build::{ACK, Field, Packet, SYN},
    checksum,
    harness::{Ends, Forwarding, with_lab},
};

/// The right checksum off by this much, in one's complement.
const ERROR: u16 = 0x0503;

#[test]
#[ignore = "needs root"]
fn ingress_keeps_udp_over_ipv4_without_a_checksum_without_one() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::udp4();
        let none = |packet: Packet| packet.with_udp(|udp| udp.checksum = Field::Exactly(0));
        let expected = lab.pod.emits(&none(ends.request()).to(ends.backend).hop());
        lab.client_sends(&none(ends.request()))
            .is_redirected_as(&expected);
        let expected = lab.out.emits(&none(ends.reply()).from(ends.service).hop());
        lab.pod_sends(&none(ends.reply()))
            .is_redirected_as(&expected);
    });
}

/// The packet with two bytes of payload that make the sum come out as 0.
fn summing_to_zero(packet: &Packet) -> Packet {
    let checksum = |packet: &Packet| {
        let at = packet.transport_at() + 6;
        <[u8; 2]>::try_from(&packet.bytes()[at..at + 2]).expect("two bytes")
    };
    // What is missing to all ones is the checksum itself.
    let packet = packet.clone().payload([0, 0]);
    let packet = packet.clone().payload(checksum(&packet));
    assert_eq!(checksum(&packet), [0xff, 0xff]);
    packet
}

// RFC 768: 0 would mean that there is no checksum.
#[test]
#[ignore = "needs root"]
fn ingress_writes_a_udp_checksum_of_zero_as_all_ones() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            let expected = summing_to_zero(&ends.request().to(ends.backend).hop());
            let sent = expected.clone().to(ends.service).ttl(64);
            lab.client_sends(&sent)
                .is_redirected_as(&lab.pod.emits(&expected));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_rewrites_a_udp_checksum_that_is_all_ones() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            let sent = summing_to_zero(&ends.request());
            let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}

/// The packet with its transport checksum off by [`ERROR`].
fn damaged(packet: &Packet) -> Packet {
    let at = packet.transport_at() + if packet.transport.is_tcp() { 16 } else { 6 };
    let frame = packet.bytes();
    let right = u16::from_be_bytes([frame[at], frame[at + 1]]);
    let wrong = Field::Exactly(checksum::add(right, ERROR));
    if packet.transport.is_tcp() {
        packet.clone().with_tcp(|tcp| tcp.checksum = wrong)
    } else {
        packet.clone().with_udp(|udp| udp.checksum = wrong)
    }
}

// Damage on the way to the host must not get a right checksum from the host.
#[test]
#[ignore = "needs root"]
fn ingress_leaves_a_wrong_transport_checksum_wrong_by_as_much() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let sent = ends.request();
            let expected = lab
                .pod
                .emits(&damaged(&sent.clone().to(ends.backend).hop()));
            lab.client_sends(&damaged(&sent))
                .is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_leaves_a_wrong_ipv4_header_checksum_wrong_by_as_much() {
    fn damaged(packet: Packet) -> Packet {
        let frame = packet.bytes();
        let right = u16::from_be_bytes([frame[24], frame[25]]);
        packet.ipv4(|ip| ip.checksum = Field::Exactly(checksum::add(right, ERROR)))
    }
    with_lab(Forwarding::On, |lab| {
        for ends in [Ends::tcp4(), Ends::udp4()] {
            println!("{ends}");
            lab.begin(&ends);
            let expected = damaged(ends.request().to(ends.backend).hop());
            lab.client_sends(&damaged(ends.request()))
                .is_redirected_as(&lab.pod.emits(&expected));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_keeps_the_sum_right_that_hardware_made_of_the_whole_packet() {
    with_lab(Forwarding::On, |lab| {
        lab.sum_in_hardware();
        for ends in Ends::all() {
            println!("{ends}");
            lab.client_reaches(&ends.opening(), &ends);
            lab.reply_comes_back(&ends);
        }
    });
}

// Without options and payload: what the reset cuts off, the kernel no longer
// takes for summed (CHECKSUM_NONE), but the test run compares all the same.
#[test]
#[ignore = "needs root"]
fn ingress_keeps_the_sum_right_that_hardware_made_of_a_refused_packet() {
    with_lab(Forwarding::On, |lab| {
        lab.sum_in_hardware();
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.put_service(&ends, |service| service.slots = 0);
            for flags in [SYN, ACK] {
                let bare = ends.request().payload([]).flags(flags);
                assert!(lab.client_sends(&bare).was_redirected());
            }
        }
    });
}
