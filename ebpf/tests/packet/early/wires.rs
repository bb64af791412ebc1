// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! `early` in the driver of real links, `ingress` behind it.

use blixt_ebpf::layout::Drops;

use super::with_early;
use crate::{
    announce::{ROUTER, ping, pong, service4},
    build::{ACK, Arp, Packet, RST, Tag},
    diff::assert_same,
    harness::{Ends, Lab, Wire, bare_reset},
    wires::through,
};

/// The next frame that comes out of a wire.
fn next(wire: &Wire) -> Vec<u8> {
    let received = wire.receive().expect("the socket works");
    received.expect("a frame arrives within five seconds").0
}

#[test]
#[ignore = "needs root"]
fn a_reset_that_the_driver_sends_back_arrives_whole() {
    with_early(|lab| {
        let (router, _) = lab.attach();
        lab.attach_early();
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let sent = lab.inbound(&ends.opening().numbers(1_000, 0));
            router.send_whole(&sent.bytes()).expect("the link is up");
            let expected = bare_reset(ends.service, ends.client).flags(RST | ACK);
            let expected = lab.out.emits(&expected.numbers(0, 1_001));
            assert_same(&next(&router), &expected.bytes());
            assert_eq!(lab.service_stats(&ends).refused, 1);
        }
    });
}

/// Sends a packet of a flow that `ingress` looked after a moment ago, from the node
/// and to it again.
fn there_and_back(lab: &Lab, node: &Wire, packet: &Packet) -> Vec<u8> {
    let frame = lab.across(packet).bytes();
    node.send_whole(&frame).expect("the link is up");
    next(node)
}

// Begun by `ingress`, sent on by the driver: the first packets are one's, the last the other's.
#[test]
#[ignore = "needs root"]
fn what_the_driver_sends_on_arrives_whole() {
    with_early(|lab| {
        lab.object.attach("node0");
        lab.attach_early();
        let node = lab.node_wire();
        let ways = Ends::all().map(Ends::remote).into_iter();
        for ends in ways.chain(Ends::all().map(|ends| ends.routed().far_client())) {
            println!("{ends}");
            lab.choose(&ends);
            for packet in [ends.opening(), ends.request(), ends.request()] {
                let expected = match ends.remote {
                    true => packet.clone().hop(),
                    false => packet.clone().to(ends.backend).hop(),
                };
                let came = there_and_back(lab, &node, &packet);
                assert_same(&came, &lab.node.emits(&expected).bytes());
            }
            let counted = lab.service_stats(&ends).rx_packets;
            assert_eq!(counted, if ends.remote { 3 } else { 6 });
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// What the driver sent on, nobody would finish.
#[test]
#[ignore = "needs root"]
fn a_checksum_that_is_left_to_a_device_stays_so_behind_the_driver() {
    with_early(|lab| {
        lab.object.attach("node0");
        lab.attach_early();
        let node = lab.node_wire();
        for ends in Ends::all().map(|ends| ends.routed().far_client()) {
            println!("{ends}");
            lab.choose(&ends);
            for packet in [ends.opening(), ends.request(), ends.request()] {
                let expected = lab.node.emits(&packet.clone().to(ends.backend).hop());
                let came = through(&node, &node, &lab.across(&packet));
                assert_same(&came, &expected.bytes());
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn pings_and_arp_are_answered_from_the_driver() {
    with_early(|lab| {
        lab.attach_early();
        let router = lab.router_wire();
        let request = Arp::request(lab.out.neighbour, ROUTER, service4());
        router.send_whole(&request.bytes()).expect("the link is up");
        let reply = router.receive_any(|frame| frame[12..14] == [0x08, 0x06]);
        assert_same(&reply, &request.reply(lab.out.mac).bytes());
        for ends in Ends::tcp() {
            println!("{ends}");
            let ping = lab.inbound(&ping(&ends));
            router.send_whole(&ping.bytes()).expect("the link is up");
            let expected = lab.out.emits(&pong(&ends)).bytes();
            let kind = expected[12..14].to_vec();
            let protocol = if ends.service.is_ipv4() {
                (23, 1)
            } else {
                (20, 58)
            };
            let reply = router.receive_any(|frame| {
                frame[12..14] == kind
                    && frame[protocol.0] == protocol.1
                    && frame.len() == expected.len()
            });
            assert_same(&reply, &expected);
        }
    });
}

// A tag's frame belongs to another network, and this host has no part in that.
#[test]
#[ignore = "needs root"]
fn a_tagged_segment_gets_no_reset() {
    with_early(|lab| {
        let (router, _) = lab.attach();
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let tag = Tag {
                protocol: 0x8100,
                control: 7,
            };
            let opening = lab.inbound(&ends.opening());
            router
                .send_whole(&opening.clone().tagged(tag).bytes())
                .expect("the link is up");
            router.send_whole(&opening.bytes()).expect("the link is up");
            let expected = bare_reset(ends.service, ends.client).flags(RST | ACK);
            let expected = lab.out.emits(&expected.numbers(0, 0xa1b2_c3d5));
            assert_same(&next(&router), &expected.bytes());
            assert_eq!(lab.service_stats(&ends).refused, 1);
        }
    });
}
