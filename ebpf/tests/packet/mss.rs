// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The segment size that a backend announces, where the client's packets come
//! inside others.

use blixt_ebpf::layout::NODE_SELF;

use crate::{
    build::{ACK, Field, Packet, SYN},
    harness::{Ends, Forwarding, Lab, ip, with_lab},
};

/// The option with that value.
fn announce(size: u16) -> Vec<u8> {
    let [high, low] = size.to_be_bytes();
    vec![2, 4, high, low]
}

/// What a backend answers a SYN with.
fn answer(ends: &Ends, options: Vec<u8>) -> Packet {
    let reply = ends.reply().payload([]).flags(SYN | ACK).numbers(7, 8);
    reply.with_tcp(|tcp| tcp.options = options)
}

/// Every pair of families, and the segment size that a link of 1,500 bytes leaves.
fn tunnels() -> Vec<(Ends, u16)> {
    let sizes = [[1_440, 1_420], [1_420, 1_400]];
    let pairs = Ends::tcp().into_iter().zip(sizes);
    pairs
        .flat_map(|(ends, [v4, v6])| [(ends.clone().beyond(false), v4), (ends.beyond(true), v6)])
        .collect()
}

/// Begins a connection whose SYN another node passed on.
fn open_through_tunnel(lab: &mut Lab, ends: &Ends) {
    let [there, here] = ends.tunnel_here();
    lab.put_node(there, 0);
    lab.put_node(here, NODE_SELF);
    let wrapped = ends.opening().inside(there, here);
    let outcome = lab.receive(
        &lab.node,
        wrapped.macs(lab.node.neighbour, lab.node.mac).bytes(),
    );
    assert!(outcome.was_redirected());
}

/// Checks what becomes of a backend's options on their way to the client.
fn with_tunnels(check: impl Fn(&dyn Fn(Vec<u8>, Vec<u8>), u16) + Sync) {
    with_lab(Forwarding::On, |lab| {
        for (ends, size) in tunnels() {
            println!("{ends} through {:?}", ends.tunnel);
            open_through_tunnel(lab, &ends);
            let becomes = |sent: Vec<u8>, expected: Vec<u8>| {
                let expected = answer(&ends, expected).from(ends.service).hop();
                lab.pod_sends(&answer(&ends, sent))
                    .is_redirected_as(&lab.out.emits(&expected));
            };
            check(&becomes, size);
            lab.forget(&ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_backend_announces_what_fits_with_the_header_around() {
    with_tunnels(|becomes, size| {
        becomes(announce(1_460), announce(size));
        becomes(announce(size + 1), announce(size));
        becomes(announce(0xffff), announce(size));
    });
}

#[test]
#[ignore = "needs root"]
fn a_smaller_size_stays() {
    with_tunnels(|becomes, size| {
        for size in [size, size - 1, 88, 0] {
            becomes(announce(size), announce(size));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_option_is_found_behind_others_on_even_and_odd_bytes() {
    with_tunnels(|becomes, size| {
        let befores: [&[u8]; 5] = [
            &[1, 1],
            &[1],
            &[3, 3, 7],
            &[4, 2, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8],
            &[1; 5],
        ];
        for before in befores {
            let options = |size| {
                let mut options = [before.to_vec(), announce(size)].concat();
                options.resize(options.len().next_multiple_of(4), 0);
                options
            };
            becomes(options(1_460), options(size));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn options_without_a_size_or_that_lie_stay_as_they_are() {
    with_tunnels(|becomes, _| {
        let untouched: [&[u8]; 8] = [
            &[],
            &[1, 1, 1, 1],
            // Behind the end of the list.
            &[0, 1, 1, 1, 2, 4, 0xff, 0xff],
            // Lengths that lead nowhere, or past the end.
            &[3, 0, 2, 4, 0xff, 0xff, 0, 0],
            &[3, 1, 2, 4, 0xff, 0xff, 0, 0],
            &[3, 200, 2, 4, 0xff, 0xff, 0, 0],
            &[3, 48, 2, 4, 0xff, 0xff, 0, 0],
            // Half of it in the payload's place.
            &[1, 1, 2, 4],
        ];
        for options in untouched {
            becomes(options.to_vec(), options.to_vec());
        }
    });
}

#[test]
#[ignore = "needs root"]
fn only_an_answer_to_what_came_inside_another_packet_is_touched() {
    with_lab(Forwarding::On, |lab| {
        for (ends, _) in tunnels() {
            println!("{ends}");
            lab.begin(&ends);
            let expected = answer(&ends, announce(1_460)).from(ends.service).hop();
            lab.pod_sends(&answer(&ends, announce(1_460)))
                .is_redirected_as(&lab.out.emits(&expected));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn segments_after_the_answer_are_not_looked_into() {
    with_tunnels(|becomes, size| becomes(announce(1_460), announce(size)));
    with_lab(Forwarding::On, |lab| {
        for (ends, _) in tunnels() {
            open_through_tunnel(lab, &ends);
            let data = answer(&ends, announce(1_460)).flags(ACK);
            let expected = data.clone().from(ends.service).hop();
            lab.pod_sends(&data)
                .is_redirected_as(&lab.out.emits(&expected));
            lab.forget(&ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_link_that_takes_little_leaves_what_every_host_takes() {
    with_lab(Forwarding::On, |lab| {
        ip("link set node0 mtu 570");
        let ends = Ends::tcp4().beyond(false);
        open_through_tunnel(lab, &ends);
        let expected = answer(&ends, announce(536)).from(ends.service).hop();
        lab.pod_sends(&answer(&ends, announce(1_460)))
            .is_redirected_as(&lab.out.emits(&expected));
    });
}

#[test]
#[ignore = "needs root"]
fn a_wrong_checksum_stays_wrong() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::tcp4().beyond(false);
        open_through_tunnel(lab, &ends);
        let wrong = |packet: Packet| {
            let bytes = packet.bytes();
            let at = packet.transport_at() + 16;
            let right = u16::from_be_bytes([bytes[at], bytes[at + 1]]);
            packet.with_tcp(|tcp| tcp.checksum = Field::Exactly(crate::checksum::add(right, 5)))
        };
        let expected = answer(&ends, announce(1_440)).from(ends.service).hop();
        lab.pod_sends(&wrong(answer(&ends, announce(1_460))))
            .is_redirected_as(&lab.out.emits(&wrong(expected)));
    });
}
