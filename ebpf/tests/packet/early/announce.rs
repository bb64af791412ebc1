// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use blixt_ebpf::layout::{ADDRESS_ANNOUNCE, ADDRESS_LOCAL};

use super::with_early;
use crate::{
    announce::{ROUTER, advertisement, ping, pong, service4, solicitation},
    build::{Arp, MORE_FRAGMENTS, Mac},
    harness::Ends,
};

#[test]
#[ignore = "needs root"]
fn early_answers_arp_with_the_length_of_the_request() {
    with_early(|lab| {
        for padding in [0, 18, 100] {
            let mut request = Arp::request(lab.out.neighbour, ROUTER, service4());
            request.trailer = vec![0; padding];
            let expected = request.reply(lab.out.mac).bytes();
            lab.early(&lab.out, request.bytes())
                .is_sent_back_as_frame(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_answers_neighbour_solicitations() {
    with_early(|lab| {
        let expected = advertisement(lab, &lab.out);
        lab.early(&lab.out, solicitation(lab).bytes())
            .is_sent_back_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn early_announces_outward_only() {
    with_early(|lab| {
        let arp = Arp::request(lab.node.neighbour, ROUTER, service4());
        for frame in [arp.bytes(), solicitation(lab).bytes()] {
            lab.early(&lab.node, frame).is_passed_untouched();
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_answers_pings_of_any_length() {
    with_early(|lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            for length in [0, 1, 56, 1_472, 5_000] {
                let payload = vec![0xa7; length];
                let sent = lab.inbound(&ping(&ends).payload(payload.clone()));
                let expected = lab.out.emits(&pong(&ends).payload(payload));
                lab.early(&lab.out, sent.bytes()).is_sent_back_as(&expected);
            }
        }
    });
}

// One that is whole only with others is for the stack to put together.
#[test]
#[ignore = "needs root"]
fn early_passes_fragments_of_pings() {
    with_early(|lab| {
        let ends = Ends::tcp4();
        for fragment in [MORE_FRAGMENTS, 1, MORE_FRAGMENTS | 185] {
            let sent = ping(&ends).ipv4(|ip| ip.fragment = fragment);
            lab.early(&lab.out, lab.inbound(&sent).bytes())
                .is_passed_untouched();
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_pings_that_are_not_for_it_to_answer() {
    with_early(|lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            let flooded = ping(&ends).macs(lab.out.neighbour, Mac([2, 0, 0, 0, 1, 9]));
            lab.early(&lab.out, flooded.bytes()).is_passed_untouched();
            for flags in [ADDRESS_LOCAL, ADDRESS_ANNOUNCE | ADDRESS_LOCAL] {
                lab.put_address(ends.service.ip(), flags);
                lab.early(&lab.out, lab.inbound(&ping(&ends)).bytes())
                    .is_passed_untouched();
            }
        }
    });
}
