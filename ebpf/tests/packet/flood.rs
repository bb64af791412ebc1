// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Floods from made-up addresses, and that flows with somebody at both ends
//! survive them.

use std::collections::BTreeSet;

use blixt_ebpf::layout::{Flow, FlowKey4};

use crate::{
    build::{ACK, Packet, RST, SYN},
    harness::{
        Chain, Ends, Forwarding, Kind, Lab, Masked, Object, TC_ACT_REDIRECT, Trampoline,
        with_chain, with_lab_of,
    },
    snat,
};

/// Entries of each flow table, and of pending flows.
const FLOWS: u32 = 32_768;
const PENDING: u32 = 4_096;
/// Packets of a flood, and the addresses that they come from at random.
const PACKETS: u32 = 1_000_000;
const SOURCES: u32 = 1_000_000;

/// The packets of a handshake, the last one acknowledging what the second says.
pub fn handshake(ends: &Ends) -> [(bool, Packet); 3] {
    let answer = ends.reply().payload([]).flags(SYN | ACK);
    let answer = answer.numbers(0xffff_ffff, 0xa1b2_c3d5);
    let last = ends.request().payload([]).flags(ACK);
    [
        (true, ends.opening()),
        (false, answer),
        (true, last.numbers(0xa1b2_c3d5, 0)),
    ]
}

/// What makes a flow that is no more pending.
pub fn establish(lab: &Lab, ends: &Ends) {
    if ends.is_tcp() {
        for (from_client, packet) in handshake(ends) {
            let outcome = if from_client {
                lab.client_sends(&packet)
            } else {
                lab.pod_sends(&packet)
            };
            assert!(outcome.was_redirected());
        }
    } else {
        for _ in 0..4 {
            assert!(lab.client_sends(&ends.request()).was_redirected());
        }
    }
}

/// A packet of a flood, as from so many addresses of 16.0.0.0/4 at random.
fn flood(lab: &Lab, ends: &Ends, packet: &Packet) {
    let mut frame = lab.inbound(packet).bytes();
    assert!(ends.service.is_ipv4(), "IPv4 alone has the source there");
    frame[26..30].copy_from_slice(&[16, 0, 0, 0]);
    let from = Trampoline::new(Kind::Classifier, &frame, SOURCES, lab.out.ifindex);
    from.run(lab.object.program(), PACKETS, TC_ACT_REDIRECT);
}

/// Both ends of the flows over IPv4 that are no more pending.
fn flows(lab: &mut Lab) -> BTreeSet<(u32, u32, u16, u16, u32)> {
    let elements = lab.object.elements::<FlowKey4, Flow>("flows4");
    let ends = |key: FlowKey4| (key.saddr, key.daddr, key.sport, key.dport, key.protocol);
    elements.into_iter().map(|(key, _)| ends(key)).collect()
}

#[test]
#[ignore = "needs root"]
fn a_flood_from_a_million_addresses_pushes_out_no_established_flow() {
    let load = || Object::load_with(FLOWS, PENDING);
    with_lab_of(load, Chain::Ingress, Forwarding::On, |lab| {
        let (tcp, udp) = (Ends::tcp4(), Ends::udp4());
        // More than there is room for: the table is full, and never refused one.
        for port in 1..=FLOWS as u16 {
            establish(lab, &tcp.clone().client_port(port));
        }
        let established = flows(lab);
        assert!(
            established.len() > FLOWS as usize * 9 / 10,
            "{} of {FLOWS}",
            established.len()
        );
        let segment = tcp.request().payload([]).flags(ACK);
        for (ends, packet) in [
            (&tcp, &tcp.opening()),
            (&tcp, &segment),
            (&udp, &udp.request()),
        ] {
            flood(lab, ends, packet);
            let left = flows(lab);
            let lost = established.difference(&left).count();
            assert_eq!(lost, 0, "of {} flows", established.len());
        }
        assert!(lab.pending_entries() > PENDING as usize / 2);
        assert_eq!(lab.drops().no_entry, 0);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flood_of_syns_makes_no_client_forgotten_that_a_service_keeps() {
    let load = || Object::load_with(FLOWS, PENDING);
    with_lab_of(load, Chain::Ingress, Forwarding::On, |lab| {
        let ends = Ends::tcp4();
        lab.keep_clients(&ends, 10_800);
        for last in 1..=250 {
            let mut ends = ends.clone();
            ends.client.set_ip([198, 51, 100, last].into());
            establish(lab, &ends);
        }
        assert_eq!(lab.clients(), 250);
        flood(lab, &ends, &ends.opening());
        flood(lab, &ends, &ends.request().payload([]).flags(ACK));
        assert_eq!(lab.clients(), 250);
    });
}

// Each made-up flow takes a port as well.
#[test]
#[ignore = "needs root"]
fn a_flood_to_a_backend_behind_snat_ends_no_flow_and_keeps_none_from_beginning() {
    let load = || Object::load_with(FLOWS, PENDING);
    with_lab_of(load, Chain::Ingress, Forwarding::On, |lab| {
        for ends in [Ends::tcp4().snat(), Ends::udp4().snat()] {
            println!("{ends}");
            lab.choose(&ends);
            let flows: Vec<Masked> = (1..=1_000)
                .map(|port| lab.mask(&ends.clone().client_port(port)))
                .inspect(|masked| snat::settle(lab, masked))
                .collect();
            flood(lab, &ends, &ends.opening());
            for masked in &flows {
                snat::converse(lab, masked);
            }
            let late = lab.mask(&ends.clone().client_port(2_000));
            snat::settle(lab, &late);
            snat::converse(lab, &late);
        }
        assert_eq!(lab.drops().no_port, 0);
    });
}

#[test]
#[ignore = "needs root"]
fn the_oldest_flows_make_room_in_a_full_table() {
    let load = || Object::load_with(1_024, 1_024);
    with_lab_of(load, Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            for port in 1..3_000 {
                establish(lab, &ends.clone().client_port(port));
            }
            let latest = ends.clone().client_port(2_999);
            assert!(lab.forward_flow(&latest).is_some());
            let oldest = ends.clone().client_port(1);
            assert!(lab.forward_flow(&oldest).is_none());
            assert_eq!(lab.drops().no_entry, 0);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_is_pending_until_the_client_acknowledges_the_answer() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            let [(_, opening), (_, answer), (_, last)] = handshake(&ends);
            assert!(lab.client_sends(&opening).was_redirected());
            // What a sender says who never saw the answer.
            assert!(lab.client_sends(&last).was_redirected());
            assert!(lab.is_pending(&ends));
            assert!(lab.pod_sends(&answer).was_redirected());
            let wrong = last.clone().numbers(0xa1b2_c3d5, 1);
            assert!(lab.client_sends(&wrong).was_redirected());
            assert!(lab.client_sends(&opening).was_redirected());
            assert!(lab.is_pending(&ends));
            assert!(lab.client_sends(&last).was_redirected());
            assert!(!lab.is_pending(&ends));
            assert!(lab.forward_flow(&ends).is_some() && lab.reply_flow(&ends).is_some());
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_backend_that_goes_on_with_a_connection_settles_it_and_one_that_resets_it_does_not() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            assert!(lab.client_sends(&ends.request()).was_redirected());
            let reset = ends.reply().payload([]).flags(RST);
            assert!(lab.pod_sends(&reset).was_redirected());
            assert!(lab.is_pending(&ends));
            let ends = ends.client_port(40_001);
            assert!(lab.client_sends(&ends.request()).was_redirected());
            assert!(lab.is_pending(&ends));
            assert!(lab.pod_sends(&ends.reply()).was_redirected());
            assert!(!lab.is_pending(&ends));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn datagrams_are_a_flow_from_the_fourth_on() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            for _ in 0..3 {
                assert!(lab.client_sends(&ends.request()).was_redirected());
                assert!(lab.pod_sends(&ends.reply()).was_redirected());
                assert!(lab.is_pending(&ends));
            }
            assert!(lab.client_sends(&ends.request()).was_redirected());
            assert!(!lab.is_pending(&ends));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_to_another_node_is_one_once_the_client_acknowledges() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::tcp().map(Ends::remote) {
            println!("{ends}");
            lab.choose(&ends);
            assert!(lab.client_sends(&ends.opening()).was_redirected());
            assert!(lab.client_sends(&ends.opening()).was_redirected());
            assert!(lab.is_pending(&ends));
            assert!(lab.client_sends(&ends.request()).was_redirected());
            assert!(!lab.is_pending(&ends));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_pending_flow_gets_its_other_entry_back() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            lab.remove_flow(ends.backend, ends.client, ends.protocol);
            assert!(lab.client_sends(&ends.opening()).was_redirected());
            lab.reply_comes_back(&ends);
        }
    });
}
