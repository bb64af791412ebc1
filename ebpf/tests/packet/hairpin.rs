// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A pod that reaches itself through a service: the service's address stands for
//! the other end on both sides.

use std::net::SocketAddr;

use blixt_ebpf::layout::{Drops, Flow, STATE_CLOSE_WAIT, STATE_CLOSED, STATE_FIN_WAIT};

use crate::{
    build::{FIN, Field, Icmp, Packet, RST, TOO_BIG_V6, UNREACHABLE, fragments},
    harness::{Ends, Forwarding, Lab, with_lab},
};

const PORT: u16 = 50_000;

/// The pod is the client of its own service.
fn of_itself(ends: Ends) -> Ends {
    Ends {
        client: (ends.backend.ip(), PORT).into(),
        ..ends
    }
}

/// The client, as the pod sees it.
fn seen(ends: &Ends) -> SocketAddr {
    (ends.service.ip(), PORT).into()
}

/// What the pod gets of its own request.
fn request_seen(ends: &Ends, request: &Packet) -> Packet {
    request.clone().from(seen(ends)).to(ends.backend).hop()
}

/// The pod's answer to that, and what it gets of it as a client.
fn answer(ends: &Ends, packet: &Packet) -> (Packet, Packet) {
    let sent = packet.clone().from(ends.backend).to(seen(ends));
    let got = packet.clone().from(ends.service).to(ends.client).hop();
    (sent, got)
}

fn with_hairpins(forwarding: Forwarding, test: impl Fn(&mut Lab, &Ends) + Sync) {
    with_lab(forwarding, |lab| {
        for ends in Ends::all().map(of_itself) {
            println!("{ends}");
            test(lab, &ends);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

fn entries(lab: &mut Lab, ends: &Ends) -> [Flow; 2] {
    [(ends.client, ends.service), (ends.backend, seen(ends))].map(|(from, to)| {
        lab.flow(from, to, ends.protocol)
            .expect("an entry each way")
    })
}

#[test]
#[ignore = "needs root"]
fn ingress_gives_a_pod_that_reaches_itself_the_services_address_as_the_other_end() {
    with_hairpins(Forwarding::On, |lab, ends| {
        for request in [ends.opening(), ends.request()] {
            let expected = lab.pod.emits(&request_seen(ends, &request));
            lab.pod_sends(&request).is_redirected_as(&expected);
            let (sent, got) = answer(ends, &ends.reply());
            lab.pod_sends(&sent).is_redirected_as(&lab.pod.emits(&got));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_kernel_finds_the_pod_that_reaches_itself_where_the_host_does_not_forward() {
    with_hairpins(Forwarding::Off, |lab, ends| {
        let sent = lab.outbound(&ends.opening());
        lab.pod_sends(&sent)
            .is_redirected_as(&request_seen(ends, &sent));
        let (sent, got) = answer(ends, &lab.outbound(&ends.reply()));
        lab.pod_sends(&sent).is_redirected_as(&got);
    });
}

#[test]
#[ignore = "needs root"]
fn the_sum_that_hardware_made_stays_right_in_a_hairpin() {
    with_hairpins(Forwarding::On, |lab, ends| {
        lab.sum_in_hardware();
        let expected = lab.pod.emits(&request_seen(ends, &ends.opening()));
        lab.pod_sends(&ends.opening()).is_redirected_as(&expected);
        let (sent, got) = answer(ends, &ends.reply());
        lab.pod_sends(&sent).is_redirected_as(&lab.pod.emits(&got));
    });
}

#[test]
#[ignore = "needs root"]
fn a_datagram_without_a_checksum_stays_without_in_a_hairpin() {
    with_hairpins(Forwarding::On, |lab, ends| {
        if ends.is_tcp() || ends.service.is_ipv6() {
            return;
        }
        let bare = |packet: Packet| packet.with_udp(|udp| udp.checksum = Field::Exactly(0));
        let request = ends.request();
        let expected = bare(lab.pod.emits(&request_seen(ends, &request)));
        lab.pod_sends(&bare(request)).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn fragments_of_a_hairpin_follow_their_first_both_ways() {
    with_hairpins(Forwarding::On, |lab, ends| {
        let pieces = |packet: &Packet| fragments(&packet.clone().payload([0x66; 100]), &[24, 48]);
        let (answer, got) = answer(ends, &ends.reply());
        let request = ends.request();
        for (sent, got) in [
            (pieces(&request), pieces(&request_seen(ends, &request))),
            (pieces(&answer), pieces(&got)),
        ] {
            for (sent, got) in sent.iter().zip(got) {
                lab.pod_sends(sent).is_redirected_as(&lab.pod.emits(&got));
            }
        }
    });
}

/// An error of the pod about `packet`, with so much of it.
fn error(ends: &Ends, from: &Ends, packet: &Packet, length: usize) -> Packet {
    let frame = packet.bytes();
    let embedded = &frame[packet.network_at()..];
    let kind = if ends.service.is_ipv4() {
        UNREACHABLE
    } else {
        TOO_BIG_V6
    };
    let mut icmp = Icmp::new(kind);
    icmp.rest = [0, 0, 5, 0];
    Packet::icmp(from.client.ip(), from.service.ip(), icmp)
        .payload(&embedded[..length.min(embedded.len())])
}

#[test]
#[ignore = "needs root"]
fn errors_in_a_hairpin_carry_what_the_pod_sent() {
    with_hairpins(Forwarding::On, |lab, ends| {
        let request = ends.request().payload([0x77; 600]);
        assert!(lab.pod_sends(&request).was_redirected());
        let (sent, got) = answer(ends, &ends.reply().payload([0x77; 600]));
        // As who got a packet complains, with the TTL that it came with; as who sent
        // it hears of it, with the same, which a router would have counted down too.
        let there = (request_seen(ends, &request), request.hop());
        let back = (got, sent.hop());
        let mirrored = Ends {
            client: ends.service,
            service: ends.client,
            ..ends.clone()
        };
        for (about, original) in [there, back] {
            let header = about.transport_at() - about.network_at();
            for length in [header + 4, header + 8, header + 18, usize::MAX] {
                let complaint = error(ends, ends, &about, length);
                let expected = lab
                    .pod
                    .emits(&error(ends, &mirrored, &original, length).hop());
                lab.pod_sends(&complaint).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn an_error_in_a_hairpin_from_somebody_else_is_dropped() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(of_itself) {
            assert!(lab.pod_sends(&ends.request()).was_redirected());
            let about = request_seen(&ends, &ends.request());
            let stranger = Ends {
                client: Ends::all()
                    .into_iter()
                    .find(|other| other.client.is_ipv4() == ends.client.is_ipv4())
                    .expect("a client of that family")
                    .client,
                ..ends.clone()
            };
            lab.client_sends(&error(&ends, &stranger, &about, usize::MAX))
                .is_dropped();
        }
        assert_eq!(lab.drops().rewrite_failed, 4);
    });
}

#[test]
#[ignore = "needs root"]
fn a_hairpin_ends_on_both_sides_and_begins_anew() {
    with_hairpins(Forwarding::On, |lab, ends| {
        if !ends.is_tcp() {
            return;
        }
        for (end, states) in [
            (FIN, [STATE_CLOSE_WAIT, STATE_FIN_WAIT]),
            (RST, [STATE_CLOSED, STATE_CLOSED]),
        ] {
            assert!(lab.pod_sends(&ends.opening()).was_redirected());
            let (sent, _) = answer(ends, &ends.reply().flags(end));
            assert!(lab.pod_sends(&sent).was_redirected());
            assert_eq!(entries(lab, ends).map(|entry| entry.state), states);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_lost_entry_of_a_hairpin_comes_back_within_a_second() {
    with_hairpins(Forwarding::On, |lab, ends| {
        assert!(lab.pod_sends(&ends.opening()).was_redirected());
        let (sent, got) = answer(ends, &ends.reply());
        let back = (ends.backend, seen(ends));
        let there = (ends.client, ends.service);
        assert!(lab.pod_sends(&sent).was_redirected());
        for (lost, kept, packet, expected) in [
            (
                back,
                there,
                ends.request(),
                request_seen(ends, &ends.request()),
            ),
            (there, back, sent, got),
        ] {
            lab.remove_flow(lost.0, lost.1, ends.protocol);
            lab.outdate(kept.0, kept.1, ends.protocol);
            lab.pod_sends(&packet)
                .is_redirected_as(&lab.pod.emits(&expected));
            assert!(lab.flow(lost.0, lost.1, ends.protocol).is_some());
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_hairpin_through_another_service_of_the_same_port_and_pod_is_told_apart() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp().map(of_itself) {
            println!("{ends}");
            assert!(lab.pod_sends(&ends.opening()).was_redirected());
            let mut other = ends.clone();
            other.service.set_port(81);
            other.service_id += 50;
            other.table += 50;
            lab.serve(&other);
            let masked = lab.begin_by_another_port(&other);
            lab.pod_sends(&masked.answer(&other.reply()))
                .is_redirected_as(&lab.pod.emits(&masked.returned(&other.reply())));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_hairpin_whose_backend_is_gone_is_reset() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp().map(of_itself) {
            println!("{ends}");
            assert!(lab.pod_sends(&ends.opening()).was_redirected());
            let before = lab.flow_entries();
            lab.remove_backend(&ends);
            assert!(lab.pod_sends(&ends.request()).was_redirected());
            assert_eq!(lab.flow_entries(), before - 2);
        }
        assert_eq!(lab.drops().backend_gone, 2);
    });
}
