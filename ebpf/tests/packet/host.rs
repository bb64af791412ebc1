// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The host itself as a client, and backends in its own network: what it sends is
//! turned round at egress and enters like everybody else's.

use std::net::SocketAddr;

use blixt_ebpf::layout::{
    ADDRESS_LOCAL, BACKEND_LOCAL, DELIVERY_HOST, DELIVERY_NEIGH, DELIVERY_STACK,
    DEVICE_BRIDGE_PORT, Device, Drops,
};

use crate::{
    build::{ACK, ECHO_REPLY, ECHO_REPLY_V6, ECHO_REQUEST, ECHO_REQUEST_V6, Icmp, Packet, RST},
    build::{TOO_BIG_V6, UNREACHABLE, fragments},
    harness::{Ends, Forwarding, Lab, bare_reset, with_lab},
};

/// Runs on hosts that forward and that do not. No packet may be dropped.
fn with_ends(ends: fn(Ends) -> Ends, test: impl Fn(&mut Lab, &Ends, Forwarding) + Sync) {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_lab(forwarding, |lab| {
            for ends in Ends::all().map(ends) {
                println!("{ends}, forwarding {forwarding:?}");
                if ends.backend.ip() == ends.host() {
                    serve_by_host(lab, &ends);
                }
                test(lab, &ends, forwarding);
            }
            assert_eq!(lab.drops(), Drops::default());
        });
    }
}

fn serve_by_host(lab: &mut Lab, ends: &Ends) {
    lab.put_backend(ends, |backend| {
        backend.flags |= BACKEND_LOCAL;
        backend.ifindex = 0;
    });
}

/// To the pod from who sent `sent`: the kernel finds the pod where it does not forward.
fn at_pod(lab: &Lab, sent: &Packet, expected: Packet, forwarding: Forwarding) -> Packet {
    match forwarding {
        Forwarding::On => lab.pod.emits(&expected),
        Forwarding::Off => expected.macs(sent.ethernet.source, sent.ethernet.destination),
    }
}

#[test]
#[ignore = "needs root"]
fn the_host_reaches_a_pod_and_gets_its_replies_from_the_service() {
    with_ends(Ends::by_host, |lab, ends, forwarding| {
        for request in [ends.opening(), ends.request()] {
            let expected = request.clone().to(ends.backend).hop();
            let expected = at_pod(lab, &lab.out.turned(&request), expected, forwarding);
            lab.host_sends(&request).is_redirected_as(&expected);
            let reply = ends.reply().from(ends.service).hop();
            lab.pod_sends(&ends.reply())
                .is_redirected_as(&lab.out.turned(&reply));
        }
        let flow = lab.reply_flow(ends).expect("an entry");
        assert_eq!(
            (flow.delivery, flow.ifindex),
            (DELIVERY_HOST, lab.out.ifindex)
        );
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_of_the_host_gets_a_lost_entry_back() {
    with_ends(Ends::by_host, |lab, ends, forwarding| {
        let _ = lab.host_sends(&ends.opening());
        lab.remove_flow(ends.backend, ends.client, ends.protocol);
        lab.outdate(ends.client, ends.service, ends.protocol);
        let expected = ends.request().to(ends.backend).hop();
        let expected = at_pod(lab, &lab.out.turned(&ends.request()), expected, forwarding);
        lab.host_sends(&ends.request()).is_redirected_as(&expected);
        let reply = ends.reply().from(ends.service).hop();
        lab.pod_sends(&ends.reply())
            .is_redirected_as(&lab.out.turned(&reply));
    });
}

#[test]
#[ignore = "needs root"]
fn the_host_hears_a_refusal() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp().map(Ends::by_host) {
            lab.refuse(&ends);
            let syn = ends.opening().numbers(77, 0);
            let reset = bare_reset(ends.service, ends.client)
                .flags(RST | ACK)
                .numbers(0, 78);
            lab.host_sends(&syn)
                .is_redirected_as(&lab.out.turned(&reset));
        }
        assert_eq!(lab.drops().refused_tcp, 2);
    });
}

#[test]
#[ignore = "needs root"]
fn a_client_reaches_a_backend_in_the_hosts_network_through_its_stack() {
    with_ends(Ends::in_host, |lab, ends, forwarding| {
        for request in [ends.opening(), ends.request()] {
            let expected = lab.inbound(&request.clone().to(ends.backend).hop());
            lab.client_sends(&request).is_passed_as(&expected);
            let reply = ends.reply().from(ends.service).hop();
            let expected = match forwarding {
                Forwarding::On => lab.out.emits(&reply),
                Forwarding::Off => lab.out.turned(&reply),
            };
            lab.host_sends(&ends.reply()).is_redirected_as(&expected);
        }
        let flow = lab.forward_flow(ends).expect("an entry");
        assert_eq!(flow.delivery, DELIVERY_STACK);
        assert_eq!(lab.service_stats(ends).tx_packets, 2);
    });
}

#[test]
#[ignore = "needs root"]
fn a_pod_reaches_a_backend_in_the_hosts_network() {
    with_ends(Ends::in_host, |lab, ends, _| {
        let mut ends = ends.clone();
        let pod = Ends::all()
            .into_iter()
            .find(|other| other.service == ends.service && other.protocol == ends.protocol);
        ends.client
            .set_ip(pod.expect("the same service").backend.ip());
        let expected = lab.outbound(&ends.opening().to(ends.backend).hop());
        lab.pod_sends(&ends.opening()).is_passed_as(&expected);
        let reply = lab.pod.emits(&ends.reply());
        let turned = lab.leave(&lab.pod, reply.bytes(), 0);
        turned.is_redirected_as(&lab.pod.turned(&ends.reply()));
        let outcome = lab.receive(&lab.pod, turned.frame);
        assert!(outcome.was_redirected());
    });
}

/// The other end of a flow of the host to itself, as its backend sees it.
fn seen(ends: &Ends) -> SocketAddr {
    (ends.service.ip(), ends.client.port()).into()
}

#[test]
#[ignore = "needs root"]
fn the_host_reaches_itself_by_the_services_address_on_both_sides() {
    with_ends(
        |ends| ends.by_host().in_host(),
        |lab, ends, _| {
            let request = ends.opening();
            let expected = request.clone().from(seen(ends)).to(ends.backend).hop();
            lab.host_sends(&request)
                .is_passed_as(&lab.out.turned(&expected));
            let reply = ends.reply().to(seen(ends));
            let expected = ends.reply().from(ends.service).hop();
            lab.host_sends(&reply)
                .is_redirected_as(&lab.out.turned(&expected));
        },
    );
}

#[test]
#[ignore = "needs root"]
fn fragments_of_the_host_follow_their_first() {
    with_ends(Ends::by_host, |lab, ends, forwarding| {
        let pieces = |packet: Packet| fragments(&packet.payload([0x66; 100]), &[24, 48]);
        let expected = pieces(ends.request().to(ends.backend).hop());
        for (sent, expected) in pieces(ends.request()).iter().zip(expected) {
            let expected = at_pod(lab, &lab.out.turned(sent), expected, forwarding);
            lab.host_sends(sent).is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn fragments_of_a_backend_in_the_hosts_network_follow_their_first() {
    with_ends(Ends::in_host, |lab, ends, _| {
        let _ = lab.client_sends(&ends.opening());
        let pieces = |packet: Packet| fragments(&packet.payload([0x66; 100]), &[24, 48]);
        let expected = pieces(ends.reply().from(ends.service).hop());
        for (sent, expected) in pieces(ends.reply()).iter().zip(expected) {
            let came = lab.host_sends(sent);
            let expected = expected.macs(
                lab.out.mac,
                crate::build::Mac(came.frame[..6].try_into().expect("a frame")),
            );
            came.is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn an_error_of_the_hosts_stack_about_a_packet_of_a_flow_comes_from_the_service() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::in_host) {
            println!("{ends}");
            serve_by_host(lab, &ends);
            let _ = lab.client_sends(&ends.opening());
            let kind = if ends.service.is_ipv4() {
                UNREACHABLE
            } else {
                TOO_BIG_V6
            };
            let error = |from: SocketAddr, about: Packet| {
                let frame = about.bytes();
                Packet::icmp(from.ip(), ends.client.ip(), Icmp::new(kind))
                    .payload(&frame[about.network_at()..])
            };
            let sent = error(ends.backend, ends.request().to(ends.backend));
            let expected = error(ends.service, ends.request()).hop();
            lab.host_sends(&sent)
                .is_redirected_as(&lab.out.emits(&expected));
        }
    });
}

// A closed port of a pod is told of before there is any reply.
#[test]
#[ignore = "needs root"]
fn an_error_that_comes_instead_of_a_reply_reaches_the_host() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::by_host) {
            println!("{ends}");
            let kind = if ends.service.is_ipv4() {
                UNREACHABLE
            } else {
                TOO_BIG_V6
            };
            let error = |from: SocketAddr, about: Packet| {
                let frame = about.bytes();
                Packet::icmp(from.ip(), ends.client.ip(), Icmp::new(kind))
                    .payload(&frame[about.network_at()..])
            };
            let _ = lab.host_sends(&ends.opening());
            let expected = error(ends.service, ends.opening()).hop();
            lab.pod_sends(&error(ends.backend, ends.opening().to(ends.backend)))
                .is_redirected_as(&lab.out.turned(&expected));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_hosts_own_pings_are_answered() {
    with_lab(Forwarding::On, |lab| {
        for (ends, request, reply) in [
            (Ends::tcp4().by_host(), ECHO_REQUEST, ECHO_REPLY),
            (Ends::tcp6().by_host(), ECHO_REQUEST_V6, ECHO_REPLY_V6),
        ] {
            let ping = |from: SocketAddr, to: SocketAddr, kind| {
                Packet::icmp(from.ip(), to.ip(), Icmp::new(kind)).payload(*b"ping")
            };
            let expected = ping(ends.service, ends.client, reply);
            lab.host_sends(&ping(ends.client, ends.service, request))
                .is_redirected_as(&lab.out.turned(&expected));
        }
    });
}

/// Passed as it is, at egress, when the host sends it by the outward interface.
#[track_caller]
fn is_left_alone(lab: &Lab, packet: &Packet) {
    let frame = lab.out.emits(packet).bytes();
    lab.leave(&lab.out, frame, 0).is_passed_untouched();
}

#[test]
#[ignore = "needs root"]
fn egress_leaves_what_came_in_by_an_interface() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            lab.begin(&ends);
            for packet in [ends.request(), ends.reply()] {
                let frame = lab.out.emits(&packet).bytes();
                lab.leave(&lab.out, frame, lab.pod.ifindex)
                    .is_passed_untouched();
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn egress_leaves_the_hosts_other_packets() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::by_host) {
            println!("{ends}");
            is_left_alone(lab, &ends.request().to(ends.backend));
            let elsewhere = ends.request().with_destination(ends.node());
            is_left_alone(lab, &elsewhere);
            for piece in fragments(&elsewhere.payload([0; 100]), &[48]) {
                is_left_alone(lab, &piece);
            }
            for kind in [0, 3, 8, 128, 1, 135] {
                let icmp = Packet::icmp(ends.host(), ends.node(), Icmp::new(kind));
                is_left_alone(lab, &icmp.payload(*b"nothing of a flow is in here"));
            }
            is_left_alone(lab, &Packet::other(47, ends.host(), ends.service.ip()));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn egress_leaves_packets_for_an_address_that_the_host_has() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::by_host) {
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            is_left_alone(lab, &ends.opening());
        }
    });
}

#[test]
#[ignore = "needs root"]
fn egress_leaves_frames_that_end_early() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::by_host) {
            let frame = lab.out.emits(&ends.opening()).bytes();
            let ports = ends.opening().transport_at() + 4;
            for length in 14..ports {
                // The kernel takes no frame without a whole IP header.
                if let Ok(outcome) = lab.try_leave(&lab.out, frame[..length].to_vec(), 0) {
                    outcome.is_passed_untouched();
                }
            }
        }
    });
}

// A port of a bridge has no neighbours of its own.
#[test]
#[ignore = "needs root"]
fn replies_to_a_client_behind_a_bridges_port_leave_by_the_bridge_where_the_host_does_not_forward() {
    with_lab(Forwarding::Off, |lab| {
        let port = Device {
            flags: DEVICE_BRIDGE_PORT,
            mac: lab.node.mac.0,
            pad: [0; 2],
            master: lab.out.ifindex,
        };
        lab.object.put("devices", lab.node.ifindex, port);
        for ends in Ends::all() {
            println!("{ends}");
            let opening = ends.opening().macs(lab.node.neighbour, lab.node.mac);
            let node = lab.node.clone();
            assert!(lab.receive(&node, opening.bytes()).was_redirected());
            assert!(lab.pod_sends(&ends.reply()).was_redirected());
            let flow = lab.reply_flow(&ends).expect("an entry");
            assert_eq!(
                (flow.delivery, flow.ifindex),
                (DELIVERY_NEIGH, lab.out.ifindex)
            );
        }
    });
}
