// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets of clients on their way to a backend, and replies on their way back.

use blixt_ebpf::layout::{Drops, Stats};

use crate::{
    build::{ACK, DESTINATION_OPTIONS, Extension, FIN, HOP_BY_HOP, PSH, ROUTING},
    harness::{Ends, Forwarding, with_lab},
};

#[test]
#[ignore = "needs root"]
fn ingress_forwards_the_first_packet_to_the_backend() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let sent = ends.opening();
            let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_gives_replies_the_address_and_port_of_the_service() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let reply = ends.reply();
            let expected = lab.out.emits(&reply.clone().from(ends.service).hop());
            lab.pod_sends(&reply).is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_forwards_both_ways_on_a_host_that_does_not_forward_by_itself() {
    with_lab(Forwarding::Off, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            // The kernel writes the MAC addresses when it has found the neighbour.
            let (sent, reply) = (lab.inbound(&ends.opening()), lab.outbound(&ends.reply()));
            lab.client_sends(&sent)
                .is_redirected_as(&sent.clone().to(ends.backend).hop());
            lab.pod_sends(&reply)
                .is_redirected_as(&reply.clone().from(ends.service).hop());
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_counts_packets_and_bytes_by_direction_and_a_flow_once() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let (opening, request, reply) = (ends.opening(), ends.request(), ends.reply());
            lab.begin(&ends);
            for _ in 0..3 {
                assert!(lab.client_sends(&request).was_redirected());
            }
            for _ in 0..2 {
                assert!(lab.pod_sends(&reply).was_redirected());
            }
            let expected = Stats {
                rx_packets: 4,
                rx_bytes: (opening.ip_length() + 3 * request.ip_length()) as u64,
                tx_packets: 2,
                tx_bytes: 2 * reply.ip_length() as u64,
                flows: 1,
                refused: 0,
            };
            assert_eq!(lab.service_stats(&ends), expected);
            assert_eq!(lab.backend_stats(&ends), expected);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// The old Blixt wrote the new port where the checksum is, and every sample had
// the same port on both sides, so nobody saw.
#[test]
#[ignore = "needs root"]
fn ingress_rewrites_the_address_alone_when_the_ports_are_the_same() {
    with_lab(Forwarding::On, |lab| {
        for mut ends in Ends::all() {
            println!("{ends}");
            ends.backend.set_port(ends.service.port());
            lab.put_backend(&ends, |_| {});
            lab.client_reaches(&ends.opening(), &ends);
            lab.reply_comes_back(&ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_leaves_every_other_ipv4_field_and_the_options_as_they_are() {
    with_lab(Forwarding::On, |lab| {
        for ends in [Ends::tcp4(), Ends::udp4()] {
            println!("{ends}");
            lab.begin(&ends);
            for options in [4, 20, 40] {
                let sent = ends.request().ipv4(|ip| {
                    ip.tos = 0xb9;
                    ip.identification = 0xffff;
                    ip.fragment = 0;
                    ip.options = vec![1; options];
                });
                let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
                lab.client_sends(&sent).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_walks_ipv6_extension_headers_and_leaves_them_as_they_are() {
    with_lab(Forwarding::On, |lab| {
        for ends in [Ends::tcp6(), Ends::udp6()] {
            println!("{ends}");
            lab.begin(&ends);
            let chains: [&[(u8, u8)]; 5] = [
                &[(HOP_BY_HOP, 1)],
                &[(DESTINATION_OPTIONS, 2)],
                &[(ROUTING, 3)],
                &[
                    (HOP_BY_HOP, 1),
                    (DESTINATION_OPTIONS, 1),
                    (ROUTING, 3),
                    (DESTINATION_OPTIONS, 5),
                ],
                &[(HOP_BY_HOP, 40)],
            ];
            for chain in chains {
                println!("{chain:?}");
                let extensions = chain
                    .iter()
                    .map(|(kind, units)| Extension::filled(*kind, *units));
                let sent = ends.request().ipv6(|ip| {
                    ip.traffic_class = 0xb9;
                    ip.extensions = extensions.collect();
                });
                let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
                lab.client_sends(&sent).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_leaves_every_other_tcp_field_and_the_options_as_they_are() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.begin(&ends);
            // Reserved bits and ECN's (RFC 3168) among the flags.
            for flags in [ACK, ACK | PSH | 0xe0, FIN | ACK] {
                let sent = ends
                    .request()
                    .flags(flags)
                    .numbers(u32::MAX, 1)
                    .with_tcp(|tcp| {
                        tcp.window = 0;
                        tcp.urgent = 9;
                        tcp.options = vec![1; 40];
                    });
                let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
                lab.client_sends(&sent).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_forwards_payloads_of_any_length() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            for length in [0, 1, 2, 3, 1_459, 1_460, 3_000] {
                let sent = ends.request().payload(vec![0xa5; length]);
                let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
                lab.client_sends(&sent).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_keeps_the_padding_of_a_short_frame_and_does_not_count_it() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let before = lab.service_stats(&ends).rx_bytes;
            let sent = ends.request().payload([]).trailer([0x77; 18]);
            let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
            lab.client_sends(&sent).is_redirected_as(&expected);
            let counted = lab.service_stats(&ends).rx_bytes - before;
            assert_eq!(counted, sent.ip_length() as u64);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_counts_the_ttl_down_from_any_value_that_leaves_one() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            for ttl in [2, 3, 64, 128, 129, 255] {
                let expected = lab.pod.emits(&ends.request().to(ends.backend).ttl(ttl - 1));
                lab.client_sends(&ends.request().ttl(ttl))
                    .is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_tells_tcp_and_udp_on_one_port_apart() {
    with_lab(Forwarding::On, |lab| {
        for (tcp, udp) in [(Ends::tcp4(), Ends::udp4()), (Ends::tcp6(), Ends::udp6())] {
            assert_eq!((tcp.client, tcp.service), (udp.client, udp.service));
            for ends in [tcp, udp] {
                lab.client_reaches(&ends.opening(), &ends);
                lab.client_reaches(&ends.opening(), &ends);
            }
        }
    });
}
