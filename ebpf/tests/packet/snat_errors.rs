// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors about packets of flows whose client goes by this node's address:
//! neither side hears of the other's names.

use std::net::IpAddr;

use crate::{
    build::{Icmp, Packet, UNREACHABLE, UNREACHABLE_V6},
    errors::{error, with_errors},
    harness::{Ends, Forwarding, Lab, Masked, with_lab},
    snat::{node_sends, with_snat},
};

/// Receives an error from a router at the far side about a request, and expects the
/// client to hear it from the service.
#[track_caller]
fn tell_client(
    lab: &Lab,
    masked: &Masked,
    from: IpAddr,
    icmp: &Icmp,
    request: &Packet,
    length: usize,
) {
    let ends = &masked.ends;
    let arrived = request.clone().from(masked.source).to(ends.backend);
    let told = error(from, masked.source.ip(), icmp, &arrived, length);
    let expected = error(ends.service.ip(), ends.client.ip(), icmp, request, length).hop();
    node_sends(lab, &told).is_redirected_as(&lab.out.emits(&expected));
}

/// Receives an error of the client, or of a router before it, about a reply, and
/// expects the backend to hear it from this node.
#[track_caller]
fn tell_backend(
    lab: &Lab,
    masked: &Masked,
    from: IpAddr,
    icmp: &Icmp,
    reply: &Packet,
    length: usize,
) {
    let ends = &masked.ends;
    let returned = reply.clone().from(ends.service);
    let told = error(from, ends.service.ip(), icmp, &returned, length);
    let sent = masked.answer(reply);
    let expected = error(masked.source.ip(), ends.backend.ip(), icmp, &sent, length).hop();
    lab.client_sends(&told)
        .is_redirected_as(&lab.node.emits(&expected));
}

// No reply has come yet, so the way to the client is not known.
#[test]
#[ignore = "needs root"]
fn the_client_hears_of_its_requests_from_the_service() {
    with_snat(Forwarding::On, |lab, ends| {
        let masked = lab.mask(ends);
        let request = ends.request().payload([0x66; 600]);
        with_errors(ends, &request, ends.backend.ip(), |from, icmp, length| {
            tell_client(lab, &masked, from, icmp, &request, length);
        });
    });
}

#[test]
#[ignore = "needs root"]
fn the_backend_hears_of_its_replies_from_this_node() {
    with_snat(Forwarding::On, |lab, ends| {
        let masked = lab.mask(ends);
        let reply = ends.reply().payload([0x77; 600]);
        with_errors(ends, &reply, ends.client.ip(), |from, icmp, length| {
            tell_backend(lab, &masked, from, icmp, &reply, length);
        });
    });
}

#[test]
#[ignore = "needs root"]
fn hardware_sums_of_errors_stay_right() {
    with_snat(Forwarding::On, |lab, ends| {
        lab.sum_in_hardware();
        let masked = lab.mask(ends);
        let (request, reply) = (ends.request(), ends.reply());
        with_errors(ends, &request, ends.backend.ip(), |from, icmp, length| {
            tell_client(lab, &masked, from, icmp, &request, length);
            tell_backend(lab, &masked, from, icmp, &reply, length);
        });
    });
}

#[test]
#[ignore = "needs root"]
fn errors_at_ports_that_stand_for_nobody_are_left_to_the_host() {
    with_snat(Forwarding::On, |lab, ends| {
        let masked = lab.mask(ends);
        let mut nobody = masked.source;
        nobody.set_port(masked.source.port() - 1);
        let sent = ends.request().from(nobody).to(ends.backend);
        let icmp = Icmp::new(if ends.service.is_ipv4() {
            UNREACHABLE
        } else {
            UNREACHABLE_V6
        });
        let told = error(ends.backend.ip(), nobody.ip(), &icmp, &sent, usize::MAX);
        node_sends(lab, &told).is_passed_untouched();
    });
}

#[test]
#[ignore = "needs root"]
fn an_error_of_a_flow_whose_other_end_is_forgotten_is_dropped() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let masked = lab.mask(&ends);
            let reply = masked.answer(&ends.reply());
            assert!(node_sends(lab, &reply).was_redirected());
            let [_, (from, to)] = masked.ways();
            lab.forget_other_end(from, to, ends.protocol);
            let arrived = ends.request().from(masked.source).to(ends.backend);
            let icmp = Icmp::new(if ends.service.is_ipv4() {
                UNREACHABLE
            } else {
                UNREACHABLE_V6
            });
            let told = error(ends.backend.ip(), to.ip(), &icmp, &arrived, usize::MAX);
            node_sends(lab, &told).is_dropped();
        }
        assert_eq!(lab.drops().rewrite_failed, 4);
    });
}
