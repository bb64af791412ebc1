// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Backends on other nodes: packets go to the node as they came, and it answers
//! the client itself.

use blixt_ebpf::layout::{DELIVERY_MAC, DELIVERY_NEIGH, Drops};

use crate::{
    build::{FIN, Packet, fragments},
    harness::{Ends, Forwarding, Lab, SLOTS, address, with_lab},
};

fn with_remote(forwarding: Forwarding, test: impl Fn(&mut Lab, &Ends) + Sync) {
    with_lab(forwarding, |lab| {
        for ends in Ends::all().map(Ends::remote) {
            println!("{ends}");
            lab.choose(&ends);
            test(lab, &ends);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_sends_packets_to_the_node_with_their_destination_intact() {
    with_remote(Forwarding::On, |lab, ends| {
        for packet in [ends.opening(), ends.request(), ends.request()] {
            let expected = lab.node.emits(&packet.clone().hop());
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
fn a_remote_flow_has_no_entry_for_replies_and_is_counted() {
    with_remote(Forwarding::On, |lab, ends| {
        let before = lab.flow_entries();
        lab.begin(ends);
        // Once a second an entry's twin is looked after.
        lab.outdate(ends.client, ends.service, ends.protocol);
        assert!(lab.client_sends(&ends.request()).was_redirected());
        assert_eq!(lab.flow_entries(), before + 1);
        let bytes = ends.opening().ip_length() + ends.request().ip_length();
        for stats in [lab.service_stats(ends), lab.backend_stats(ends)] {
            assert_eq!(
                (
                    stats.flows,
                    stats.rx_packets,
                    stats.rx_bytes,
                    stats.tx_packets
                ),
                (1, 2, bytes as u64, 0)
            );
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_kernel_finds_the_node_where_the_host_does_not_forward() {
    with_remote(Forwarding::Off, |lab, ends| {
        let sent = lab.inbound(&ends.opening());
        lab.client_sends(&sent)
            .is_redirected_as(&sent.clone().hop());
        let flow = lab.forward_flow(ends).expect("an entry");
        assert_eq!(
            (flow.delivery, flow.ifindex),
            (DELIVERY_NEIGH, lab.node.ifindex)
        );
    });
}

#[test]
#[ignore = "needs root"]
fn fragments_follow_to_the_node() {
    with_remote(Forwarding::On, |lab, ends| {
        let pieces = |packet: Packet| fragments(&packet.payload([0x66; 100]), &[24, 48]);
        let expected = pieces(ends.request().hop());
        for (sent, expected) in pieces(ends.request()).iter().zip(expected) {
            lab.client_sends(sent)
                .is_redirected_as(&lab.node.emits(&expected));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_sum_that_hardware_made_stays_right_on_the_way_to_the_node() {
    with_remote(Forwarding::On, |lab, ends| {
        lab.sum_in_hardware();
        let expected = lab.node.emits(&ends.opening().hop());
        lab.client_sends(&ends.opening())
            .is_redirected_as(&expected);
    });
}

// The one client's socket may talk to one backend through two services: it is
// for the backend's node to tell whether it can.
#[test]
#[ignore = "needs root"]
fn two_services_may_share_a_remote_backend() {
    with_remote(Forwarding::On, |lab, ends| {
        lab.begin(ends);
        let mut other = ends.clone();
        other.service.set_port(81);
        other.service_id += 50;
        other.table += 50;
        lab.serve(&other);
        let expected = lab.node.emits(&other.opening().hop());
        lab.client_sends(&other.opening())
            .is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn a_remote_connection_that_ended_may_begin_with_a_local_backend() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            let remote = ends.second_backend().remote();
            lab.choose(&remote);
            lab.begin(&remote);
            let closing = remote.request().flags(FIN);
            lab.client_sends(&closing)
                .is_redirected_as(&lab.node.emits(&closing.clone().hop()));
            lab.choose(&ends);
            lab.client_reaches(&ends.opening(), &ends);
        }
    });
}

// Its first packet came while tables changed, and nodes sent it to each other.
#[test]
#[ignore = "needs root"]
fn a_remote_connection_that_is_asked_for_again_gets_the_backend_of_the_table_now() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            let remote = ends.second_backend().remote();
            lab.choose(&remote);
            lab.begin(&remote);
            assert!(lab.client_sends(&ends.opening()).was_redirected());
            assert_eq!(lab.service_stats(&ends).flows, 1);
            lab.choose(&ends);
            lab.client_reaches(&ends.opening(), &ends);
            assert_eq!(lab.service_stats(&ends).flows, 2);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// Datagrams are never asked for again: without this they would go in circles for as
// long as their client has any.
#[test]
#[ignore = "needs root"]
fn what_nodes_sent_to_each_other_while_tables_changed_goes_where_the_table_says_now() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let remote = ends.second_backend().remote();
            lab.choose(&remote);
            lab.begin(&remote);
            let back = remote.opening().hop().hop();
            let came = lab.across(&back);
            lab.receive(&lab.node, came.bytes())
                .is_redirected_as(&lab.node.emits(&back.clone().hop()));
            lab.choose(&ends);
            let expected = lab.pod.emits(&back.to(ends.backend).hop());
            lab.receive(&lab.node, came.bytes())
                .is_redirected_as(&expected);
            assert_eq!(lab.service_stats(&ends).flows, 2);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_remote_connection_that_is_established_keeps_its_backend_whatever_the_table_says() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            let remote = ends.second_backend().remote();
            lab.choose(&remote);
            lab.begin(&remote);
            assert!(lab.client_sends(&ends.request()).was_redirected());
            lab.choose(&ends);
            for packet in [ends.request(), ends.opening()] {
                let expected = lab.node.emits(&packet.clone().hop());
                lab.client_sends(&packet).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_follows_its_backend_that_comes_to_be_remote_and_back() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            for remote in [true, false, true, false] {
                let placed = Ends {
                    remote,
                    ..ends.clone()
                };
                lab.put_backend(&placed, |_| {});
                lab.outdate(ends.client, ends.service, ends.protocol);
                let hop = ends.request().hop();
                let expected = match remote {
                    true => lab.node.emits(&hop),
                    false => lab.pod.emits(&hop.to(ends.backend)),
                };
                lab.client_sends(&ends.request())
                    .is_redirected_as(&expected);
            }
            lab.reply_comes_back(&ends);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// It began while its backend was elsewhere, so replies were never expected here.
#[test]
#[ignore = "needs root"]
fn a_remote_flow_whose_backend_comes_here_gets_an_entry_for_replies() {
    with_lab(Forwarding::On, |lab| {
        for (ends, settled) in Ends::all()
            .into_iter()
            .flat_map(|ends| [(ends.clone(), false), (ends.client_port(40_001), true)])
        {
            println!("{ends}, settled: {settled}");
            let placed = Ends {
                remote: true,
                ..ends.clone()
            };
            lab.choose(&placed);
            lab.begin(&placed);
            lab.put_backend(&ends, |_| {});
            if settled {
                lab.settle(&ends);
            }
            lab.outdate(ends.client, ends.service, ends.protocol);
            // Asked again, nothing shows that there is a client.
            let packet = ends.opening();
            let expected = lab.pod.emits(&packet.clone().to(ends.backend).hop());
            lab.client_sends(&packet).is_redirected_as(&expected);
            assert_eq!(lab.is_pending(&ends), !settled);
            lab.reply_comes_back(&ends);
        }
    });
}

/// What leaves the first node enters the second, whose own the backend is.
#[test]
#[ignore = "needs root"]
fn the_node_that_has_the_backend_answers_the_client_itself() {
    with_lab(Forwarding::On, |first| {
        with_lab(Forwarding::On, |second| {
            for ends in Ends::all() {
                println!("{ends}");
                first.choose(&ends.clone().remote());
                for packet in [ends.opening(), ends.request()] {
                    let between = first.node.emits(&packet.clone().hop());
                    first.client_sends(&packet).is_redirected_as(&between);
                    let expected = packet.to(ends.backend).hop().hop();
                    let arriving = between.macs(second.node.neighbour, second.node.mac);
                    second
                        .receive(&second.node, arriving.bytes())
                        .is_redirected_as(&second.pod.emits(&expected));
                }
                let expected = second.out.emits(&ends.reply().from(ends.service).hop());
                second.pod_sends(&ends.reply()).is_redirected_as(&expected);
            }
            assert_eq!(second.drops(), Drops::default());
        });
    });
}

// Two nodes that each take the other for the backend's.
#[test]
#[ignore = "needs root"]
fn a_packet_that_nodes_send_to_each_other_ends_with_its_hops() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::remote) {
            println!("{ends}");
            lab.choose(&ends);
            lab.begin(&ends);
            lab.client_sends(&ends.opening().ttl(1)).is_dropped();
        }
        assert_eq!(lab.drops().ttl_exceeded, 4);
    });
}

// Another backend than the table's no other node knows of: one that was asked would begin
// with the table's again and send the packet back, and so on to the last of its hops.
#[test]
#[ignore = "needs root"]
fn a_flow_whose_backend_here_cannot_tell_it_from_another_is_not_sent_to_another_node() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let remote = ends.second_backend().remote();
            lab.put_backend(&remote, |_| {});
            let slots: Vec<u32> = [ends.backend_id, remote.backend_id]
                .into_iter()
                .cycle()
                .take(SLOTS as usize)
                .collect();
            lab.object.set_table(ends.table, &slots);
            let mut other = ends.clone();
            other.service.set_port(81);
            other.service_id += 50;
            other.table += 50;
            other.backend_id += 70;
            lab.serve(&other);
            let mut here = 0;
            for port in 40_000..40_032 {
                let ends = ends.clone().client_port(port);
                lab.begin(&ends);
                let first = lab.forward_flow(&ends).expect("an entry").backend;
                lab.remove_flow(ends.client, ends.service, ends.protocol);
                if first == ends.backend_id {
                    lab.remove_flow(ends.backend, ends.client, ends.protocol);
                }
                lab.begin(&other.clone().client_port(port));
                if first == remote.backend_id {
                    lab.client_sends(&ends.opening())
                        .is_redirected_as(&lab.node.emits(&ends.opening().hop()));
                } else {
                    lab.begin_by_another_port(&ends);
                    here += 1;
                }
            }
            assert!((1..32).contains(&here), "{here} of 32");
            assert_eq!(lab.drops(), Drops::default());
        }
    });
}
