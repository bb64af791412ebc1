// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What is none of the program's business goes to the host's stack as it came.

use std::net::IpAddr;

use blixt_ebpf::layout::{ADDRESS_LOCAL, DEVICE_BRIDGE_PORT, Device, Drops};

use crate::{
    build::{DESTINATION_OPTIONS, Extension, Field, HOP_BY_HOP, Icmp, Mac, Packet, Tag},
    harness::{Ends, Forwarding, Lab, NO_STATS, with_lab},
};

/// Packets of protocols without a service: IGMP, GRE, ESP, AH, OSPF, SCTP, UDP-Lite; for
/// IPv6 59 is "no next header".
fn others(lab: &Lab, ends: &Ends, to: IpAddr) -> Vec<Packet> {
    let protocols = [2, 47, 50, 51, 89, 132, 136, 59];
    let other = |protocol| {
        let packet = Packet::other(protocol, ends.client.ip(), to);
        lab.inbound(&packet.payload(vec![0x50; 40]))
    };
    protocols.into_iter().map(other).collect()
}

/// Checks that the packets of `make` pass untouched for every service, and leave
/// no trace in the maps.
fn passes(make: impl Fn(&mut Lab, &Ends) -> Vec<Packet> + Sync) {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            for packet in make(lab, &ends) {
                println!("{packet:?}");
                lab.receive(&lab.out, packet.bytes()).is_passed_untouched();
            }
            assert_eq!(lab.service_stats(&ends), NO_STATS);
        }
        assert_eq!(lab.drops(), Drops::default());
        assert_eq!(lab.flow_entries(), 0);
    });
}

/// Checks that the frames of `make` are dropped for every service, and counted.
fn ends_here(make: impl Fn(&Lab, &Ends) -> Vec<Vec<u8>> + Sync) {
    with_lab(Forwarding::On, |lab| {
        let mut no_service = 0;
        for ends in Ends::all() {
            println!("{ends}");
            for frame in make(lab, &ends) {
                lab.receive(&lab.out, frame).is_dropped();
                no_service += 1;
            }
        }
        assert!(no_service > 0);
        let expected = Drops {
            no_service,
            ..Drops::default()
        };
        assert_eq!(lab.drops(), expected);
        assert_eq!(lab.flow_entries(), 0);
    });
}

#[test]
#[ignore = "needs root"]
fn packets_to_other_addresses_and_replies_of_no_flow_pass() {
    passes(|lab, ends| {
        let elsewhere = ends.opening().to(ends.backend);
        vec![lab.inbound(&elsewhere), lab.inbound(&ends.reply())]
    });
}

#[test]
#[ignore = "needs root"]
fn packets_to_a_port_without_service_pass_where_the_host_has_the_address_too() {
    with_lab(Forwarding::On, |lab| {
        for mut ends in Ends::all() {
            println!("{ends}");
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            ends.service.set_port(22);
            lab.client_sends(&ends.opening()).is_passed_untouched();
        }
    });
}

#[test]
#[ignore = "needs root"]
fn packets_of_other_protocols_pass() {
    passes(|lab, ends| others(lab, ends, ends.backend.ip()));
}

#[test]
#[ignore = "needs root"]
fn packets_of_other_protocols_pass_where_the_host_has_the_address_too() {
    passes(|lab, ends| {
        lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
        others(lab, ends, ends.service.ip())
    });
}

#[test]
#[ignore = "needs root"]
fn frames_of_other_ethertypes_pass() {
    passes(|lab, ends| {
        // LLDP, MPLS, PPPoE, and a length of IEEE 802.3.
        let other = |ethertype| {
            let mut packet = lab.inbound(&ends.opening());
            packet.ethernet.ethertype = Some(ethertype);
            packet
        };
        [0x88cc, 0x8847, 0x8864, 0x0040].map(other).to_vec()
    });
}

// The kernel takes one tag off before the program sees the frame; a tag that is
// still there belongs to another network.
#[test]
#[ignore = "needs root"]
fn frames_with_a_vlan_tag_pass() {
    passes(|lab, ends| {
        let packet = lab.inbound(&ends.opening());
        let tag = Tag {
            protocol: 0x8100,
            control: 7,
        };
        let service = Tag {
            protocol: 0x88a8,
            control: 0x2007,
        };
        vec![
            packet.clone().tagged(tag),
            packet.clone().tagged(tag).tagged(service),
        ]
    });
}

#[test]
#[ignore = "needs root"]
fn frames_for_another_host_pass() {
    passes(|lab, ends| {
        let frame = |mac| ends.opening().macs(lab.out.neighbour, mac);
        // Unicast, multicast, broadcast.
        let macs = [
            Mac([2, 0, 0, 0, 1, 9]),
            Mac([1, 0, 0x5e, 0, 0, 1]),
            Mac([0xff; 6]),
        ];
        macs.map(frame).to_vec()
    });
}

#[test]
#[ignore = "needs root"]
fn frames_at_a_port_of_a_bridge_are_forwarded_though_they_have_the_mac_address_of_the_bridge() {
    with_lab(Forwarding::On, |lab| {
        let device = Device {
            flags: DEVICE_BRIDGE_PORT,
            mac: [0; 6],
            pad: [0; 2],
            master: 0,
        };
        lab.object.put("devices", lab.out.ifindex, device);
        for ends in Ends::all() {
            println!("{ends}");
            let sent = ends
                .opening()
                .macs(lab.out.neighbour, Mac([2, 0, 0, 0, 1, 9]));
            let expected = lab.pod.emits(&ends.opening().to(ends.backend).hop());
            lab.receive(&lab.out, sent.bytes())
                .is_redirected_as(&expected);
        }
    });
}

// What is not an IP header cannot be for a service.
#[test]
#[ignore = "needs root"]
fn packets_of_a_wrong_version_or_header_length_pass() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let whole = lab.inbound(&ends.opening()).bytes();
            let firsts: &[u8] = if ends.service.is_ipv4() {
                &[0x55, 0x65, 0x44, 0x40]
            } else {
                &[0x40, 0x50]
            };
            for first in firsts {
                let mut frame = whole.clone();
                frame[14] = *first;
                lab.receive(&lab.out, frame).is_passed_untouched();
            }
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// The stack would send them on, to a router that knows whose the address is and sends
// them back.
#[test]
#[ignore = "needs root"]
fn packets_of_other_protocols_end_at_an_address_that_the_host_does_not_have() {
    ends_here(|lab, ends| {
        let others = others(lab, ends, ends.service.ip()).into_iter();
        others.map(|packet| packet.bytes()).collect()
    });
}

// Without ports nothing says which service the packet is for.
#[test]
#[ignore = "needs root"]
fn packets_that_end_before_their_ports_end_here() {
    ends_here(|lab, ends| {
        let packet = lab.inbound(&ends.opening());
        let (whole, at) = (packet.bytes(), packet.transport_at());
        (at..at + 4)
            .map(|length| whole[..length].to_vec())
            .collect()
    });
}

// The host may have been told to answer for the address (`ip neigh add proxy`).
#[test]
#[ignore = "needs root"]
fn what_neighbours_say_to_each_other_passes() {
    passes(|lab, ends| {
        if ends.service.is_ipv4() {
            return vec![];
        }
        let say = |kind| {
            let packet = Packet::icmp(ends.client.ip(), ends.service.ip(), Icmp::new(kind));
            lab.inbound(&packet)
        };
        (133..=137).map(say).collect()
    });
}

#[test]
#[ignore = "needs root"]
fn later_fragments_to_other_addresses_pass() {
    passes(|lab, ends| {
        let packet = lab.inbound(&ends.request().to(ends.backend));
        let fragments = [1, 185, 0x1fff];
        if ends.service.is_ipv4() {
            fragments
                .map(|offset| packet.clone().ipv4(|ip| ip.fragment = offset))
                .to_vec()
        } else {
            let fragment = |offset| {
                let extension = Extension::fragment(offset, false);
                packet.clone().ipv6(|ip| ip.extensions = vec![extension])
            };
            fragments.map(fragment).to_vec()
        }
    });
}

#[test]
#[ignore = "needs root"]
fn broken_packets_that_are_for_no_service_pass() {
    passes(|lab, ends| {
        let elsewhere = lab.inbound(&ends.request().to(ends.backend));
        let broken = if ends.is_tcp() {
            elsewhere.with_tcp(|tcp| tcp.data_offset = Field::Exactly(15))
        } else {
            elsewhere.with_udp(|udp| udp.length = Field::Exactly(7))
        };
        vec![broken]
    });
}

#[test]
#[ignore = "needs root"]
fn packets_with_too_many_or_broken_ipv6_extension_headers_end_here() {
    ends_here(|lab, ends| {
        if ends.service.is_ipv4() {
            return vec![];
        }
        let with = |extensions: Vec<Extension>| {
            lab.inbound(&ends.opening().ipv6(|ip| ip.extensions = extensions))
        };
        let many = with(vec![Extension::filled(DESTINATION_OPTIONS, 1); 12]);
        // 8 * 256 bytes: past what the program reads.
        let long = Extension {
            kind: HOP_BY_HOP,
            rest: [&[255][..], &[0; 2046]].concat(),
        };
        let cut = with(vec![Extension::filled(HOP_BY_HOP, 4)]).bytes()[..14 + 40 + 2].to_vec();
        vec![many.bytes(), with(vec![long]).bytes(), cut]
    });
}
