// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program attached to real links: what only then shows, above all
//! checksums and segments that a container leaves to a device.

use std::net::IpAddr;

use blixt_ebpf::layout::Drops;

use crate::{
    build::{ACK, Packet, RST, TCP, Tag, UDP},
    checksum,
    diff::assert_same,
    harness::{Chain, Ends, Forwarding, Offload, Wire, bare_reset, with_chain},
};

/// VIRTIO_NET_HDR_GSO_TCPV4 and _TCPV6 (linux/virtio_net.h).
const SEGMENTS_V4: u8 = 1;
const SEGMENTS_V6: u8 = 4;
/// VIRTIO_NET_HDR_GSO_UDP_L4: datagrams of one length, as UDP_SEGMENT makes them.
const DATAGRAMS: u8 = 5;

/// The packet with the checksum of its pseudo-header alone, and the rest of the
/// sum left to a device.
fn unsummed(packet: &Packet) -> (Vec<u8>, Offload) {
    let start = packet.transport_at();
    let length = packet.ip_length() - (start - packet.network_at());
    let field = if packet.transport.is_tcp() { 16 } else { 6 };
    let mut frame = packet.bytes();
    let sum = pseudo_header(packet.source(), packet.destination(), field, length);
    frame[start + field..start + field + 2].copy_from_slice(&sum.to_be_bytes());
    let offload = Offload {
        start: start as u16,
        field: field as u16,
        segment: 0,
        kind: 0,
    };
    (frame, offload)
}

fn pseudo_header(source: IpAddr, destination: IpAddr, field: usize, length: usize) -> u16 {
    // A segment of zeros adds nothing but its length.
    let protocol = if field == 16 { TCP } else { UDP };
    !checksum::transport(source, destination, protocol, &vec![0; length])
}

/// Sends the packet into one end; the whole frame that comes out of the other.
pub fn through(from: &Wire, to: &Wire, packet: &Packet) -> Vec<u8> {
    let (frame, offload) = unsummed(packet);
    from.send(&frame, offload).expect("the link is up");
    let received = to.receive().expect("the socket works");
    let (frame, left) = received.expect("the packet arrives within five seconds");
    assert!(left.is_some(), "the checksum is still left to the device");
    frame
}

#[test]
#[ignore = "needs root"]
fn checksums_that_are_left_to_a_device_come_out_right() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_chain(Chain::Ingress, forwarding, |lab| {
            let (router, pod) = lab.attach();
            for ends in Ends::all() {
                println!("{ends}, forwarding {forwarding:?}");
                for request in [ends.opening(), ends.request()] {
                    let expected = lab.pod.emits(&request.clone().to(ends.backend).hop());
                    let came = through(&router, &pod, &lab.inbound(&request));
                    assert_same(&came, &expected.bytes());
                    let expected = lab.out.emits(&ends.reply().from(ends.service).hop());
                    let came = through(&pod, &router, &lab.outbound(&ends.reply()));
                    assert_same(&came, &expected.bytes());
                }
            }
            assert_eq!(lab.drops(), Drops::default());
        });
    }
}

#[test]
#[ignore = "needs root"]
fn packets_for_a_remote_backend_reach_its_node_as_they_came() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_chain(Chain::Ingress, forwarding, |lab| {
            let (router, _) = lab.attach();
            let node = lab.node_wire();
            for ends in Ends::all().map(Ends::remote) {
                println!("{ends}, forwarding {forwarding:?}");
                lab.choose(&ends);
                for request in [ends.opening(), ends.request()] {
                    let expected = lab.node.emits(&request.clone().hop());
                    let came = through(&router, &node, &lab.inbound(&request));
                    assert_same(&came, &expected.bytes());
                }
            }
            assert_eq!(lab.drops(), Drops::default());
        });
    }
}

#[test]
#[ignore = "needs root"]
fn a_reset_for_a_segment_whose_checksum_was_left_to_a_device_comes_out_right() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        let (router, _) = lab.attach();
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let reset = bare_reset(ends.service, ends.client);
            for (sent, expected) in [
                (
                    ends.opening().numbers(1_000, 0),
                    reset.clone().flags(RST | ACK).numbers(0, 1_001),
                ),
                (
                    ends.request().numbers(5, 99),
                    reset.clone().flags(RST).numbers(99, 0),
                ),
            ] {
                let came = through(&router, &router, &lab.inbound(&sent));
                assert_same(&came, &lab.out.emits(&expected).bytes());
            }
        }
    });
}

// As TCP of a container sends them, and as a network card's driver gathers them.
#[test]
#[ignore = "needs root"]
fn packets_of_many_segments_stay_whole() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        let (router, pod) = lab.attach();
        for ends in Ends::all() {
            println!("{ends}");
            let kind = match (ends.is_tcp(), ends.service.is_ipv4()) {
                (false, _) => DATAGRAMS,
                (_, true) => SEGMENTS_V4,
                (_, false) => SEGMENTS_V6,
            };
            lab.begin(&ends);
            let request = lab.inbound(&ends.request().payload(vec![0x3c; 30_000]));
            let (frame, offload) = unsummed(&request);
            router
                .send(
                    &frame,
                    Offload {
                        segment: 1_400,
                        kind,
                        ..offload
                    },
                )
                .expect("the link is up");
            let received = pod.receive().expect("the socket works");
            let (came, left) = received.expect("it arrives within five seconds");
            let expected = lab.pod.emits(&request.to(ends.backend).hop());
            assert_same(&came, &expected.bytes());
            let left = left.expect("the checksum is still left to the device");
            assert_eq!((left.segment, left.kind), (1_400, kind));
            let counted = lab.service_stats(&ends).rx_bytes;
            assert_eq!(
                counted,
                (expected.ip_length() + ends.opening().ip_length()) as u64
            );
        }
    });
}

#[test]
#[ignore = "needs root"]
fn jumbo_and_minimum_size_frames_stay_whole() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        lab.set_mtu(9_000);
        let (router, pod) = lab.attach();
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            for length in [4, 18, 8_900] {
                let request = ends.request().payload(vec![0x1f; length]);
                let expected = lab.pod.emits(&request.clone().to(ends.backend).hop());
                let came = through(&router, &pod, &lab.inbound(&request));
                assert_same(&came, &expected.bytes());
                let reply = ends.reply().payload(vec![0x2e; length]);
                let expected = lab.out.emits(&reply.clone().from(ends.service).hop());
                let came = through(&pod, &router, &lab.outbound(&reply));
                assert_same(&came, &expected.bytes());
            }
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// The kernel has taken the tag off before the program sees the frame, and keeps it
// beside: it is for the VLAN's own interface, of which this host has none.
#[test]
#[ignore = "needs root"]
fn a_tagged_frame_is_left_to_the_interface_of_its_vlan() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        let (router, pod) = lab.attach();
        for ends in Ends::all() {
            println!("{ends}");
            for (protocol, control) in [(0x8100, 7), (0x88a8, 0x2007)] {
                let tagged = lab
                    .inbound(&ends.opening())
                    .tagged(Tag { protocol, control });
                router.send_whole(&tagged.bytes()).expect("the link is up");
            }
            let untagged = ends.opening().payload(*b"untagged");
            let expected = lab.pod.emits(&untagged.clone().to(ends.backend).hop());
            let came = through(&router, &pod, &lab.inbound(&untagged));
            assert_same(&came, &expected.bytes());
            assert_eq!(lab.service_stats(&ends).rx_packets, 1);
        }
    });
}
