// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Clients that use one port for two services which share a backend: that has to tell
//! the two flows apart, so the later one reaches it from another port.

use std::net::{IpAddr, SocketAddr};

use blixt_ebpf::layout::Drops;

use crate::{
    build::{Icmp, Packet, UNREACHABLE, UNREACHABLE_V6, fragments},
    errors::error,
    harness::{Ends, Forwarding, Lab, Masked, with_lab},
};

/// The same backend, client and port by another service.
fn other_service(lab: &mut Lab, ends: &Ends, number: u16) -> Ends {
    let mut other = ends.clone();
    other.service.set_port(80 + number);
    other.service_id += 50 + u32::from(number);
    other.table += 50 + u32::from(number);
    lab.serve(&other);
    other
}

/// Runs the test with a flow that is open and another service, over each protocol.
fn with_two(test: impl Fn(&mut Lab, &Ends, Ends) + Sync) {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.choose(&ends);
            lab.begin(&ends);
            lab.reply_comes_back(&ends);
            let other = other_service(lab, &ends, 1);
            test(lab, &ends, other);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

/// Packets of the flow go either way.
#[track_caller]
fn goes_on(lab: &Lab, masked: &Masked) {
    let ends = &masked.ends;
    lab.client_sends(&ends.request())
        .is_redirected_as(&lab.pod.emits(&masked.arriving(&ends.request())));
    lab.pod_sends(&masked.answer(&ends.reply()))
        .is_redirected_as(&lab.out.emits(&masked.returned(&ends.reply())));
}

/// Removes all entries of a flow that went by that source.
fn forget(lab: &mut Lab, ends: &Ends, source: SocketAddr) {
    for (from, to) in [(ends.client, ends.service), (ends.backend, source)] {
        lab.forget_other_end(from, to, ends.protocol);
        lab.remove_flow(from, to, ends.protocol);
    }
}

#[test]
#[ignore = "needs root"]
fn flows_of_two_services_from_one_socket_to_one_backend_go_by_two_ports() {
    with_two(|lab, ends, other| {
        let masked = lab.begin_by_another_port(&other);
        for _ in 0..3 {
            goes_on(lab, &masked);
            lab.client_reaches(&ends.request(), ends);
            lab.reply_comes_back(ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn each_further_service_gets_a_port_of_its_own() {
    with_two(|lab, ends, other| {
        let mut flows = vec![lab.begin_by_another_port(&other)];
        for number in 2..6 {
            let further = other_service(lab, ends, number);
            flows.push(lab.begin_by_another_port(&further));
        }
        for masked in &flows {
            goes_on(lab, masked);
        }
        lab.reply_comes_back(ends);
        flows.sort_by_key(|masked| masked.source.port());
        flows.dedup_by_key(|masked| masked.source.port());
        assert_eq!(flows.len(), 5);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_whose_entry_is_lost_goes_on_by_the_port_that_it_had() {
    with_two(|lab, _, other| {
        let masked = lab.begin_by_another_port(&other);
        goes_on(lab, &masked);
        lab.remove_flow(other.client, other.service, other.protocol);
        goes_on(lab, &masked);
    });
}

// Its client may use a port that stands for another one's, or for another of its own.
#[test]
#[ignore = "needs root"]
fn a_client_whose_own_port_stands_for_another_goes_by_a_third() {
    with_two(|lab, ends, other| {
        let masked = lab.begin_by_another_port(&other);
        goes_on(lab, &masked);
        for service in [ends, &other] {
            let own = service.clone().client_port(masked.source.port());
            let third = lab.begin_by_another_port(&own);
            assert_ne!(third.source, masked.source);
            goes_on(lab, &third);
        }
        goes_on(lab, &masked);
    });
}

#[test]
#[ignore = "needs root"]
fn a_port_that_a_client_uses_itself_stands_for_no_other_even_if_nobody_has_answered() {
    with_two(|lab, ends, other| {
        // The one that the flow would get.
        let sought = lab.begin_by_another_port(&other).source;
        forget(lab, &other, sought);
        let own = ends.clone().client_port(sought.port());
        lab.client_reaches(&own.opening(), &own);
        let masked = lab.begin_by_another_port(&other);
        assert_ne!(masked.source, sought);
        goes_on(lab, &masked);
        lab.reply_comes_back(&own);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_by_its_own_port_that_is_over_gives_it_away_and_begins_anew() {
    with_two(|lab, ends, other| {
        let sought = lab.begin_by_another_port(&other).source;
        forget(lab, &other, sought);
        let own = ends.clone().client_port(sought.port());
        lab.begin(&own);
        lab.age(&own, 20_000);
        let masked = lab.begin_by_another_port(&other);
        assert_eq!(masked.source, sought);
        assert!(lab.forward_flow(&own).is_none());
        let third = lab.begin_by_another_port(&own);
        for masked in [masked, third] {
            goes_on(lab, &masked);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn either_side_hears_of_errors_under_the_names_that_it_knows() {
    with_two(|lab, _, other| {
        let masked = lab.begin_by_another_port(&other);
        goes_on(lab, &masked);
        let kind = match other.service.is_ipv4() {
            true => UNREACHABLE,
            false => UNREACHABLE_V6,
        };
        let icmp = Icmp::new(kind);
        let told =
            |from: IpAddr, to: IpAddr, about: &Packet| error(from, to, &icmp, about, usize::MAX);
        let (client, service, backend) =
            (other.client.ip(), other.service.ip(), other.backend.ip());

        let arrived = other.request().from(masked.source).to(other.backend);
        let heard = told(service, client, &other.request()).hop();
        lab.pod_sends(&told(backend, client, &arrived))
            .is_redirected_as(&lab.out.emits(&heard));

        let returned = other.reply().from(other.service);
        let heard = told(client, backend, &masked.answer(&other.reply())).hop();
        lab.client_sends(&told(client, service, &returned))
            .is_redirected_as(&lab.pod.emits(&heard));
    });
}

#[test]
#[ignore = "needs root"]
fn fragments_go_by_the_port_of_their_first() {
    with_two(|lab, _, other| {
        if other.is_tcp() {
            return;
        }
        let masked = lab.begin_by_another_port(&other);
        let whole = other.request().payload([0x66; 64]);
        let arriving = fragments(&masked.arriving(&whole), &[24, 48]);
        for (sent, seen) in fragments(&whole, &[24, 48]).iter().zip(&arriving) {
            lab.client_sends(sent)
                .is_redirected_as(&lab.pod.emits(seen));
        }
    });
}
