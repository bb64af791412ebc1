// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Answers for addresses that no interface of the host has: ARP (RFC 826),
//! neighbour discovery (RFC 4861) and pings.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use blixt_ebpf::layout::{ADDRESS_ANNOUNCE, ADDRESS_LOCAL, DEVICE_OUTWARD, Device};

use crate::{
    build::{
        Arp, ECHO_REPLY, ECHO_REPLY_V6, ECHO_REQUEST, ECHO_REQUEST_V6, Icmp, Mac,
        NEIGHBOUR_ADVERTISEMENT, NEIGHBOUR_SOLICITATION, Packet, Transport,
    },
    harness::{Ends, Forwarding, Lab, Port, with_lab},
};

pub const ROUTER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

fn router6() -> Ipv6Addr {
    "2001:db8:1::2".parse().expect("an address")
}

pub fn service4() -> Ipv4Addr {
    match Ends::tcp4().service.ip() {
        IpAddr::V4(ip) => ip,
        IpAddr::V6(_) => unreachable!("it is the IPv4 service"),
    }
}

fn service6() -> Ipv6Addr {
    match Ends::tcp6().service.ip() {
        IpAddr::V6(ip) => ip,
        IpAddr::V4(_) => unreachable!("it is the IPv6 service"),
    }
}

/// A neighbour solicitation or advertisement with one link-layer address option.
fn neighbour(kind: u8, from: Ipv6Addr, to: Ipv6Addr, target: Ipv6Addr, mac: Mac) -> Packet {
    let option = if kind == NEIGHBOUR_SOLICITATION { 1 } else { 2 };
    let payload = [&target.octets()[..], &[option, 1], &mac.0].concat();
    Packet::icmp(from.into(), to.into(), Icmp::new(kind))
        .payload(payload)
        .ttl(255)
}

/// Who has the service's address? From the router to the solicited-node
/// multicast group (RFC 4291, section 2.7.1).
pub fn solicitation(lab: &Lab) -> Packet {
    let target = service6();
    let [.., a, b, c] = target.octets();
    let low = u16::from_be_bytes([b, c]);
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 1, 0xff00 | u16::from(a), low);
    neighbour(
        NEIGHBOUR_SOLICITATION,
        router6(),
        group,
        target,
        lab.out.neighbour,
    )
    .macs(lab.out.neighbour, Mac([0x33, 0x33, 0xff, a, b, c]))
}

/// Flags "solicited" and "override" (RFC 4861, section 4.4).
pub fn advertisement(lab: &Lab, port: &Port) -> Packet {
    let mut packet = neighbour(
        NEIGHBOUR_ADVERTISEMENT,
        service6(),
        router6(),
        service6(),
        port.mac,
    );
    if let Transport::Icmp(icmp) = &mut packet.transport {
        icmp.rest = [0x60, 0, 0, 0];
    }
    packet.macs(port.mac, lab.out.neighbour)
}

#[test]
#[ignore = "needs root"]
fn an_arp_request_for_an_announced_address_is_answered() {
    with_lab(Forwarding::On, |lab| {
        let request = Arp::request(lab.out.neighbour, ROUTER, service4());
        let expected = request.reply(lab.out.mac);
        lab.receive(&lab.out, request.bytes())
            .is_redirected_as_frame(&expected.bytes());
    });
}

#[test]
#[ignore = "needs root"]
fn other_arp_is_left_to_the_host() {
    with_lab(Forwarding::On, |lab| {
        let request = Arp::request(lab.out.neighbour, ROUTER, service4());
        let host = Arp {
            target: Ipv4Addr::new(192, 0, 2, 1),
            ..request.clone()
        };
        let answer = request.reply(lab.out.mac);
        for arp in [host, answer] {
            lab.receive(&lab.out, arp.bytes()).is_passed_untouched();
        }
        let whole = request.bytes();
        for length in 14..42 {
            lab.receive(&lab.out, whole[..length].to_vec())
                .is_passed_untouched();
        }
        // Hardware type, protocol type: not Ethernet, not IPv4.
        for at in [15, 16] {
            let mut other = whole.clone();
            other[at] ^= 0x20;
            lab.receive(&lab.out, other).is_passed_untouched();
        }
    });
}

#[test]
#[ignore = "needs root"]
fn addresses_are_announced_outward_only() {
    with_lab(Forwarding::On, |lab| {
        let arp = Arp::request(lab.pod.neighbour, ROUTER, service4());
        let solicitation = solicitation(lab);
        for port in [&lab.pod, &lab.node] {
            lab.receive(port, arp.bytes()).is_passed_untouched();
            lab.receive(port, solicitation.bytes())
                .is_passed_untouched();
        }
    });
}

#[test]
#[ignore = "needs root"]
fn an_address_that_is_not_announced_is_not_answered_for() {
    with_lab(Forwarding::On, |lab| {
        lab.put_address(service4().into(), 0);
        lab.put_address(service6().into(), 0);
        let arp = Arp::request(lab.out.neighbour, ROUTER, service4());
        lab.receive(&lab.out, arp.bytes()).is_passed_untouched();
        lab.receive(&lab.out, solicitation(lab).bytes())
            .is_passed_untouched();
    });
}

#[test]
#[ignore = "needs root"]
fn the_answer_has_the_mac_address_that_user_space_gave_the_device() {
    with_lab(Forwarding::On, |lab| {
        // As for a bridge's port, where the address is the bridge's.
        let bridge = Port {
            mac: Mac([2, 0, 0, 0, 9, 9]),
            ..lab.out.clone()
        };
        let device = Device {
            flags: DEVICE_OUTWARD,
            mac: bridge.mac.0,
            pad: [0; 2],
            master: 0,
        };
        lab.object.put("devices", lab.out.ifindex, device);
        let request = Arp::request(lab.out.neighbour, ROUTER, service4());
        let expected = request.reply(bridge.mac);
        lab.receive(&lab.out, request.bytes())
            .is_redirected_as_frame(&expected.bytes());
        let expected = advertisement(lab, &bridge);
        lab.receive(&lab.out, solicitation(lab).bytes())
            .is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn a_neighbour_solicitation_for_an_announced_address_is_answered() {
    with_lab(Forwarding::On, |lab| {
        let expected = advertisement(lab, &lab.out);
        lab.receive(&lab.out, solicitation(lab).bytes())
            .is_redirected_as(&expected);
        lab.sum_in_hardware();
        lab.receive(&lab.out, solicitation(lab).bytes())
            .is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn other_neighbour_discovery_is_left_to_the_host() {
    with_lab(Forwarding::On, |lab| {
        let sent = solicitation(lab);
        let routed = sent.clone().ttl(254);
        let host = neighbour(
            NEIGHBOUR_SOLICITATION,
            router6(),
            "2001:db8:1::1".parse().expect("an address"),
            "2001:db8:1::1".parse().expect("an address"),
            lab.out.neighbour,
        );
        let advertised = lab.inbound(&advertisement(lab, &lab.out));
        // Duplicate address detection has no source address and so no option.
        let mut probing = sent.clone().ipv6(|ip| ip.source = Ipv6Addr::UNSPECIFIED);
        probing.payload.truncate(16);
        for packet in [routed, lab.inbound(&host), advertised, probing] {
            lab.receive(&lab.out, packet.bytes()).is_passed_untouched();
        }
        let whole = sent.bytes();
        for length in 14 + 40..whole.len() {
            lab.receive(&lab.out, whole[..length].to_vec())
                .is_passed_untouched();
        }
    });
}

/// A ping from a client to the service of `ends`.
pub fn ping(ends: &Ends) -> Packet {
    let kind = if ends.service.is_ipv4() {
        ECHO_REQUEST
    } else {
        ECHO_REQUEST_V6
    };
    let icmp = Icmp {
        rest: [0x12, 0x34, 0, 1],
        ..Icmp::new(kind)
    };
    Packet::icmp(ends.client.ip(), ends.service.ip(), icmp).payload(*b"some data of odd length")
}

pub fn pong(ends: &Ends) -> Packet {
    let kind = if ends.service.is_ipv4() {
        ECHO_REPLY
    } else {
        ECHO_REPLY_V6
    };
    let icmp = Icmp {
        rest: [0x12, 0x34, 0, 1],
        ..Icmp::new(kind)
    };
    Packet::icmp(ends.service.ip(), ends.client.ip(), icmp).payload(*b"some data of odd length")
}

#[test]
#[ignore = "needs root"]
fn a_ping_to_an_address_of_ours_comes_back_whoever_announces_it() {
    with_lab(Forwarding::On, |lab| {
        for hardware in [false, true] {
            if hardware {
                lab.sum_in_hardware();
            }
            for ends in Ends::tcp() {
                println!("{ends}, summed in hardware: {hardware}");
                let expected = lab.out.emits(&pong(&ends));
                for flags in [ADDRESS_ANNOUNCE, 0] {
                    lab.put_address(ends.service.ip(), flags);
                    // One that traceroute sent has no hop left here, and the answer has all.
                    for ttl in [255, 64, 1] {
                        let sent = ping(&ends).ttl(ttl);
                        lab.client_sends(&sent).is_redirected_as(&expected);
                    }
                }
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_ping_to_an_address_that_the_host_has_too_is_left_to_it() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            for flags in [ADDRESS_LOCAL, ADDRESS_ANNOUNCE | ADDRESS_LOCAL] {
                lab.put_address(ends.service.ip(), flags);
                lab.client_sends(&ping(&ends)).is_passed_untouched();
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn other_icmp_is_left_to_the_host_which_has_the_address() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.client_sends(&ping(&ends).with_destination(ends.backend.ip()))
                .is_passed_untouched();
            let whole = lab.inbound(&ping(&ends)).bytes();
            let transport = ping(&ends).transport_at();
            let mut frames = vec![
                lab.inbound(&pong(&ends).with_destination(ends.service.ip()))
                    .bytes(),
            ];
            frames.extend((transport..transport + 4).map(|length| whole[..length].to_vec()));
            for frame in &frames {
                lab.receive(&lab.out, frame.clone()).is_dropped();
            }
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            for frame in frames {
                lab.receive(&lab.out, frame).is_passed_untouched();
            }
        }
        assert_eq!(lab.drops().no_service, 10);
    });
}
