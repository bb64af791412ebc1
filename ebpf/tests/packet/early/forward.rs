// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use blixt_ebpf::layout::{DELIVERY_PEER, DEVICE_PEER, Device};

use super::{establish, from_node, with_early};
use crate::{
    build::{ACK, FIN, Field, Mac, PSH, Packet, RST, SYN},
    checksum,
    harness::{Ends, Lab},
};

/// Flows whose packets leave where they came in: to the node of a remote backend,
/// and to a backend behind it.
fn ways() -> impl Iterator<Item = Ends> {
    let remote = Ends::all().map(Ends::remote);
    let routed = Ends::all().map(|ends| ends.routed().far_client());
    remote.into_iter().chain(routed)
}

/// The packet as it should leave.
fn forwarded(lab: &Lab, ends: &Ends, packet: Packet) -> Packet {
    let packet = packet.hop();
    lab.node.emits(&match ends.remote {
        true => packet,
        false => packet.to(ends.backend),
    })
}

#[test]
#[ignore = "needs root"]
fn early_forwards_packets_of_established_flows_out_of_the_interface_they_came_in_at() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends} {}", ends.backend);
            establish(lab, &ends);
            let expected = forwarded(lab, &ends, ends.request());
            from_node(lab, &ends.request()).is_sent_back_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_forwards_replies_from_the_address_of_the_service() {
    with_early(|lab| {
        for ends in ways().filter(|ends| !ends.remote) {
            println!("{ends}");
            establish(lab, &ends);
            let expected = lab.node.emits(&ends.reply().from(ends.service).hop());
            from_node(lab, &ends.reply()).is_sent_back_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_counts_what_it_forwards_once() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            let frame = lab.across(&ends.request()).bytes();
            let mut before = (lab.service_stats(&ends), lab.backend_stats(&ends));
            while lab.early(&lab.node, frame.clone()).was_passed() {
                assert!(lab.receive(&lab.node, frame.clone()).was_redirected());
                before = (lab.service_stats(&ends), lab.backend_stats(&ends));
            }
            for (before, after) in [
                (before.0, lab.service_stats(&ends)),
                (before.1, lab.backend_stats(&ends)),
            ] {
                assert_eq!(after.rx_packets, before.rx_packets + 1);
                let bytes = ends.request().ip_length() as u64;
                assert_eq!(after.rx_bytes, before.rx_bytes + bytes);
            }
        }
    });
}

/// Checks that `early` passes the frame of `change`, and forwards the flow's others.
fn passes(lab: &Lab, ends: &Ends, change: impl Fn(Packet) -> Vec<u8>) {
    let sent = change(lab.across(&ends.request()));
    lab.early(&lab.node, sent.clone()).is_passed_untouched();
    assert!(
        !from_node(lab, &ends.request()).was_passed(),
        "the flow is not one that early forwards"
    );
    lab.early(&lab.node, sent).is_passed_untouched();
}

#[test]
#[ignore = "needs root"]
fn early_passes_segments_that_change_the_state_of_their_connection() {
    with_early(|lab| {
        for ends in ways().filter(Ends::is_tcp) {
            println!("{ends}");
            establish(lab, &ends);
            for flags in [SYN, SYN | ACK, FIN | ACK, RST, RST | ACK, FIN | PSH | ACK] {
                passes(lab, &ends, |packet| packet.flags(flags).bytes());
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_packets_at_the_end_of_their_hops() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            for ttl in [0, 1] {
                passes(lab, &ends, |packet| packet.ttl(ttl).bytes());
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_frames_for_another_host() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            let (from, other) = (lab.node.neighbour, Mac([2, 0, 0, 0, 1, 9]));
            passes(lab, &ends, |packet| packet.macs(from, other).bytes());
        }
    });
}

// The driver's buffer does not say that the sum is a device's to finish, and a
// frame that is sent from there says it to nobody.
#[test]
#[ignore = "needs root"]
fn early_passes_packets_whose_checksum_is_left_to_a_device() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            passes(lab, &ends, |packet| {
                let at = packet.transport_at();
                let field = at + if packet.transport.is_tcp() { 16 } else { 6 };
                let mut frame = packet.bytes();
                let (source, destination) = (packet.source(), packet.destination());
                let zeros = vec![0; frame.len() - at];
                let pseudo = !checksum::transport(source, destination, packet.protocol(), &zeros);
                frame[field..field + 2].copy_from_slice(&pseudo.to_be_bytes());
                frame
            });
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_packets_that_came_in_elsewhere() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            assert!(!from_node(lab, &ends.request()).was_passed());
            lab.early(&lab.out, lab.inbound(&ends.request()).bytes())
                .is_passed_untouched();
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_packets_that_are_too_big_for_the_way_and_those_that_travel_inside_others() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            let length = ends.request().ip_length() as u16;
            for (mtu, overhead, passed) in [
                (length - 1, 0, true),
                (length, 0, false),
                (0, 20, true),
                (0, 0, false),
            ] {
                // A second may begin in between.
                assert!((0..3).any(|_| {
                    let frame = lab.across(&ends.request()).bytes();
                    let _ = lab.receive(&lab.node, frame.clone());
                    let mut flow = lab.forward_flow(&ends).expect("an entry");
                    (flow.mtu, flow.overhead) = (mtu, overhead);
                    lab.put_flow(ends.client, ends.service, ends.protocol, flow);
                    lab.early(&lab.node, frame).was_passed() == passed
                }));
            }
        }
    });
}

// Both ends of such a packet change.
#[test]
#[ignore = "needs root"]
fn early_passes_packets_of_a_client_that_is_the_backend() {
    with_early(|lab| {
        for mut ends in Ends::all().map(Ends::routed) {
            ends.client.set_ip(ends.backend.ip());
            println!("{ends}");
            lab.choose(&ends);
            for packet in [ends.opening(), ends.request(), ends.request()] {
                let frame = lab.across(&packet).bytes();
                lab.early(&lab.node, frame.clone()).is_passed_untouched();
                let _ = lab.receive(&lab.node, frame);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_sends_back_what_would_go_to_the_other_end_of_the_same_veth() {
    with_early(|lab| {
        let mut device: Device = lab
            .object
            .get("devices", lab.node.ifindex)
            .expect("the lab put it there");
        device.flags = DEVICE_PEER;
        lab.object.put("devices", lab.node.ifindex, device);
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            let flow = lab.forward_flow(&ends).expect("an entry");
            assert_eq!(flow.delivery, DELIVERY_PEER);
            let expected = forwarded(lab, &ends, ends.request());
            from_node(lab, &ends.request()).is_sent_back_as(&expected);
        }
    });
}

// Once in a while ingress looks after the flow: its way, its other entry, its age.
#[test]
#[ignore = "needs root"]
fn early_passes_the_first_packet_of_a_second() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            lab.outdate(ends.client, ends.service, ends.protocol);
            let frame = lab.across(&ends.request()).bytes();
            lab.early(&lab.node, frame).is_passed_untouched();
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_packets_whose_backend_is_gone_and_forwards_its_replies() {
    with_early(|lab| {
        for ends in ways() {
            println!("{ends}");
            establish(lab, &ends);
            lab.remove_backend(&ends);
            let frame = lab.across(&ends.request()).bytes();
            lab.early(&lab.node, frame).is_passed_untouched();
            if !ends.remote {
                let expected = lab.node.emits(&ends.reply().from(ends.service).hop());
                from_node(lab, &ends.reply()).is_sent_back_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_keeps_udp_without_a_checksum_without_one_and_wrong_ones_wrong() {
    with_early(|lab| {
        for ends in [Ends::udp4().remote(), Ends::udp4().routed().far_client()] {
            establish(lab, &ends);
            let none = |packet: Packet| packet.with_udp(|udp| udp.checksum = Field::Exactly(0));
            let expected = none(forwarded(lab, &ends, ends.request()));
            from_node(lab, &none(ends.request())).is_sent_back_as(&expected);
        }
        for ends in Ends::tcp().map(|ends| ends.routed().far_client()) {
            println!("{ends}");
            establish(lab, &ends);
            let wrong = |packet: Packet| {
                let at = packet.transport_at() + 16;
                let frame = packet.bytes();
                let right = u16::from_be_bytes([frame[at], frame[at + 1]]);
                let off = Field::Exactly(checksum::add(right, 0x0503));
                packet.with_tcp(|tcp| tcp.checksum = off)
            };
            let expected = wrong(forwarded(lab, &ends, ends.request()));
            from_node(lab, &wrong(ends.request())).is_sent_back_as(&expected);
        }
    });
}

/// Two bytes of payload for every sum there is: carries, and both zeros, come up.
#[test]
#[ignore = "needs root"]
fn early_makes_right_checksums_of_all_kinds() {
    with_early(|lab| {
        for ends in Ends::all().map(|ends| ends.routed().far_client()) {
            println!("{ends}");
            establish(lab, &ends);
            let mut passed = 0;
            for number in (0..=u16::MAX).step_by(7) {
                let packet = ends.request().payload(number.to_be_bytes());
                let frame = lab.across(&packet).bytes();
                let Some(outcome) = lab.early(&lab.node, frame.clone()).verdict() else {
                    passed += 1;
                    assert!(lab.receive(&lab.node, frame).was_redirected());
                    continue;
                };
                let expected = forwarded(lab, &ends, packet);
                outcome.is_redirected_as(&expected);
            }
            assert!(passed < 100, "{passed} packets were passed on");
        }
    });
}
