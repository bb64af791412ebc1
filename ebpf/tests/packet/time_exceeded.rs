// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets at the end of their hops: who sent them hears where that was.

use std::{
    net::{IpAddr, SocketAddr},
    thread,
    time::Instant,
};

use blixt_ebpf::layout::{DEVICE_BRIDGE_PORT, Device, Drops, NODE_SELF};

use crate::{
    build::{
        DESTINATION_OPTIONS, Extension, Field, HOP_BY_HOP, Icmp, Packet, TIME_EXCEEDED,
        TIME_EXCEEDED_V6, fragments,
    },
    harness::{
        Ends, Forwarding, Lab, Outcome, Port, TO_NEIGHBOUR, segments_test_run, with_lab,
        with_telling,
    },
    icmp_error::error_about,
    too_big::sized,
};

/// This host's addresses on the links to the router and to the other node.
const OUT: [&str; 2] = ["192.0.2.1", "2001:db8:1::1"];
const NODE: [&str; 2] = ["172.16.0.1", "2001:db8:2::1"];

fn of_family([v4, v6]: [&str; 2], packet: &Packet) -> IpAddr {
    let text = if packet.source().is_ipv4() { v4 } else { v6 };
    text.parse().expect("an address")
}

/// What comes back for a packet from an address of this host.
fn expired(sent: &Packet, from: IpAddr) -> Packet {
    expired_of(sent, &sent.bytes(), from)
}

/// The same for a packet whose frame is another.
fn expired_of(sent: &Packet, frame: &[u8], from: IpAddr) -> Packet {
    let kind = if from.is_ipv4() {
        TIME_EXCEEDED
    } else {
        TIME_EXCEEDED_V6
    };
    error_about(sent, frame, from, Icmp::new(kind))
}

#[track_caller]
fn is_answered(lab: &Lab, port: &Port, sent: &Packet, from: IpAddr) {
    let expected = port.emits(&expired(sent, from));
    lab.receive(port, sent.bytes()).is_redirected_as(&expected);
}

/// Sends a client's packet whose hops end here; panics unless the client hears of that.
#[track_caller]
fn client_hears(lab: &Lab, packet: &Packet) {
    let sent = lab.inbound(packet);
    is_answered(lab, &lab.out, &sent, of_family(OUT, packet));
}

/// Every kind of backend.
fn backends(ends: &Ends) -> [Ends; 6] {
    [
        ends.clone(),
        ends.clone().remote(),
        ends.clone().routed(),
        ends.clone().snat(),
        ends.clone().beyond(false),
        ends.clone().beyond(true),
    ]
}

#[test]
#[ignore = "needs root"]
fn the_client_hears_of_this_node_whatever_backend_it_has() {
    with_lab(Forwarding::On, |lab| {
        let mut expected = Drops::default();
        for (ends, port) in Ends::all().iter().flat_map(backends).zip(40_000..) {
            let ends = ends.client_port(port);
            println!("{ends}, backend {}", ends.backend);
            lab.choose(&ends);
            for ttl in [1, 0] {
                client_hears(lab, &ends.opening().ttl(ttl));
            }
            lab.begin(&ends);
            expected.ttl_exceeded += 2;
            if ends.is_tcp() || !ends.remote {
                client_hears(lab, &ends.opening().ttl(1));
                lab.settle(&ends);
                client_hears(lab, &ends.request().ttl(1));
                expected.ttl_exceeded += 2;
            }
            assert!(lab.client_sends(&ends.request().ttl(2)).was_redirected());
            assert_eq!(lab.drops(), expected);
        }
    });
}

// Such a host tells nobody its routes.
#[test]
#[ignore = "needs root"]
fn a_host_that_does_not_forward_answers_from_where_the_packet_was_sent_to() {
    with_lab(Forwarding::Off, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let ifindex = lab.pod.ifindex;
            lab.put_backend(&ends, |backend| backend.ifindex = ifindex);
            lab.begin(&ends);
            lab.settle(&ends);
            let sent = lab.inbound(&ends.request().ttl(1));
            is_answered(lab, &lab.out, &sent, ends.service.ip());
            let sent = lab.outbound(&ends.reply().ttl(1));
            is_answered(lab, &lab.pod, &sent, ends.client.ip());
        }
        assert_eq!(lab.drops().ttl_exceeded, 8);
    });
}

// The pod's link has no address of its own.
#[test]
#[ignore = "needs root"]
fn a_backend_hears_of_this_node_too() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            for ttl in [1, 0] {
                let sent = lab.outbound(&ends.reply().ttl(ttl));
                is_answered(lab, &lab.pod, &sent, of_family(OUT, &sent));
            }
        }
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            let ends = ends.client_port(40_001);
            lab.choose(&ends);
            let masked = lab.mask(&ends);
            let sent = lab.across(&masked.answer(&ends.reply()).ttl(1));
            is_answered(lab, &lab.node, &sent, of_family(NODE, &sent));
        }
        assert_eq!(lab.drops().ttl_exceeded, 12);
    });
}

#[test]
#[ignore = "needs root"]
fn a_pod_that_reaches_itself_hears_of_this_node() {
    with_lab(Forwarding::On, |lab| {
        for mut ends in Ends::all() {
            println!("{ends}");
            ends.client = SocketAddr::new(ends.backend.ip(), 50_000);
            let sent = lab.outbound(&ends.opening().ttl(1));
            is_answered(lab, &lab.pod, &sent, of_family(OUT, &sent));
        }
    });
}

// It went out by the interface that it comes back to, whose own address it would
// not believe.
#[test]
#[ignore = "needs root"]
fn the_host_itself_hears_it_from_where_it_sent_to() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_lab(forwarding, |lab| {
            for ends in Ends::all().map(Ends::by_host) {
                println!("{ends}, forwarding {forwarding:?}");
                let sent = lab.out.turned(&ends.opening().ttl(1));
                let expected = lab.out.turned(&expired(&sent, ends.service.ip()));
                lab.host_sends(&ends.opening().ttl(1))
                    .is_redirected_as(&expected);
            }
        });
    }
}

// RFC 1812, section 4.3.2.4: another node of the link may have sent it on, and where
// it came out of a tunnel its frame is a router's.
#[test]
#[ignore = "needs root"]
fn what_another_node_sent_on_is_answered_to_the_client() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let sent = lab.across(&ends.opening().ttl(1));
            is_answered(lab, &lab.node, &sent, of_family(OUT, &sent));
        }
        for ends in Ends::all() {
            for v6 in [false, true] {
                println!("{ends} in a tunnel");
                let [there, here] = ends.clone().beyond(v6).tunnel_here();
                lab.put_node(there, 0);
                lab.put_node(here, NODE_SELF);
                let inner = ends.opening().ttl(1);
                let sent = lab.across(&inner.clone().inside(there, here));
                let expected = lab.node.emits(&expired(&inner, of_family(OUT, &inner)));
                lab.receive(&lab.node, sent.bytes())
                    .is_redirected_as(&expected);
            }
        }
        assert_eq!(lab.drops().ttl_exceeded, 12);
    });
}

// Tables of nodes differ for a moment when they change. A connect() that hears of it fails;
// without a word its SYN comes again, when the tables agree.
#[test]
#[ignore = "needs root"]
fn nobody_hears_of_a_packet_that_nodes_sent_round() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::remote) {
            println!("{ends}");
            lab.choose(&ends);
            lab.begin(&ends);
            for ttl in (2..=62).rev().step_by(2) {
                let sent = lab.across(&ends.opening().ttl(ttl));
                assert!(lab.receive(&lab.node, sent.bytes()).was_redirected());
            }
            for ttl in [1, 0] {
                let sent = lab.across(&ends.opening().ttl(ttl));
                lab.receive(&lab.node, sent.bytes()).is_dropped();
            }
            // The backend is gone, and another packet begins the flow anew, not this one. That
            // of datagrams has settled.
            if !ends.is_tcp() {
                continue;
            }
            lab.choose(&ends.second_backend());
            lab.put_backend(&ends, |backend| backend.flags = 0);
            let sent = lab.across(&ends.opening().ttl(1));
            lab.receive(&lab.node, sent.bytes()).is_dropped();
        }
        assert_eq!(
            lab.drops(),
            Drops {
                ttl_exceeded: 10,
                ..Drops::default()
            }
        );
    });
}

// traceroute's own begin with few, and have one more each time.
#[test]
#[ignore = "needs root"]
fn a_flow_that_begins_with_its_last_hop_is_answered_as_often_as_it_is_asked() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all()
            .iter()
            .flat_map(|ends| [ends.clone(), ends.clone().remote()])
        {
            println!("{ends}, remote: {}", ends.remote);
            let port = if ends.remote { 40_001 } else { 40_000 };
            let ends = ends.client_port(port);
            lab.choose(&ends);
            for ttl in [1, 64, 1] {
                if ttl == 1 {
                    client_hears(lab, &ends.opening().ttl(ttl));
                } else {
                    assert!(lab.client_sends(&ends.opening().ttl(ttl)).was_redirected());
                }
            }
        }
    });
}

/// Where the error about a frame goes.
fn goes(lab: &Lab, port: &Port, sent: &Packet) -> u32 {
    let run = segments_test_run(lab.object.program(), &sent.bytes(), port.ifindex, 0);
    run.expect("it is a frame").action
}

#[test]
#[ignore = "needs root"]
fn the_kernel_finds_the_way_to_the_sender() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_telling(forwarding, |lab| {
            for ends in Ends::all() {
                println!("{ends}, forwarding {forwarding:?}");
                for (port, sent) in [
                    (&lab.out, lab.inbound(&ends.opening().ttl(1))),
                    (&lab.node, lab.across(&ends.opening().ttl(1))),
                ] {
                    assert_eq!(goes(lab, port, &sent), TO_NEIGHBOUR);
                }
                let sent = lab.out.turned(&ends.clone().by_host().opening().ttl(1));
                assert_eq!(goes(lab, &lab.out, &sent), lab.out.ifindex);
            }
        });
    }
    with_telling(Forwarding::On, |lab| {
        for (mut ends, nowhere) in [
            (Ends::udp4(), "100.64.0.1:7"),
            (Ends::udp6(), "[2001:db8:ff::1]:7"),
            (Ends::udp6(), "[fe80::7]:7"),
        ] {
            println!("{nowhere}");
            ends.client = nowhere.parse().expect("an address and a port");
            let sent = lab.inbound(&ends.opening().ttl(1));
            assert_eq!(goes(lab, &lab.out, &sent), lab.out.ifindex);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn who_is_on_no_way_hears_it_from_where_it_sent_to() {
    with_lab(Forwarding::On, |lab| {
        for (mut ends, nowhere) in [
            (Ends::udp4(), "100.64.0.1:7"),
            (Ends::udp6(), "[2001:db8:ff::1]:7"),
        ] {
            ends.client = nowhere.parse().expect("an address and a port");
            let sent = lab.inbound(&ends.opening().ttl(1));
            is_answered(lab, &lab.out, &sent, ends.service.ip());
        }
    });
}

// A port of a bridge has frames with the bridge's address.
#[test]
#[ignore = "needs root"]
fn a_client_behind_a_bridges_port_hears_of_this_node() {
    with_lab(Forwarding::On, |lab| {
        let device = Device {
            flags: DEVICE_BRIDGE_PORT,
            mac: lab.out.mac.0,
            pad: [0; 2],
            master: lab.node.ifindex,
        };
        lab.object.put("devices", lab.out.ifindex, device);
        for ends in Ends::all() {
            let mut sent = lab.inbound(&ends.opening().ttl(1));
            sent.ethernet.destination = lab.node.mac;
            let [back, here] = [sent.ethernet.source, sent.ethernet.destination];
            let expected = expired(&sent, of_family(OUT, &sent)).macs(here, back);
            lab.receive(&lab.out, sent.bytes())
                .is_redirected_as(&expected);
        }
    });
}

// RFC 1812, section 4.3.2.3; RFC 4443, section 2.4 (c).
#[test]
#[ignore = "needs root"]
fn the_error_quotes_as_much_as_it_may_with_options_and_extension_headers() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            for length in [150, 151, 547, 549, 1_279, 1_281, 1_500] {
                println!("{ends}, {length} bytes");
                let bare = ends.request().ttl(1);
                let long = match ends.service.is_ipv4() {
                    true => bare.clone().ipv4(|ip| ip.options = vec![1; 40]),
                    false => bare.clone().ipv6(|ip| {
                        ip.extensions = vec![
                            Extension::filled(HOP_BY_HOP, 1),
                            Extension::filled(DESTINATION_OPTIONS, 2),
                        ];
                    }),
                };
                for packet in [bare, long] {
                    client_hears(lab, &sized(packet, length).trailer([0xee; 7]));
                }
            }
        }
    });
}

// Of a packet that is cut the kernel keeps no such sum, so none is.
#[test]
#[ignore = "needs root"]
fn hardwares_sum_of_the_packet_follows_the_error() {
    with_lab(Forwarding::On, |lab| {
        lab.sum_in_hardware();
        for ends in Ends::all() {
            println!("{ends}");
            client_hears(lab, &ends.request().payload([0x5a; 32]).ttl(1));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_datagram_without_a_checksum_is_quoted_without_one() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::udp4();
        let bare = ends
            .request()
            .with_udp(|udp| udp.checksum = Field::Exactly(0));
        client_hears(lab, &bare.ttl(1));
    });
}

#[test]
#[ignore = "needs root"]
fn a_super_packet_is_answered_once() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            lab.settle(&ends);
            let sent = lab.inbound(&ends.request().payload([0x5a; 2_400]).ttl(1));
            let program = lab.object.program();
            let run = segments_test_run(program, &sent.bytes(), lab.out.ifindex, 1_000);
            let run = run.expect("it is a frame");
            let outcome = Outcome {
                action: run.action,
                sent: sent.bytes(),
                frame: run.frame,
            };
            let expected = lab.out.emits(&expired(&sent, of_family(OUT, &sent)));
            outcome.is_redirected_as(&expected);
        }
    });
}

// RFC 1122, section 3.2.2.
#[test]
#[ignore = "needs root"]
fn a_first_fragment_is_answered_and_later_ones_are_not() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            lab.settle(&ends);
            let pieces = fragments(&ends.request().payload([0x66; 300]).ttl(1), &[64]);
            client_hears(lab, &pieces[0]);
            lab.client_sends(&pieces[1]).is_dropped();
        }
        assert_eq!(lab.drops().ttl_exceeded, 8);
    });
}

#[test]
#[ignore = "needs root"]
fn nobody_is_answered_who_is_no_single_host() {
    with_lab(Forwarding::On, |lab| {
        let strangers = [
            "0.0.0.1",
            "127.0.0.9",
            "224.0.0.5",
            "255.255.255.255",
            "::",
            "ff02::5",
        ];
        for stranger in strangers {
            println!("{stranger}");
            let from: IpAddr = stranger.parse().expect("an address");
            let mut ends = match from.is_ipv4() {
                true => Ends::udp4(),
                false => Ends::udp6(),
            };
            lab.begin_from(&mut ends, SocketAddr::new(from, 7));
            lab.client_sends(&ends.request().ttl(1)).is_dropped();
        }
        assert_eq!(lab.drops().ttl_exceeded, strangers.len() as u64);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flood_is_answered_a_thousand_times_a_second_and_cpu() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::udp4();
        lab.begin(&ends);
        lab.settle(&ends);
        let flood = ends.request().ttl(1);
        let begin = Instant::now();
        let answers = (0..5_000).filter(|_| lab.client_sends(&flood).was_redirected());
        let answers = answers.count();
        // Seconds of 2^30 ns, those begun counted.
        let seconds = (begin.elapsed().as_nanos() >> 30) as usize + 2;
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        assert!(answers >= 1_000, "{answers} answers");
        assert!(answers <= cpus * seconds * 1_000, "{answers} answers");
        assert_eq!(lab.drops().ttl_exceeded, 5_000);
    });
}
