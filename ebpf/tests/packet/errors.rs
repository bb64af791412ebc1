// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors about packets of a flow, translated inside and outside.

use std::net::IpAddr;

use blixt_ebpf::layout::{ADDRESS_ANNOUNCE, ADDRESS_LOCAL, Drops};

use crate::{
    build::{
        Extension, Field, HOP_BY_HOP, Icmp, PARAMETER_PROBLEM, PARAMETER_PROBLEM_V6, Packet,
        REDIRECT, TIME_EXCEEDED, TIME_EXCEEDED_V6, TOO_BIG_V6, UNREACHABLE, UNREACHABLE_V6,
        fragments,
    },
    harness::{Ends, Forwarding, Lab, with_lab},
};

/// "Fragmentation needed", or its like of IPv6, for a path of 1,280 bytes.
fn too_big(ends: &Ends) -> Icmp {
    let mut icmp = Icmp::new(if ends.service.is_ipv4() {
        UNREACHABLE
    } else {
        TOO_BIG_V6
    });
    if ends.service.is_ipv4() {
        icmp.code = 4;
    }
    icmp.rest = [0, 0, 5, 0];
    icmp
}

/// One of each type.
fn kinds(ends: &Ends) -> Vec<Icmp> {
    let others: &[u8] = if ends.service.is_ipv4() {
        &[UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM]
    } else {
        &[UNREACHABLE_V6, TIME_EXCEEDED_V6, PARAMETER_PROBLEM_V6]
    };
    let mut kinds = vec![too_big(ends)];
    kinds.extend(others.iter().map(|kind| Icmp::new(*kind)));
    kinds
}

/// An error about `packet`, of which it carries `length` bytes.
pub fn error(from: IpAddr, to: IpAddr, icmp: &Icmp, packet: &Packet, length: usize) -> Packet {
    let frame = packet.bytes();
    let embedded = &frame[packet.network_at()..];
    let embedded = &embedded[..length.min(embedded.len())];
    Packet::icmp(from, to, icmp.clone()).payload(embedded)
}

/// RFC 2710, section 3.1: about no packet.
const MLD_QUERY: u8 = 130;

/// As little of a packet as an error may carry (RFC 792), up to the last port, up
/// to the checksum of TCP, as much as Linux sends, and all.
fn lengths(packet: &Packet) -> [usize; 5] {
    let header = packet.transport_at() - packet.network_at();
    [header + 8, header + 4, header + 16, 548, usize::MAX]
}

/// A router on either side.
fn router(ends: &Ends) -> IpAddr {
    let text = if ends.service.is_ipv4() {
        "192.0.2.2"
    } else {
        "2001:db8:1::2"
    };
    text.parse().expect("an address")
}

/// An error about a reply that the client was sent, and what the backend hears.
fn about_reply(
    ends: &Ends,
    from: IpAddr,
    icmp: &Icmp,
    reply: &Packet,
    length: usize,
) -> (Packet, Packet) {
    let translated = reply.clone().from(ends.service);
    (
        error(from, ends.service.ip(), icmp, &translated, length),
        error(from, ends.backend.ip(), icmp, reply, length).hop(),
    )
}

/// An error about a request that the backend was sent, and what the client hears.
fn about_request(
    ends: &Ends,
    from: IpAddr,
    icmp: &Icmp,
    request: &Packet,
    length: usize,
) -> (Packet, Packet) {
    let translated = request.clone().to(ends.backend);
    let client = ends.client.ip();
    (
        error(from, client, icmp, &translated, length),
        error(ends.service.ip(), client, icmp, request, length).hop(),
    )
}

/// Runs `check` for every kind of error, every length and two places it is from.
pub fn with_errors(
    ends: &Ends,
    packet: &Packet,
    near: IpAddr,
    check: impl Fn(IpAddr, &Icmp, usize),
) {
    for from in [near, router(ends)] {
        for icmp in kinds(ends) {
            for length in lengths(packet) {
                println!("{ends}: {icmp:?} from {from} with {length} bytes");
                check(from, &icmp, length);
            }
        }
    }
}

#[test]
#[ignore = "needs root"]
fn ingress_translates_errors_about_replies_for_the_backend() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            lab.begin(&ends);
            let reply = ends.reply().payload([0x77; 600]);
            with_errors(&ends, &reply, ends.client.ip(), |from, icmp, length| {
                let (sent, expected) = about_reply(&ends, from, icmp, &reply, length);
                lab.client_sends(&sent)
                    .is_redirected_as(&lab.pod.emits(&expected));
            });
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// No reply has come yet, so the way to the client is not known.
#[test]
#[ignore = "needs root"]
fn ingress_translates_errors_about_requests_for_the_client() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            lab.begin(&ends);
            let request = ends.request().payload([0x66; 600]);
            with_errors(&ends, &request, ends.backend.ip(), |from, icmp, length| {
                let (sent, expected) = about_request(&ends, from, icmp, &request, length);
                lab.pod_sends(&sent)
                    .is_redirected_as(&lab.out.emits(&expected));
            });
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_translates_errors_when_the_host_does_not_forward() {
    with_lab(Forwarding::Off, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let icmp = too_big(&ends);
            let (sent, expected) =
                about_reply(&ends, ends.client.ip(), &icmp, &ends.reply(), usize::MAX);
            // The kernel finds the neighbour after the program.
            let sent = lab.inbound(&sent);
            let macs = lab.inbound(&expected);
            lab.client_sends(&sent).is_redirected_as(&macs);
            let (sent, expected) =
                about_request(&ends, ends.backend.ip(), &icmp, &ends.request(), usize::MAX);
            lab.pod_sends(&sent)
                .is_redirected_as(&lab.outbound(&expected));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_keeps_the_sum_right_that_hardware_made_of_an_error() {
    with_lab(Forwarding::On, |lab| {
        lab.sum_in_hardware();
        for ends in Ends::all() {
            lab.begin(&ends);
            for length in lengths(&ends.reply()) {
                println!("{ends}, {length} bytes");
                let (sent, expected) = about_reply(
                    &ends,
                    ends.client.ip(),
                    &too_big(&ends),
                    &ends.reply(),
                    length,
                );
                lab.client_sends(&sent)
                    .is_redirected_as(&lab.pod.emits(&expected));
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_leaves_an_embedded_datagram_without_a_checksum_without_one() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::udp4();
        lab.begin(&ends);
        let reply = ends
            .reply()
            .with_udp(|udp| udp.checksum = Field::Exactly(0));
        let (sent, expected) =
            about_reply(&ends, ends.client.ip(), &too_big(&ends), &reply, usize::MAX);
        lab.client_sends(&sent)
            .is_redirected_as(&lab.pod.emits(&expected));
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_finds_the_embedded_ports_behind_options_and_extension_headers() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let reply = if ends.service.is_ipv4() {
                ends.reply().ipv4(|ip| ip.options = vec![1; 12])
            } else {
                let extension = Extension::filled(HOP_BY_HOP, 2);
                ends.reply().ipv6(|ip| ip.extensions = vec![extension])
            };
            let icmp = too_big(&ends);
            let (mut sent, mut expected) =
                about_reply(&ends, router(&ends), &icmp, &reply, usize::MAX);
            if ends.service.is_ipv4() {
                sent = sent.ipv4(|ip| ip.options = vec![1; 8]);
                expected = expected.ipv4(|ip| ip.options = vec![1; 8]);
            }
            lab.client_sends(&sent)
                .is_redirected_as(&lab.pod.emits(&expected));
        }
    });
}

// What is too big may be cut already: the first fragment has the ports.
#[test]
#[ignore = "needs root"]
fn ingress_translates_errors_about_first_fragments() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let first = |packet: Packet| fragments(&packet, &[32]).remove(0);
            let reply = ends.reply().payload([0x77; 60]);
            let (from, icmp) = (router(&ends), too_big(&ends));
            let seen = first(reply.clone().from(ends.service));
            let sent = error(from, ends.service.ip(), &icmp, &seen, usize::MAX);
            let expected = error(from, ends.backend.ip(), &icmp, &first(reply), usize::MAX);
            lab.client_sends(&sent)
                .is_redirected_as(&lab.pod.emits(&expected.hop()));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn an_error_at_the_end_of_its_hops_is_dropped() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let icmp = too_big(&ends);
            let (sent, _) = about_reply(&ends, router(&ends), &icmp, &ends.reply(), 548);
            lab.client_sends(&sent.ttl(1)).is_dropped();
        }
        assert_eq!(lab.drops().ttl_exceeded, 4);
    });
}

/// Errors that are about no flow, or cannot be told to be.
fn strangers(ends: &Ends) -> Vec<Packet> {
    let icmp = too_big(ends);
    let (from, to) = (router(ends), ends.service.ip());
    let reply = ends.reply().payload([0x77; 60]).from(ends.service);
    let header = reply.transport_at() - reply.network_at();
    let about = |packet: &Packet| error(from, to, &icmp, packet, usize::MAX);
    let informational = Icmp::new(if to.is_ipv4() { REDIRECT } else { MLD_QUERY });
    let mut strangers = vec![
        error(from, to, &icmp, &reply, header + 3),
        error(from, to, &icmp, &reply, header),
        error(from, to, &icmp, &reply, 9),
        error(from, to, &icmp, &reply, 0),
        about(&fragments(&reply, &[32])[1]),
        about(&Packet::other(132, to, ends.client.ip()).payload([0; 40])),
        error(from, to, &informational, &reply, usize::MAX),
    ];
    if to.is_ipv4() {
        for fragment in [0x2000, 1] {
            strangers.push(about(&reply).ipv4(|ip| ip.fragment = fragment));
        }
        let short = |ip: &mut crate::build::Ipv4| ip.header_words = Field::Exactly(4);
        strangers.push(about(&reply.clone().ipv4(short)));
    }
    strangers
}

#[test]
#[ignore = "needs root"]
fn other_errors_are_left_to_the_host_which_has_the_address() {
    with_lab(Forwarding::On, |lab: &mut Lab| {
        let mut no_service = 0;
        for ends in Ends::all() {
            lab.put_address(ends.service.ip(), ADDRESS_ANNOUNCE);
            lab.begin(&ends);
            for packet in strangers(&ends) {
                println!("{ends}: {packet:?}");
                lab.client_sends(&packet).is_dropped();
                no_service += 1;
            }
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            for packet in strangers(&ends) {
                println!("{ends}: {packet:?}");
                lab.client_sends(&packet).is_passed_untouched();
            }
            // To another than who sent the embedded packet.
            let reply = ends.reply().from(ends.service);
            let elsewhere = error(
                router(&ends),
                ends.backend.ip(),
                &too_big(&ends),
                &reply,
                548,
            );
            lab.client_sends(&elsewhere).is_passed_untouched();
        }
        let expected = Drops {
            no_service,
            ..Drops::default()
        };
        assert_eq!(lab.drops(), expected);
    });
}

/// An error about a reply of a flow that no packet came of here, and what the backend is
/// to hear.
pub fn about_unseen(ends: &Ends) -> [Packet; 2] {
    let reply = ends.reply().payload([0x77; 60]);
    let (sent, expected) = about_reply(ends, router(ends), &too_big(ends), &reply, 548);
    [sent, expected]
}

// Routers hash an error by who sends it, not by what it is about (RFC 7690).
#[test]
#[ignore = "needs root"]
fn an_error_about_a_flow_that_another_node_has_finds_its_backend() {
    with_lab(Forwarding::On, |lab: &mut Lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let [sent, expected] = about_unseen(&ends);
            lab.client_sends(&sent)
                .is_redirected_as(&lab.pod.emits(&expected));
        }
        for ends in Ends::all().map(|ends| ends.client_port(40_001).remote()) {
            println!("{ends}");
            lab.choose(&ends);
            let [sent, _] = about_unseen(&ends);
            lab.client_sends(&sent)
                .is_redirected_as(&lab.node.emits(&sent.clone().hop()));
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn an_error_about_a_flow_that_no_node_can_tell_the_backend_of_begins_none() {
    with_lab(Forwarding::On, |lab: &mut Lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let [sent, _] = about_unseen(&ends);
            lab.refuse(&ends);
            lab.client_sends(&sent).is_dropped();
            lab.choose(&ends.clone().snat());
            lab.client_sends(&sent).is_dropped();
            let mut other = ends.clone();
            other.service.set_port(22);
            let [sent, _] = about_unseen(&other);
            lab.client_sends(&sent).is_dropped();
        }
        assert_eq!(lab.flow_entries(), 0);
        assert_eq!(lab.drops().no_service, 12);
    });
}
