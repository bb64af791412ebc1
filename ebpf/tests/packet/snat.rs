// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Backends on other nodes that take this node for their client.

use blixt_ebpf::layout::{
    DIRECTION_FORWARD, DIRECTION_REPLY, DIRECTION_SNAT, Drops, Flow, STATE_CLOSE_WAIT,
    STATE_CLOSED, STATE_FIN_WAIT,
};

use crate::{
    build::{ACK, FIN, Packet, RST, SYN, fragments},
    harness::{Ends, Forwarding, Lab, Masked, Outcome, address, ip, with_lab},
};

/// Runs the test with each service's backend on the other node, and expects no drops.
pub fn with_snat(forwarding: Forwarding, test: impl Fn(&mut Lab, &Ends) + Sync) {
    with_lab(forwarding, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            test(lab, &ends);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

/// Receives what the backend's node, or a router before it, sends.
pub fn node_sends(lab: &Lab, packet: &Packet) -> Outcome {
    lab.receive(&lab.node, lab.across(packet).bytes())
}

/// A request and a reply, there and back.
#[track_caller]
pub fn converse(lab: &Lab, masked: &Masked) {
    let Masked { ends, .. } = masked;
    let expected = lab.node.emits(&masked.arriving(&ends.request()));
    lab.client_sends(&ends.request())
        .is_redirected_as(&expected);
    let expected = lab.out.emits(&masked.returned(&ends.reply()));
    node_sends(lab, &masked.answer(&ends.reply())).is_redirected_as(&expected);
}

/// Makes the flow one that is no more pending.
pub fn settle(lab: &Lab, masked: &Masked) {
    let ends = &masked.ends;
    if !ends.is_tcp() {
        for _ in 0..4 {
            assert!(lab.client_sends(&ends.request()).was_redirected());
        }
        return;
    }
    let answer = ends.reply().payload([]).flags(SYN | ACK).numbers(7, 0);
    assert!(node_sends(lab, &masked.answer(&answer)).was_redirected());
    let last = ends.request().payload([]).flags(ACK).numbers(0, 8);
    assert!(lab.client_sends(&last).was_redirected());
}

/// A flow's entries: those of both directions, and those beside them.
pub fn entries(lab: &mut Lab, masked: &Masked) -> [Option<Flow>; 4] {
    let protocol = masked.ends.protocol;
    let [(client, service), (backend, source)] = masked.ways();
    [
        lab.flow(client, service, protocol),
        lab.flow(backend, source, protocol),
        lab.other_end(client, service, protocol),
        lab.other_end(backend, source, protocol),
    ]
}

#[test]
#[ignore = "needs root"]
fn ingress_writes_both_ends_of_requests_and_of_replies() {
    with_snat(Forwarding::On, |lab, ends| {
        let masked = lab.mask(ends);
        // Pending at first, settled then.
        converse(lab, &masked);
        settle(lab, &masked);
        assert_eq!(lab.pending_entries(), 0);
        converse(lab, &masked);
    });
}

#[test]
#[ignore = "needs root"]
fn both_ends_change_where_the_host_does_not_forward() {
    with_lab(Forwarding::Off, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let outcome = lab.client_sends(&ends.opening());
            let masked = Masked::of(&ends, &outcome);
            // The kernel finds the neighbours after the program.
            let sent = lab.inbound(&masked.arriving(&ends.opening()));
            outcome.is_redirected_as(&sent);
            let sent = lab.across(&masked.returned(&ends.reply()));
            node_sends(lab, &masked.answer(&ends.reply())).is_redirected_as(&sent);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn the_sum_that_hardware_made_stays_right() {
    with_snat(Forwarding::On, |lab, ends| {
        lab.sum_in_hardware();
        converse(lab, &lab.mask(ends));
    });
}

#[test]
#[ignore = "needs root"]
fn a_datagram_without_checksum_stays_without() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::udp4().snat();
        lab.choose(&ends);
        let masked = lab.mask(&ends);
        let bare =
            |packet: Packet| packet.with_udp(|udp| udp.checksum = crate::build::Field::Exactly(0));
        let expected = lab.node.emits(&bare(masked.arriving(&ends.request())));
        lab.client_sends(&bare(ends.request()))
            .is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_has_an_entry_beside_that_of_each_direction() {
    with_snat(Forwarding::On, |lab, ends| {
        let before = lab.flow_entries();
        let masked = lab.mask(ends);
        assert_eq!(lab.flow_entries(), before + 4);
        let [forward, reply, forward_end, reply_end] =
            entries(lab, &masked).map(|entry| entry.expect("an entry"));
        assert_eq!(
            [forward.direction, reply.direction],
            [DIRECTION_FORWARD, DIRECTION_REPLY].map(|way| way | DIRECTION_SNAT)
        );
        for (entry, to) in [
            (forward, ends.backend),
            (reply, ends.service),
            (forward_end, masked.source),
            (reply_end, ends.client),
        ] {
            assert_eq!(
                (entry.address, entry.port),
                (address(to.ip()), to.port().to_be())
            );
        }
        settle(lab, &masked);
        assert_eq!((lab.flow_entries(), lab.pending_entries()), (before + 4, 0));
        assert!(entries(lab, &masked).iter().all(Option::is_some));
        assert_eq!(lab.service_stats(ends).flows, 1);
    });
}

#[test]
#[ignore = "needs root"]
fn packets_count_for_service_and_backend_in_their_direction() {
    with_snat(Forwarding::On, |lab, ends| {
        converse(lab, &lab.mask(ends));
        let bytes = ends.opening().ip_length() + ends.request().ip_length();
        for stats in [lab.service_stats(ends), lab.backend_stats(ends)] {
            assert_eq!((stats.rx_packets, stats.rx_bytes), (2, bytes as u64));
            let bytes = ends.reply().ip_length() as u64;
            assert_eq!((stats.tx_packets, stats.tx_bytes), (1, bytes));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_fin_or_a_reset_of_either_side_closes_both_directions() {
    with_lab(Forwarding::On, |lab| {
        for flags in [FIN | ACK, RST | ACK] {
            for (ends, port) in Ends::tcp()
                .into_iter()
                .flat_map(|ends| [(ends.clone(), 40_000), (ends, 40_001)])
            {
                let ends = ends.snat().client_port(port);
                println!("{ends}");
                lab.choose(&ends);
                let masked = lab.mask(&ends);
                settle(lab, &masked);
                let outcome = match port {
                    40_000 => lab.client_sends(&ends.request().flags(flags)),
                    _ => node_sends(lab, &masked.answer(&ends.reply().flags(flags))),
                };
                assert!(outcome.was_redirected());
                let [forward, reply, ..] = entries(lab, &masked).map(Option::unwrap);
                let expected = match (flags & RST != 0, port) {
                    (true, _) => [STATE_CLOSED; 2],
                    (false, 40_000) => [STATE_FIN_WAIT, STATE_CLOSE_WAIT],
                    (false, _) => [STATE_CLOSE_WAIT, STATE_FIN_WAIT],
                };
                assert_eq!([forward.state, reply.state], expected);
            }
        }
    });
}

// Full tables forget what was not used for long, each by itself.
#[test]
#[ignore = "needs root"]
fn what_is_forgotten_of_a_flow_is_written_again_by_the_other_direction() {
    with_snat(Forwarding::On, |lab, ends| {
        for (port, settled) in [(40_000, false), (40_001, true)] {
            let ends = ends.clone().client_port(port);
            let masked = lab.mask(&ends);
            if settled {
                settle(lab, &masked);
            }
            converse(lab, &masked);
            let [request, reply] = masked.ways();
            for ((from, to), (other_from, other_to)) in [(request, reply), (reply, request)] {
                for both in [false, true] {
                    lab.forget_other_end(other_from, other_to, ends.protocol);
                    if both {
                        lab.remove_flow(other_from, other_to, ends.protocol);
                    }
                    lab.outdate(from, to, ends.protocol);
                    let outcome = match from == ends.client {
                        true => lab.client_sends(&ends.request()),
                        false => node_sends(lab, &masked.answer(&ends.reply())),
                    };
                    assert!(outcome.was_redirected());
                    assert!(entries(lab, &masked).iter().all(Option::is_some));
                    converse(lab, &masked);
                }
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_client_whose_flow_is_forgotten_goes_on_by_the_same_port() {
    with_snat(Forwarding::On, |lab, ends| {
        let masked = lab.mask(ends);
        settle(lab, &masked);
        for (from, to) in masked.ways() {
            lab.remove_flow(from, to, ends.protocol);
            lab.forget_other_end(from, to, ends.protocol);
        }
        converse(lab, &masked);
        // Of the client's half alone, that of replies still stands.
        let [(from, to), _] = masked.ways();
        lab.remove_flow(from, to, ends.protocol);
        converse(lab, &masked);
    });
}

#[test]
#[ignore = "needs root"]
fn a_packet_whose_other_end_is_forgotten_lets_the_next_begin_the_flow_again() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let masked = lab.mask(&ends);
            settle(lab, &masked);
            let [(from, to), _] = masked.ways();
            lab.forget_other_end(from, to, ends.protocol);
            lab.client_sends(&ends.request()).is_dropped();
            converse(lab, &masked);
        }
        assert_eq!(lab.drops().rewrite_failed, 4);
    });
}

#[test]
#[ignore = "needs root"]
fn fragments_of_both_directions_follow_their_first() {
    with_snat(Forwarding::On, |lab, ends| {
        let cuts: &[usize] = &[24, 48];
        let masked = lab.mask(ends);
        let request = ends.request().payload([0x66; 100]);
        let expected = fragments(&masked.arriving(&request), cuts);
        for (sent, expected) in fragments(&request, cuts).iter().zip(&expected) {
            lab.client_sends(sent)
                .is_redirected_as(&lab.node.emits(expected));
        }
        let reply = ends.reply().payload([0x77; 100]);
        let expected = fragments(&masked.returned(&reply), cuts);
        let sent = fragments(&masked.answer(&reply), cuts);
        for (sent, expected) in sent.iter().zip(&expected) {
            node_sends(lab, sent).is_redirected_as(&lab.out.emits(expected));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_request_that_the_way_does_not_take_is_answered_with_its_length() {
    with_lab(Forwarding::On, |lab| {
        ip("link set node0 mtu 1300");
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            lab.mask(&ends);
            let long = lab.inbound(&ends.request().payload([0; 1_300]));
            let outcome = lab.receive(&lab.out, long.bytes());
            assert!(outcome.was_redirected());
            assert_eq!(
                outcome.frame[..6],
                lab.out.neighbour.0,
                "back to the client"
            );
        }
        assert_eq!(lab.drops().too_big, 4);
    });
}

// The pod asks by way of another node, which does not know that it has it.
#[test]
#[ignore = "needs root"]
fn a_backend_that_is_the_client_too_sees_this_node() {
    with_snat(Forwarding::On, |lab, ends| {
        let mut itself = ends.clone();
        itself.client.set_ip(ends.backend.ip());
        let outcome = node_sends(lab, &itself.opening());
        assert!(outcome.was_redirected());
        let masked = Masked::of(&itself, &outcome);
        outcome.is_redirected_as(&lab.node.emits(&masked.arriving(&itself.opening())));
        let expected = lab.node.emits(&masked.returned(&itself.reply()));
        node_sends(lab, &masked.answer(&itself.reply())).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn the_host_itself_goes_by_another_port_and_gets_replies_from_the_service() {
    with_snat(Forwarding::On, |lab, ends| {
        let ends = ends.clone().by_host();
        let outcome = lab.host_sends(&ends.opening());
        let masked = Masked::of(&ends, &outcome);
        outcome.is_redirected_as(&lab.node.emits(&masked.arriving(&ends.opening())));
        for _ in 0..2 {
            let expected = lab.node.emits(&masked.arriving(&ends.request()));
            lab.host_sends(&ends.request()).is_redirected_as(&expected);
            let expected = lab.out.turned(&masked.returned(&ends.reply()));
            node_sends(lab, &masked.answer(&ends.reply())).is_redirected_as(&expected);
        }
    });
}

// A Gateway may have the node's own address.
#[test]
#[ignore = "needs root"]
fn a_service_at_the_address_that_stands_for_clients_is_told_from_them() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            let mut ends = ends;
            ends.service.set_ip(ends.snat.unwrap());
            println!("{ends}");
            lab.serve(&ends);
            lab.choose(&ends);
            converse(lab, &lab.mask(&ends));
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_ends_when_its_backend_comes_to_be_reached_otherwise() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let masked = lab.mask(&ends);
            settle(lab, &masked);
            lab.put_backend(&ends, |backend| backend.epoch += 1);
            // A reset goes to the client; what the pod still says goes there as well.
            let outcome = lab.client_sends(&ends.request());
            assert_eq!(outcome.frame[..6], lab.out.neighbour.0);
            assert_eq!(
                lab.drops().backend_gone % 2,
                u64::from(ends.client.is_ipv4())
            );
            assert!(lab.forward_flow(&ends).is_none());
        }
    });
}
