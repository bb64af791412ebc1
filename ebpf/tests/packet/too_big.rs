// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets that the way out does not take: who sent them hears of it.

use std::{
    net::{IpAddr, SocketAddr},
    thread,
    time::Instant,
};

use blixt_ebpf::layout::Drops;

use crate::{
    build::{Field, Icmp, Packet, TOO_BIG_V6, UNREACHABLE, fragments},
    harness::{Ends, Forwarding, Lab, ip, with_lab},
    icmp_error::error_about,
};

/// Of both outward links, in tests that do not say otherwise.
const MTU: usize = 1_400;

fn with_mtu(forwarding: Forwarding, mtu: usize, mut test: impl FnMut(&mut Lab) + Send) {
    with_lab(forwarding, |lab| {
        ip(&format!(
            "link set node0 mtu {mtu}\nlink set out0 mtu {mtu}"
        ));
        test(lab);
    });
}

/// Every way to a backend that is not in a pod here, and what of the link's MTU is
/// left for packets on it.
fn ways() -> Vec<(Ends, usize)> {
    Ends::all()
        .into_iter()
        .flat_map(|ends| {
            [
                (ends.clone().remote(), 0),
                (ends.clone().routed(), 0),
                (ends.clone().beyond(false), 20),
                (ends.beyond(true), 40),
            ]
        })
        .collect()
}

/// The packet with as much payload as makes it so long.
pub fn sized(packet: Packet, length: usize) -> Packet {
    let header = packet.clone().payload([]).ip_length();
    packet.payload(vec![0x5a; length - header])
}

/// What comes back for a packet where `mtu` bytes are taken.
pub fn told(packet: &Packet, mtu: u16) -> Packet {
    told_of(packet, &packet.bytes(), mtu)
}

/// The same for a packet whose frame has a wrong checksum.
pub fn told_of(packet: &Packet, frame: &[u8], mtu: u16) -> Packet {
    let v4 = packet.source().is_ipv4();
    let mut icmp = Icmp::new(if v4 { UNREACHABLE } else { TOO_BIG_V6 });
    icmp.code = if v4 { 4 } else { 0 };
    let [high, low] = mtu.to_be_bytes();
    icmp.rest = [0, 0, high, low];
    error_about(packet, frame, packet.destination(), icmp)
}

#[test]
#[ignore = "needs root"]
fn the_client_hears_how_much_the_way_to_the_backend_takes() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_mtu(forwarding, MTU, |lab| {
            for (ends, overhead) in ways() {
                println!("{ends}, {overhead} bytes around, forwarding {forwarding:?}");
                lab.choose(&ends);
                let ifindex = lab.node.ifindex;
                lab.put_backend(&ends, |backend| backend.ifindex = ifindex);
                lab.begin(&ends);
                let fits = MTU - overhead;
                let outcome = lab.client_sends(&sized(ends.request(), fits));
                assert!(outcome.was_redirected());
                assert_eq!(outcome.frame.len(), 14 + MTU);
                for length in [fits + 1, 1_500] {
                    let sent = lab.inbound(&sized(ends.request(), length));
                    let mtu = fits.max(if ends.service.is_ipv4() { 0 } else { 1_280 });
                    let expected = lab.out.emits(&told(&sent, mtu as u16));
                    lab.client_sends(&sent).is_redirected_as(&expected);
                }
                lab.remove_flow(ends.client, ends.service, ends.protocol);
                if !ends.remote {
                    lab.remove_flow(ends.backend, ends.client, ends.protocol);
                }
            }
            let drops = Drops {
                too_big: 32,
                ..Drops::default()
            };
            assert_eq!(lab.drops(), drops);
        });
    }
}

#[test]
#[ignore = "needs root"]
fn the_backend_hears_how_much_the_way_to_the_client_takes() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_mtu(forwarding, MTU, |lab| {
            for ends in Ends::all() {
                println!("{ends}, forwarding {forwarding:?}");
                lab.begin(&ends);
                assert!(lab.pod_sends(&sized(ends.reply(), MTU)).was_redirected());
                let sent = lab.outbound(&sized(ends.reply(), MTU + 1));
                let expected = lab.pod.emits(&told(&sent, MTU as u16));
                lab.pod_sends(&sent).is_redirected_as(&expected);
            }
            assert_eq!(lab.drops().too_big, 4);
        });
    }
}

#[test]
#[ignore = "needs root"]
fn what_enters_a_pod_at_once_crosses_no_link() {
    with_lab(Forwarding::On, |lab| {
        ip("link set pod0 mtu 1300");
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            assert!(
                lab.client_sends(&sized(ends.request(), 1_500))
                    .was_redirected()
            );
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_route_may_take_less_than_its_link() {
    with_lab(Forwarding::On, |lab| {
        ip("route change 172.29.0.0/16 via 172.16.0.2 mtu lock 1350");
        let ends = Ends::tcp4().beyond(false);
        lab.choose(&ends);
        lab.begin(&ends);
        assert!(
            lab.client_sends(&sized(ends.request(), 1_330))
                .was_redirected()
        );
        let sent = lab.inbound(&sized(ends.request(), 1_331));
        let expected = lab.out.emits(&told(&sent, 1_330));
        lab.client_sends(&sent).is_redirected_as(&expected);
    });
}

// Hosts reduce what they send all the same, and nobody here could cut it.
#[test]
#[ignore = "needs root"]
fn who_allows_fragments_hears_of_it_too() {
    with_mtu(Forwarding::On, MTU, |lab| {
        for ends in [Ends::tcp4().remote(), Ends::udp4().beyond(false)] {
            println!("{ends}");
            lab.choose(&ends);
            lab.begin(&ends);
            let sent = sized(ends.request(), 1_500).ipv4(|ip| ip.fragment = 0);
            let sent = lab.inbound(&sent);
            let mtu = if ends.tunnel.is_some() { 1_380 } else { 1_400 };
            let expected = lab.out.emits(&told(&sent, mtu));
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}

// RFC 8200, section 5: no sender would go lower.
#[test]
#[ignore = "needs root"]
fn no_sender_of_ipv6_is_asked_for_less_than_every_path_takes() {
    with_mtu(Forwarding::On, 1_280, |lab| {
        let ends = Ends::udp6().beyond(true);
        lab.choose(&ends);
        lab.begin(&ends);
        let sent = lab.inbound(&sized(ends.request(), 1_241));
        let expected = lab.out.emits(&told(&sent, 1_280));
        lab.client_sends(&sent).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn a_datagram_without_a_checksum_is_quoted_without_one() {
    with_mtu(Forwarding::On, MTU, |lab| {
        let ends = Ends::udp4().remote();
        lab.choose(&ends);
        lab.begin(&ends);
        let sent = sized(ends.request(), 1_500).with_udp(|udp| udp.checksum = Field::Exactly(0));
        let sent = lab.inbound(&sent);
        let expected = lab.out.emits(&told(&sent, MTU as u16));
        lab.client_sends(&sent).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn the_error_quotes_options_and_leaves_the_trailer_out() {
    with_mtu(Forwarding::On, 300, |lab| {
        let ends = Ends::tcp4().remote();
        lab.choose(&ends);
        lab.begin(&ends);
        for length in [301, 350, 399] {
            let sent = ends.request().ipv4(|ip| ip.options = vec![1; 12]);
            let sent = lab.inbound(&sized(sent, length).trailer([0xee; 20]));
            let expected = lab.out.emits(&told(&sent, 300));
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}

// RFC 1122, section 3.2.2.
#[test]
#[ignore = "needs root"]
fn a_first_fragment_is_answered_and_later_ones_are_not() {
    with_mtu(Forwarding::On, 600, |lab| {
        for ends in Ends::udp().map(Ends::remote) {
            println!("{ends}");
            lab.choose(&ends);
            lab.begin(&ends);
            let pieces = fragments(&ends.request().payload([0x66; 1_300]), &[640]);
            let first = lab.inbound(&pieces[0]);
            let mtu = if ends.service.is_ipv4() { 600 } else { 1_280 };
            let expected = lab.out.emits(&told(&first, mtu));
            lab.client_sends(&first).is_redirected_as(&expected);
            lab.client_sends(&pieces[1]).is_dropped();
        }
        assert_eq!(lab.drops().too_big, 4);
    });
}

#[test]
#[ignore = "needs root"]
fn nobody_is_answered_who_is_no_single_host() {
    with_mtu(Forwarding::On, MTU, |lab| {
        let strangers = ["0.0.0.1", "127.0.0.9", "224.0.0.5", "255.255.255.255", "::"];
        for stranger in strangers {
            println!("{stranger}");
            let from: IpAddr = stranger.parse().expect("an address");
            let mut ends = match from.is_ipv4() {
                true => Ends::udp4().remote(),
                false => Ends::udp6().remote(),
            };
            lab.choose(&ends);
            lab.begin_from(&mut ends, SocketAddr::new(from, 7));
            lab.client_sends(&sized(ends.request(), 1_500)).is_dropped();
        }
        assert_eq!(lab.drops().too_big, strangers.len() as u64);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flood_is_answered_a_thousand_times_a_second_and_cpu() {
    with_mtu(Forwarding::On, MTU, |lab| {
        let ends = Ends::udp4().remote();
        lab.choose(&ends);
        lab.begin(&ends);
        let flood = sized(ends.request(), 1_500);
        let begin = Instant::now();
        let answers = (0..5_000).filter(|_| lab.client_sends(&flood).was_redirected());
        let answers = answers.count();
        // Seconds of 2^30 ns, those begun counted.
        let seconds = (begin.elapsed().as_nanos() >> 30) as usize + 2;
        let cpus = thread::available_parallelism().map_or(1, usize::from);
        assert!(answers >= 1_000, "{answers} answers");
        assert!(answers <= cpus * seconds * 1_000, "{answers} answers");
        assert_eq!(lab.drops().too_big, 5_000);
    });
}
