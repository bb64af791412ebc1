// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Backends on nodes behind a router: packets travel there inside others.

use std::net::IpAddr;

use blixt_ebpf::layout::{DELIVERY_MAC, DELIVERY_NEIGH, Drops, NODE_SELF};

use crate::{
    build::{IPIP, Icmp, MORE_FRAGMENTS, Packet, TCP, fragments},
    harness::{Ends, Forwarding, Lab, address, with_lab},
};

/// Every pair of families inside and outside.
fn beyond() -> impl Iterator<Item = Ends> {
    Ends::all()
        .into_iter()
        .flat_map(|ends| [false, true].map(|v6| ends.clone().beyond(v6)))
}

fn with_beyond(forwarding: Forwarding, test: impl Fn(&mut Lab, &Ends) + Sync) {
    with_lab(forwarding, |lab| {
        for ends in beyond() {
            println!("{ends} through {:?}", ends.tunnel);
            lab.choose(&ends);
            test(lab, &ends);
            lab.remove_flow(ends.client, ends.service, ends.protocol);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

/// Makes this host the node at the far end of the tunnel of `ends`.
fn receive_from(lab: &mut Lab, ends: &Ends) {
    let [source, node] = ends.tunnel.expect("a tunnel");
    lab.put_node(source, 0);
    lab.put_node(node, NODE_SELF);
}

#[test]
#[ignore = "needs root"]
fn ingress_sends_packets_to_the_node_inside_others() {
    with_beyond(Forwarding::On, |lab, ends| {
        for packet in [ends.opening(), ends.request(), ends.request()] {
            let expected = lab.node.emits(&ends.around(&packet.clone().hop()));
            lab.client_sends(&packet).is_redirected_as(&expected);
        }
        let flow = lab.forward_flow(ends).expect("an entry");
        assert_eq!(
            (flow.delivery, flow.ifindex, flow.address),
            (DELIVERY_MAC, lab.node.ifindex, address(ends.service.ip()))
        );
    });
}

#[test]
#[ignore = "needs root"]
fn the_kernel_finds_the_router_where_the_host_does_not_forward() {
    with_beyond(Forwarding::Off, |lab, ends| {
        let sent = lab.inbound(&ends.opening());
        let expected = ends.around(&sent.clone().hop());
        lab.client_sends(&sent).is_redirected_as(&expected);
        let flow = lab.forward_flow(ends).expect("an entry");
        assert_eq!(
            (flow.delivery, flow.ifindex),
            (DELIVERY_NEIGH, lab.node.ifindex)
        );
    });
}

#[test]
#[ignore = "needs root"]
fn what_follows_the_packet_in_the_frame_is_no_part_of_the_outer_one() {
    with_beyond(Forwarding::On, |lab, ends| {
        let packet = ends.request().payload([7; 3]).trailer([0; 9]);
        let expected = lab.node.emits(&ends.around(&packet.clone().hop()));
        lab.client_sends(&packet).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn the_outer_packet_has_the_class_of_the_inner_one_without_congestion_marks() {
    with_beyond(Forwarding::On, |lab, ends| {
        let packet = match ends.service.is_ipv4() {
            true => ends.request().ipv4(|ip| ip.tos = 0xbb),
            false => ends.request().ipv6(|ip| ip.traffic_class = 0xbb),
        };
        let expected = lab.node.emits(&ends.around(&packet.clone().hop()));
        lab.client_sends(&packet).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn fragments_travel_each_inside_one_that_must_not_be_cut() {
    with_beyond(Forwarding::On, |lab, ends| {
        let pieces = |packet: Packet| fragments(&packet.payload([0x66; 100]), &[24, 48]);
        let expected = pieces(ends.request().hop());
        for (sent, expected) in pieces(ends.request()).iter().zip(expected) {
            lab.client_sends(sent)
                .is_redirected_as(&lab.node.emits(&ends.around(&expected)));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_sum_that_hardware_made_stays_right_into_the_tunnel_and_out_of_it() {
    with_lab(Forwarding::On, |lab| {
        lab.sum_in_hardware();
        for ends in beyond() {
            println!("{ends} through {:?}", ends.tunnel);
            lab.choose(&ends);
            let expected = lab.node.emits(&ends.around(&ends.opening().hop()));
            lab.client_sends(&ends.opening())
                .is_redirected_as(&expected);
            lab.remove_flow(ends.client, ends.service, ends.protocol);
            let here = Ends {
                remote: false,
                tunnel: None,
                ..ends.clone()
            };
            lab.choose(&here);
            receive_from(lab, &ends);
            let expected = lab.pod.emits(&ends.opening().to(ends.backend).hop());
            lab.client_sends(&ends.around(&ends.opening()))
                .is_redirected_as(&expected);
            lab.remove_flow(ends.client, ends.service, ends.protocol);
        }
    });
}

/// What leaves the first node enters the second, whose own the backend is.
#[test]
#[ignore = "needs root"]
fn the_node_that_has_the_backend_takes_packets_out_and_answers_the_client_itself() {
    for ends in beyond() {
        println!("{ends} through {:?}", ends.tunnel);
        with_lab(Forwarding::Off, |second| {
            receive_from(second, &ends);
            for packet in [ends.opening(), ends.request()] {
                let expected = packet.clone().to(ends.backend).hop().hop();
                let arriving = ends.around(&packet.hop());
                let arriving = arriving.macs(second.node.neighbour, second.node.mac);
                second
                    .receive(&second.node, arriving.bytes())
                    .is_redirected_as(&expected.macs(second.node.neighbour, second.node.mac));
            }
            let reply = second.outbound(&ends.reply());
            let expected = reply.clone().from(ends.service).hop();
            second.pod_sends(&reply).is_redirected_as(&expected);
            assert_eq!(second.drops(), Drops::default());
        });
    }
}

/// Others that use the same protocols, and who must not get in.
fn foreign(ends: &Ends) -> Vec<(&'static str, Packet)> {
    let [source, node] = ends.tunnel.expect("a tunnel");
    let stranger: IpAddr = if source.is_ipv4() {
        "172.16.0.66".parse().expect("an address")
    } else {
        "2001:db8:2::66".parse().expect("an address")
    };
    let request = ends.request();
    let around = ends.around(&request);
    let mut foreign = vec![
        ("from a stranger", request.clone().inside(stranger, node)),
        ("for another node", request.clone().inside(source, stranger)),
        ("from this node", request.clone().inside(node, node)),
        ("back", request.clone().inside(node, source)),
        (
            "between pods",
            ends.around(&request.clone().to(ends.backend)),
        ),
        ("nothing inside", around.clone().payload([])),
        (
            "half a header inside",
            around.clone().payload(around.payload[..19].to_vec()),
        ),
        ("of no IP version", {
            let mut inner = around.payload.clone();
            inner[0] = 0x50 | inner[0] & 0xf;
            around.clone().payload(inner)
        }),
    ];
    if source.is_ipv4() {
        let options = |ip: &mut crate::build::Ipv4| ip.options = vec![1; 4];
        foreign.push(("with options", around.clone().ipv4(options)));
        for fragment in [MORE_FRAGMENTS, 3] {
            let cut = around.clone().ipv4(|ip| ip.fragment = fragment);
            foreign.push(("cut", cut));
        }
    }
    foreign
}

#[test]
#[ignore = "needs root"]
fn what_no_node_sent_or_is_for_none_of_our_addresses_passes_untouched() {
    with_lab(Forwarding::On, |lab| {
        for ends in beyond() {
            receive_from(lab, &ends);
            for (what, packet) in foreign(&ends) {
                println!("{ends} through {:?}: {what}", ends.tunnel);
                lab.client_sends(&packet).is_passed_untouched();
            }
        }
        assert_eq!(lab.flow_entries(), 0);
        assert_eq!(lab.drops(), Drops::default());
    });
}

// Two tunnels deep, the second of which nobody here made.
#[test]
#[ignore = "needs root"]
fn one_packet_around_is_taken_off_and_no_second() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::tcp4().beyond(false);
        receive_from(lab, &ends);
        let twice = ends.around(&ends.around(&ends.request()));
        lab.client_sends(&twice).is_passed_untouched();
    });
}

#[test]
#[ignore = "needs root"]
fn a_client_hears_a_reset_when_the_far_node_refuses() {
    with_lab(Forwarding::On, |lab| {
        for ends in beyond().filter(Ends::is_tcp) {
            println!("{ends} through {:?}", ends.tunnel);
            receive_from(lab, &ends);
            lab.refuse(&ends);
            let outcome = lab.client_sends(&ends.around(&ends.opening()));
            assert!(outcome.was_redirected());
        }
        assert_eq!(lab.drops().refused_tcp, 4);
    });
}

#[test]
#[ignore = "needs root"]
fn errors_about_replies_follow_the_packets_to_the_node() {
    with_beyond(Forwarding::On, |lab, ends| {
        lab.begin(ends);
        let mut icmp = Icmp::new(if ends.service.is_ipv4() { 3 } else { 2 });
        icmp.code = if ends.service.is_ipv4() { 4 } else { 0 };
        icmp.rest = [0, 0, 5, 0];
        let reply = ends.reply().from(ends.service);
        let frame = reply.bytes();
        let error = Packet::icmp(ends.client.ip(), ends.service.ip(), icmp)
            .payload(&frame[reply.network_at()..]);
        let expected = lab.node.emits(&ends.around(&error.clone().hop()));
        lab.client_sends(&error).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_follows_its_backend_from_the_link_behind_a_router_and_back() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let (near, far) = (ends.clone().remote(), ends.clone().beyond(true));
            let far = Ends {
                epoch: near.epoch,
                ..far
            };
            lab.choose(&near);
            lab.begin(&near);
            for placed in [&far, &near, &far] {
                lab.put_backend(placed, |_| {});
                lab.outdate(ends.client, ends.service, ends.protocol);
                let hop = ends.request().hop();
                let expected = match placed.tunnel {
                    Some(_) => placed.around(&hop),
                    None => hop,
                };
                lab.client_sends(&ends.request())
                    .is_redirected_as(&lab.node.emits(&expected));
            }
        }
    });
}

#[test]
fn inside_makes_the_header_that_rfc_2003_asks_for() {
    let ends = Ends::tcp4().beyond(false);
    let outer = ends.around(&ends.request());
    let frame = outer.bytes();
    let inner = ends.request().bytes();
    assert_eq!(frame[14 + 9], IPIP);
    assert_eq!(frame[14 + 20..], inner[14..]);
    assert_eq!(
        usize::from(frame[16]) << 8 | usize::from(frame[17]),
        inner.len() - 14 + 20
    );
    assert_eq!(inner[14 + 9], TCP);
}
