// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Fragments go where their first went.

use blixt_ebpf::layout::{ADDRESS_LOCAL, Drops, Fragment, FragmentKey};

use crate::{
    build::{DESTINATION_OPTIONS, Extension, FRAGMENT, Packet, fragments, identify},
    harness::{Ends, Forwarding, Lab, with_lab},
};

const CUTS: &[usize] = &[24, 32, 64];

fn request(ends: &Ends) -> Packet {
    ends.request().payload([0x66; 100])
}

fn reply(ends: &Ends) -> Packet {
    ends.reply().payload([0x77; 90])
}

/// What comes out of a client's packet that was cut before it came.
fn forwarded(lab: &Lab, ends: &Ends, packet: &Packet) -> Vec<Packet> {
    let whole = packet.clone().to(ends.backend).hop();
    let pieces = fragments(&whole, CUTS);
    pieces.iter().map(|piece| lab.pod.emits(piece)).collect()
}

#[test]
#[ignore = "needs root"]
fn ingress_forwards_every_fragment_of_a_request_and_of_its_reply() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let sent = fragments(&request(&ends), CUTS);
            for (sent, expected) in sent.iter().zip(forwarded(lab, &ends, &request(&ends))) {
                lab.client_sends(sent).is_redirected_as(&expected);
            }
            let replied = reply(&ends).from(ends.service).hop();
            let replied = fragments(&replied, CUTS);
            for (sent, expected) in fragments(&reply(&ends), CUTS).iter().zip(replied) {
                lab.pod_sends(sent)
                    .is_redirected_as(&lab.out.emits(&expected));
            }
            let stats = lab.service_stats(&ends);
            assert_eq!((stats.flows, stats.rx_packets, stats.tx_packets), (1, 4, 4));
            let bytes: usize = sent.iter().map(Packet::ip_length).sum();
            assert_eq!(stats.rx_bytes, bytes as u64);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_forwards_later_fragments_in_any_order() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let sent = fragments(&request(&ends), CUTS);
            let expected = forwarded(lab, &ends, &request(&ends));
            for number in [0, 3, 1, 2, 2] {
                lab.client_sends(&sent[number])
                    .is_redirected_as(&expected[number]);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_tells_the_fragments_of_two_flows_apart_by_their_identification() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let other = ends.clone().client_port(41_000);
            let pieces = |ends: &Ends, backend: &Ends, id| {
                let sent = fragments(&request(ends), CUTS);
                let expected = forwarded(lab, backend, &request(ends));
                let with_id = |mut pieces: Vec<Packet>| {
                    pieces.iter_mut().for_each(|piece| identify(piece, id));
                    pieces
                };
                (with_id(sent), with_id(expected))
            };
            let second = ends.second_backend();
            let (sent, expected) = pieces(&ends, &ends, 5);
            let (sent_too, expected_too) = pieces(&other, &second, 6);
            lab.client_sends(&sent[0]).is_redirected_as(&expected[0]);
            lab.choose(&second);
            lab.client_sends(&sent_too[0])
                .is_redirected_as(&expected_too[0]);
            for number in 1..sent.len() {
                lab.client_sends(&sent[number])
                    .is_redirected_as(&expected[number]);
                lab.client_sends(&sent_too[number])
                    .is_redirected_as(&expected_too[number]);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_keeps_the_sum_right_that_hardware_made_of_a_fragment() {
    with_lab(Forwarding::On, |lab| {
        lab.sum_in_hardware();
        for ends in Ends::all() {
            println!("{ends}");
            let sent = fragments(&request(&ends), CUTS);
            for (sent, expected) in sent.iter().zip(forwarded(lab, &ends, &request(&ends))) {
                lab.client_sends(sent).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_drops_later_fragments_whose_first_is_half_a_minute_old() {
    with_lab(Forwarding::On, |lab| {
        let ends = Ends::udp4();
        let sent = fragments(&request(&ends), CUTS);
        assert!(lab.client_sends(&sent[0]).was_redirected());
        let (key, mut note): (FragmentKey, Fragment) = lab.only_note();
        note.seen = note.seen.wrapping_sub(30);
        lab.object.put("fragments", key, note);
        lab.client_sends(&sent[1]).is_dropped();
        assert_eq!(lab.drops().fragment, 1);
    });
}

// The host's stack takes what is for its own services.
#[test]
#[ignore = "needs root"]
fn later_fragments_without_a_first_pass_where_the_host_has_the_address_too() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            let sent = fragments(&request(&ends), CUTS);
            lab.client_sends(&sent[1]).is_passed_untouched();
        }
    });
}

// RFC 6946: what has a fragment header, but is all there is, is no fragment.
#[test]
#[ignore = "needs root"]
fn ingress_forwards_an_atomic_fragment_without_a_note() {
    with_lab(Forwarding::On, |lab| {
        for ends in [Ends::tcp6(), Ends::udp6()] {
            println!("{ends}");
            let atomic = |packet: Packet| {
                packet.ipv6(|ip| ip.extensions = vec![Extension::fragment(0, false)])
            };
            let expected = lab
                .pod
                .emits(&atomic(ends.request()).to(ends.backend).hop());
            lab.client_sends(&atomic(ends.request()))
                .is_redirected_as(&expected);
            assert_eq!(lab.object.count::<FragmentKey, Fragment>("fragments"), 0);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_finds_the_fragment_header_behind_other_extension_headers() {
    with_lab(Forwarding::On, |lab| {
        for ends in [Ends::tcp6(), Ends::udp6()] {
            println!("{ends}");
            let whole = request(&ends).ipv6(|ip| {
                ip.extensions = vec![Extension::filled(DESTINATION_OPTIONS, 2)];
            });
            for (sent, expected) in fragments(&whole, CUTS)
                .iter()
                .zip(forwarded(lab, &ends, &whole))
            {
                assert_eq!(sent.bytes()[54], FRAGMENT);
                lab.client_sends(sent).is_redirected_as(&expected);
            }
        }
    });
}
