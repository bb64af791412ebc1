// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! One test for every reason that a packet is dropped for. A reason without one
//! does not compile.

use blixt_ebpf::layout::{BACKEND_ALIVE, Drops};

use crate::{
    build::{Field, Packet, RST, fragments},
    harness::{Ends, Forwarding, Lab, ip, with_lab},
    source_port::take_all_ports,
};

/// Makes the program drop packets for one reason; the drops that this counts.
type Provoke = fn(&mut Lab, &Ends) -> u64;

/// Provokes drops for every service in turn: the reason's counter, and no other,
/// counts each of them.
fn drops_for(reason: fn(&mut Drops) -> &mut u64, provoke: Provoke) {
    with_lab(Forwarding::On, |lab| {
        let mut expected = Drops::default();
        for ends in Ends::all() {
            println!("{ends}");
            *reason(&mut expected) += provoke(lab, &ends);
            assert_eq!(lab.drops(), expected);
        }
        assert_ne!(expected, Drops::default(), "nothing was provoked");
    });
}

macro_rules! every_reason {
    ($($reason:ident => $provoke:ident,)+ ; $($unprovoked:ident => $why:literal,)+) => {
        $(
            #[test]
            #[ignore = "needs root"]
            fn $reason() {
                drops_for(|drops| &mut drops.$reason, $provoke);
            }
        )+

        /// The pattern names every field or does not compile.
        #[test]
        fn every_reason_is_provoked_or_says_why_not() {
            let Drops { $($reason: _,)+ $($unprovoked: _,)+ } = Drops::default();
            $(assert!(!$why.is_empty());)+
        }
    };
}

every_reason! {
    malformed => headers_that_lie_or_end_early,
    fragment => later_fragments_without_a_first,
    no_route => backends_without_a_route,
    ttl_exceeded => packets_at_the_end_of_their_hops,
    refused_udp => datagrams_to_a_refusing_service,
    refused_tcp => connections_to_a_refusing_service,
    backend_gone => connections_whose_backend_left,
    inconsistent => maps_that_contradict_each_other,
    no_service => packets_to_a_port_without_service,
    too_big => packets_that_the_way_does_not_take,
    no_port => flows_for_which_every_port_is_in_use,
    martian => datagrams_and_connections_from_the_service_itself,
    rewrite_failed => packets_of_which_one_end_is_forgotten,
    ;
    no_entry => "an LRU table makes room; only memory or another CPU's eviction in between can fail it",
}

fn flows_for_which_every_port_is_in_use(lab: &mut Lab, ends: &Ends) -> u64 {
    let snat = ends.clone().snat();
    lab.choose(&snat);
    take_all_ports(lab, &snat);
    lab.client_sends(&snat.opening()).is_dropped();
    lab.client_sends(&snat.opening()).is_dropped();
    2
}

fn datagrams_and_connections_from_the_service_itself(lab: &mut Lab, ends: &Ends) -> u64 {
    lab.choose(ends);
    let echoing = Ends {
        client: ends.service,
        ..ends.clone()
    };
    lab.client_sends(&echoing.opening()).is_dropped();
    lab.client_sends(&echoing.request()).is_dropped();
    2
}

fn packets_of_which_one_end_is_forgotten(lab: &mut Lab, ends: &Ends) -> u64 {
    let snat = ends.clone().snat();
    lab.choose(&snat);
    let masked = lab.mask(&snat);
    let answer = lab.across(&masked.answer(&snat.reply()));
    assert!(lab.receive(&lab.node, answer.bytes()).was_redirected());
    for (from, to) in masked.ways() {
        lab.forget_other_end(from, to, ends.protocol);
    }
    lab.client_sends(&ends.request()).is_dropped();
    lab.receive(&lab.node, answer.bytes()).is_dropped();
    2
}

fn packets_that_the_way_does_not_take(lab: &mut Lab, ends: &Ends) -> u64 {
    ip("link set node0 mtu 1300");
    let remote = ends.clone().remote();
    lab.choose(&remote);
    lab.begin(&remote);
    let outcome = lab.client_sends(&ends.request().payload([0; 1_300]));
    assert!(outcome.was_redirected(), "the client hears of it");
    1
}

/// The packet with each of its header's lengths wrong in turn.
fn liars(packet: &Packet) -> Vec<Packet> {
    let mut liars = Vec::new();
    let length = packet.ip_length() as u16;
    let header = (packet.transport_at() - packet.network_at()) as u16;
    let least = if packet.transport.is_tcp() { 20 } else { 8 };
    for total in [header + 4, header + least - 1, length + 1, u16::MAX] {
        liars.push(match packet.source().is_ipv4() {
            true => packet
                .clone()
                .ipv4(|ip| ip.total_length = Field::Exactly(total)),
            false => packet
                .clone()
                .ipv6(|ip| ip.payload_length = Field::Exactly(total - 40)),
        });
    }
    if packet.transport.is_tcp() {
        for words in [0, 4, 15] {
            liars.push(
                packet
                    .clone()
                    .with_tcp(|tcp| tcp.data_offset = Field::Exactly(words)),
            );
        }
    } else {
        for bytes in [0, 7] {
            liars.push(
                packet
                    .clone()
                    .with_udp(|udp| udp.length = Field::Exactly(bytes)),
            );
        }
    }
    liars
}

fn headers_that_lie_or_end_early(lab: &mut Lab, ends: &Ends) -> u64 {
    let packet = lab.inbound(&ends.request());
    let mut frames: Vec<Vec<u8>> = liars(&packet).iter().map(Packet::bytes).collect();
    let least = packet.transport_at() + if ends.is_tcp() { 20 } else { 8 };
    // From the byte after the ports to the last of the header.
    let whole = packet.bytes();
    frames.extend((packet.transport_at() + 4..least).map(|length| whole[..length].to_vec()));
    let count = frames.len();
    for frame in frames {
        println!("{frame:02x?}");
        lab.receive(&lab.out, frame).is_dropped();
    }
    count as u64
}

fn later_fragments_without_a_first(lab: &mut Lab, ends: &Ends) -> u64 {
    for later in &fragments(&ends.request().payload([0x66; 64]), &[24, 48])[1..] {
        lab.client_sends(later).is_dropped();
    }
    2
}

fn backends_without_a_route(lab: &mut Lab, ends: &Ends) -> u64 {
    ip(&format!("route add unreachable {}", ends.backend.ip()));
    lab.client_sends(&ends.opening()).is_dropped();
    lab.client_sends(&ends.request()).is_dropped();
    2
}

fn packets_at_the_end_of_their_hops(lab: &mut Lab, ends: &Ends) -> u64 {
    lab.begin(ends);
    lab.settle(ends);
    for outcome in [
        lab.client_sends(&ends.request().ttl(1)),
        lab.pod_sends(&ends.reply().ttl(0)),
    ] {
        assert!(outcome.was_redirected(), "the sender hears of it");
    }
    let pieces = fragments(&ends.request().payload([0x66; 64]), &[24]);
    assert!(lab.client_sends(&pieces[0]).was_redirected());
    lab.client_sends(&pieces[1].clone().ttl(1)).is_dropped();
    3
}

fn datagrams_to_a_refusing_service(lab: &mut Lab, ends: &Ends) -> u64 {
    if ends.is_tcp() {
        return 0;
    }
    lab.refuse(ends);
    lab.client_sends(&ends.opening()).is_dropped();
    1
}

fn connections_to_a_refusing_service(lab: &mut Lab, ends: &Ends) -> u64 {
    if !ends.is_tcp() {
        return 0;
    }
    lab.refuse(ends);
    assert!(
        lab.client_sends(&ends.opening()).was_redirected(),
        "a reset goes back"
    );
    lab.client_sends(&ends.opening().flags(RST)).is_dropped();
    2
}

fn connections_whose_backend_left(lab: &mut Lab, ends: &Ends) -> u64 {
    if !ends.is_tcp() {
        return 0;
    }
    lab.begin(ends);
    lab.put_backend(ends, |backend| backend.flags = 0);
    assert!(
        lab.client_sends(&ends.request()).was_redirected(),
        "a reset goes back"
    );
    // The id has another owner.
    lab.put_backend(ends, |_| {});
    lab.begin(ends);
    lab.put_backend(ends, |backend| backend.epoch += 1);
    assert!(
        lab.client_sends(&ends.request()).was_redirected(),
        "a reset goes back"
    );
    2
}

fn maps_that_contradict_each_other(lab: &mut Lab, ends: &Ends) -> u64 {
    // No such table; a table shorter than the service says; a backend that is
    // not alive; a backend beyond the array.
    lab.put_service(ends, |service| service.table = 300);
    lab.client_sends(&ends.opening()).is_dropped();
    lab.put_service(ends, |service| service.slots = u32::MAX);
    lab.client_sends(&ends.opening()).is_dropped();
    lab.put_service(ends, |_| {});
    lab.choose(ends);
    lab.put_backend(ends, |backend| backend.flags = !BACKEND_ALIVE);
    lab.client_sends(&ends.opening()).is_dropped();
    lab.object.set_table(ends.table, &[u32::MAX; 5]);
    lab.client_sends(&ends.opening()).is_dropped();
    4
}

fn packets_to_a_port_without_service(lab: &mut Lab, ends: &Ends) -> u64 {
    let mut elsewhere = ends.clone();
    elsewhere.service.set_port(22);
    let outcome = lab.client_sends(&elsewhere.opening());
    if ends.is_tcp() {
        assert!(outcome.was_redirected(), "a reset goes back");
    } else {
        outcome.is_dropped();
    }
    1
}
