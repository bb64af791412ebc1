// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The host as a client of an address of its own: what it sends there comes by the
//! loopback interface, and so do the answers.

use std::net::SocketAddr;

use blixt_ebpf::layout::{
    ADDRESS_LOCAL, BACKEND_LOCAL, DELIVERY_HOST, DELIVERY_NEIGH, DELIVERY_STACK, Drops,
};

use crate::{
    build::{ACK, ECHO_REQUEST, ECHO_REQUEST_V6, FIN, Icmp, Mac, Packet, RST, SYN},
    build::{TOO_BIG_V6, UNREACHABLE, fragments},
    harness::{
        Chain, Ends, Forwarding, Lab, Masked, Outcome, Port, SOURCE_PORTS, ip, with_chain,
        with_telling,
    },
    too_big::{sized, told},
};

/// The loopback interface of every network namespace.
const LO: Port = Port {
    ifindex: 1,
    mac: Mac([0; 6]),
    neighbour: Mac([0; 6]),
};

/// The frame of a packet that the host sends over loopback.
fn inside(packet: &Packet) -> Packet {
    packet.clone().macs(LO.mac, LO.mac)
}

/// Receives what the host sends to itself.
fn self_sends(lab: &Lab, packet: &Packet) -> Outcome {
    lab.receive(&LO, inside(packet).bytes())
}

/// The same with the service's address for the client's, as it is when nobody says.
fn own(mut ends: Ends) -> Ends {
    ends.client.set_ip(ends.service.ip());
    ends
}

/// With the service's address on the host, whose clients go by that or by another one of
/// its own. No packet may be dropped.
fn with_own(forwarding: Forwarding, test: impl Fn(&mut Lab, &Ends) + Sync) {
    for client in [own, Ends::by_host] {
        with_chain(Chain::Ingress, forwarding, |lab| {
            for ends in Ends::all().map(client) {
                println!("{ends}, forwarding {forwarding:?}");
                lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
                test(lab, &ends);
            }
            assert_eq!(lab.drops(), Drops::default());
        });
    }
}

/// Both with hosts that forward and that do not.
fn with_any(test: impl Fn(&mut Lab, &Ends, Forwarding) + Sync) {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_own(forwarding, |lab, ends| test(lab, ends, forwarding));
    }
}

/// As it arrives at the pod; the kernel finds that where it does not forward.
fn at_pod(lab: &Lab, expected: Packet, forwarding: Forwarding) -> Packet {
    match forwarding {
        Forwarding::On => lab.pod.emits(&expected),
        Forwarding::Off => inside(&expected),
    }
}

/// A request and a reply, there and back.
fn converse(lab: &Lab, ends: &Ends, request: &Packet, forwarding: Forwarding) {
    let expected = at_pod(lab, request.clone().to(ends.backend).hop(), forwarding);
    self_sends(lab, request).is_redirected_as(&expected);
    let expected = lab.outbound(&ends.reply().from(ends.service).hop());
    lab.pod_sends(&ends.reply()).is_redirected_as(&expected);
}

#[test]
#[ignore = "needs root"]
fn the_host_reaches_a_pod_and_gets_its_replies_over_loopback() {
    with_any(|lab, ends, forwarding| {
        for request in [ends.opening(), ends.request(), ends.request()] {
            converse(lab, ends, &request, forwarding);
        }
        let flow = lab.reply_flow(ends).expect("an entry");
        assert_eq!((flow.delivery, flow.ifindex), (DELIVERY_NEIGH, LO.ifindex));
        assert_eq!(lab.service_stats(ends).tx_packets, 3);
    });
}

#[test]
#[ignore = "needs root"]
fn the_kernel_is_told_to_find_the_route_of_replies() {
    with_telling(Forwarding::On, |lab| {
        for ends in Ends::all().map(own) {
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            let _ = self_sends(lab, &ends.opening());
            let run = lab.pod_sends(&ends.reply());
            assert_eq!(run.action, crate::harness::TO_NEIGHBOUR);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_sum_that_was_made_already_stays_right() {
    with_own(Forwarding::On, |lab, ends| {
        lab.sum_in_hardware();
        converse(lab, ends, &ends.opening(), Forwarding::On);
    });
}

// It may go by a port that is a service's: its replies are none of that one's requests.
#[test]
#[ignore = "needs root"]
fn a_reply_over_loopback_is_the_stacks_whatever_it_looks_like() {
    with_own(Forwarding::On, |lab, ends| {
        let before = lab.flow_entries();
        for port in [ends.client.port(), ends.service.port()] {
            let to = SocketAddr::new(ends.service.ip(), port);
            for packet in [ends.opening(), ends.request()] {
                let reply = packet.from(ends.service).to(to);
                // As no frame looks that the host itself sends there.
                let marked = reply.macs(LO.mac, Mac([2; 6]));
                lab.receive(&LO, marked.bytes()).is_passed_untouched();
            }
        }
        assert_eq!(lab.flow_entries(), before);
    });
}

#[test]
#[ignore = "needs root"]
fn what_else_the_host_says_to_itself_is_left_alone() {
    with_own(Forwarding::On, |lab, ends| {
        let elsewhere = SocketAddr::new(ends.service.ip(), 4_444);
        let ping = if ends.service.is_ipv4() {
            ECHO_REQUEST
        } else {
            ECHO_REQUEST_V6
        };
        let [client, service] = [ends.client, ends.service].map(|end| end.ip());
        for packet in [
            ends.opening().to(elsewhere),
            ends.request().to(elsewhere),
            ends.request().from(elsewhere).to(ends.client),
            Packet::icmp(client, service, Icmp::new(ping)).payload(*b"ping"),
            Packet::other(47, client, service),
        ] {
            self_sends(lab, &packet).is_passed_untouched();
        }
    });
}

// They would come back as packets that the stack lets in from nowhere.
#[test]
#[ignore = "needs root"]
fn a_client_at_a_loopback_address_stays_inside() {
    with_own(Forwarding::On, |lab, ends| {
        let v4 = ends.service.is_ipv4();
        let loopbacks: &[&str] = if v4 {
            &["127.0.0.1", "127.1.2.3"]
        } else {
            &["::1"]
        };
        let before = lab.flow_entries();
        for text in loopbacks {
            let from = SocketAddr::new(text.parse().expect("an address"), 40_000);
            for packet in [ends.opening(), ends.request()] {
                self_sends(lab, &packet.clone().from(from)).is_passed_untouched();
                let among_themselves = packet.from(from).to((from.ip(), 80).into());
                self_sends(lab, &among_themselves).is_passed_untouched();
            }
        }
        assert_eq!(lab.flow_entries(), before);
    });
}

#[test]
#[ignore = "needs root"]
fn the_host_hears_a_refusal() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::all().map(own) {
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            lab.refuse(&ends);
            if !ends.is_tcp() {
                self_sends(lab, &ends.opening()).is_dropped();
                continue;
            }
            let reset = bare_reset_of(&ends).numbers(0, 78);
            self_sends(lab, &ends.opening().numbers(77, 0)).is_redirected_as(&inside(&reset));
        }
        let drops = lab.drops();
        assert_eq!((drops.refused_tcp, drops.refused_udp), (2, 2));
    });
}

fn bare_reset_of(ends: &Ends) -> Packet {
    crate::harness::bare_reset(ends.service, ends.client).flags(RST | ACK)
}

#[test]
#[ignore = "needs root"]
fn a_backend_in_the_hosts_network_is_reached_where_the_packet_is() {
    with_any(|lab, ends, _| {
        let ends = ends.clone().in_host();
        lab.put_backend(&ends, |backend| {
            backend.flags |= BACKEND_LOCAL;
            backend.ifindex = 0;
        });
        // To a backend that has the client's own address, the service's stands for it.
        let seen = SocketAddr::new(ends.service.ip(), ends.client.port());
        for request in [ends.opening(), ends.request()] {
            let expected = request.clone().from(seen).to(ends.backend).hop();
            self_sends(lab, &request).is_passed_as(&inside(&expected));
            let expected = inside(&ends.reply().from(ends.service).hop());
            self_sends(lab, &ends.reply().to(seen)).is_redirected_as(&expected);
        }
        let flow = lab.forward_flow(&ends).expect("an entry");
        assert_eq!(flow.delivery, DELIVERY_STACK);
    });
}

#[test]
#[ignore = "needs root"]
fn a_lost_entry_comes_back() {
    with_any(|lab, ends, forwarding| {
        converse(lab, ends, &ends.opening(), forwarding);
        lab.remove_flow(ends.backend, ends.client, ends.protocol);
        lab.outdate(ends.client, ends.service, ends.protocol);
        converse(lab, ends, &ends.request(), forwarding);
        lab.remove_flow(ends.client, ends.service, ends.protocol);
        lab.outdate(ends.backend, ends.client, ends.protocol);
        assert!(lab.pod_sends(&ends.reply()).was_redirected());
        converse(lab, ends, &ends.request(), forwarding);
    });
}

#[test]
#[ignore = "needs root"]
fn an_end_closes_both_directions() {
    with_own(Forwarding::On, |lab, ends| {
        if !ends.is_tcp() {
            return;
        }
        converse(lab, ends, &ends.opening(), Forwarding::On);
        let _ = self_sends(lab, &ends.request().flags(FIN | ACK));
        let _ = lab.pod_sends(&ends.reply().flags(FIN | ACK));
        let states = [lab.forward_flow(ends), lab.reply_flow(ends)];
        let states = states.map(|flow| flow.expect("an entry").state);
        assert_eq!(states, [blixt_ebpf::layout::STATE_CLOSED; 2]);
    });
}

#[test]
#[ignore = "needs root"]
fn fragments_follow_their_first_both_ways() {
    with_own(Forwarding::On, |lab, ends| {
        let pieces = |packet: Packet| fragments(&packet.payload([0x66; 100]), &[24, 48]);
        let expected = pieces(ends.request().to(ends.backend).hop());
        for (sent, expected) in pieces(ends.request()).iter().zip(expected) {
            self_sends(lab, sent).is_redirected_as(&lab.pod.emits(&expected));
        }
        let expected = pieces(ends.reply().from(ends.service).hop());
        for (sent, expected) in pieces(ends.reply()).iter().zip(expected) {
            lab.pod_sends(sent)
                .is_redirected_as(&lab.outbound(&expected));
        }
    });
}

/// An error from `from` to `to` about a packet.
fn error(from: SocketAddr, to: SocketAddr, about: &Packet) -> Packet {
    let kind = if from.is_ipv4() {
        UNREACHABLE
    } else {
        TOO_BIG_V6
    };
    let frame = about.bytes();
    Packet::icmp(from.ip(), to.ip(), Icmp::new(kind)).payload(&frame[about.network_at()..])
}

#[test]
#[ignore = "needs root"]
fn an_error_that_comes_instead_of_a_reply_comes_over_loopback() {
    with_own(Forwarding::On, |lab, ends| {
        let opening = ends.opening();
        let _ = self_sends(lab, &opening);
        let about = opening.clone().to(ends.backend);
        let expected = error(ends.service, ends.client, &opening).hop();
        lab.pod_sends(&error(ends.backend, ends.client, &about))
            .is_redirected_as(&lab.outbound(&expected));
    });
}

#[test]
#[ignore = "needs root"]
fn the_clients_error_about_a_reply_reaches_the_pod() {
    with_own(Forwarding::On, |lab, ends| {
        converse(lab, ends, &ends.opening(), Forwarding::On);
        let reply = ends.reply();
        let sent = error(ends.client, ends.service, &reply.clone().from(ends.service));
        let expected = error(ends.client, ends.backend, &reply).hop();
        self_sends(lab, &sent).is_redirected_as(&lab.pod.emits(&expected));
    });
}

#[test]
#[ignore = "needs root"]
fn the_host_hears_how_much_the_way_to_the_backend_takes() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_chain(Chain::Ingress, forwarding, |lab| {
            ip("link set node0 mtu 1400");
            for ends in Ends::all().map(own).map(Ends::routed) {
                println!("{ends}, forwarding {forwarding:?}");
                lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
                let node = lab.node.ifindex;
                lab.choose(&ends);
                lab.put_backend(&ends, |backend| backend.ifindex = node);
                let _ = self_sends(lab, &ends.opening());
                let request = sized(ends.request(), 1_401);
                let expected = inside(&told(&inside(&request), 1_400));
                self_sends(lab, &request).is_redirected_as(&expected);
            }
        });
    }
}

#[test]
#[ignore = "needs root"]
fn a_pod_that_reaches_itself_and_the_host_are_not_taken_for_each_other() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::all() {
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            let mut pod = ends.clone();
            pod.client.set_ip(ends.backend.ip());
            let host = own(ends);
            // By the same port, the backend could not tell them apart.
            let at = host.opening().transport_at();
            let port = |frame: &[u8]| u16::from_be_bytes([frame[at], frame[at + 1]]);
            let first = self_sends(lab, &host.opening());
            assert_eq!(port(&first.frame), host.client.port());
            let second = lab.pod_sends(&pod.opening());
            assert!(second.was_redirected());
            assert!(SOURCE_PORTS.contains(&port(&second.frame)));
            let [pod, host] = [pod, host].map(|ends| ends.client_port(41_000));
            assert_eq!(port(&lab.pod_sends(&pod.opening()).frame), 41_000);
            let second = self_sends(lab, &host.opening());
            assert!(SOURCE_PORTS.contains(&port(&second.frame)));
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn another_node_answers_a_client_with_the_services_address_on_the_wire() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::all().map(own).map(Ends::remote) {
            println!("{ends}");
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            lab.choose(&ends);
            let answer = lab.across(&ends.reply().from(ends.service));
            // Nobody has asked.
            lab.receive(&lab.node, answer.bytes()).is_passed_untouched();
            for request in [ends.opening(), ends.request()] {
                let expected = lab.node.emits(&request.clone().hop());
                self_sends(lab, &request).is_redirected_as(&expected);
            }
            lab.receive(&lab.node, answer.bytes())
                .is_redirected_as(&answer);
            let other = lab.across(&ends.clone().client_port(9).reply().from(ends.service));
            lab.receive(&lab.node, other.bytes()).is_passed_untouched();
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// On the node that has the backend: the address is another's there.
#[test]
#[ignore = "needs root"]
fn a_client_of_another_node_with_the_services_address_gets_its_replies() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for mut ends in Ends::all() {
            println!("{ends}");
            // Behind the other node, as a route says.
            let far = ends.clone().far_client().client.ip();
            ends.service.set_ip(far);
            lab.serve(&ends);
            let ends = own(ends);
            for request in [ends.opening(), ends.request()] {
                let expected = lab.pod.emits(&request.clone().to(ends.backend).hop());
                lab.receive(&lab.node, lab.across(&request).bytes())
                    .is_redirected_as(&expected);
                let expected = lab.node.emits(&ends.reply().from(ends.service).hop());
                lab.pod_sends(&ends.reply()).is_redirected_as(&expected);
            }
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn replies_of_a_backend_that_takes_the_node_for_its_client_come_over_loopback() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::all().map(own).map(Ends::snat) {
            println!("{ends}");
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            lab.choose(&ends);
            let outcome = self_sends(lab, &ends.opening());
            assert!(outcome.was_redirected());
            let masked = Masked::of(&ends, &outcome);
            let answer = lab.across(&masked.answer(&ends.reply()));
            let expected = lab.across(&masked.returned(&ends.reply()));
            lab.receive(&lab.node, answer.bytes())
                .is_redirected_as(&expected);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn an_answer_to_a_syn_is_the_clients() {
    with_own(Forwarding::On, |lab, ends| {
        if !ends.is_tcp() {
            return;
        }
        let _ = self_sends(lab, &ends.opening());
        let answer = ends.reply().payload([]).flags(SYN | ACK).numbers(7, 0);
        let expected = lab.outbound(&answer.clone().from(ends.service).hop());
        lab.pod_sends(&answer).is_redirected_as(&expected);
        let last = ends.request().payload([]).flags(ACK).numbers(0, 8);
        assert!(self_sends(lab, &last).was_redirected());
        assert!(!lab.is_pending(ends));
        assert_ne!(
            lab.reply_flow(ends).expect("an entry").delivery,
            DELIVERY_HOST
        );
    });
}
