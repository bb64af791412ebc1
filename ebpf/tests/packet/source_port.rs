// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Which port stands for a client's.

use std::collections::BTreeSet;

use blixt_ebpf::layout::{
    DIRECTION_REPLY, DIRECTION_SNAT, Drops, Flow, STATE_CLOSE_WAIT, STATE_CLOSED,
    STATE_ESTABLISHED, STATE_FIN_WAIT, STATE_NEW,
};

use crate::harness::{Ends, Forwarding, Lab, Masked, SOURCE_PORTS, with_lab};

/// What another client's flow to the backend of `ends` has at each port of this
/// node, changed.
fn occupy(lab: &mut Lab, ends: &Ends, change: impl Fn(&mut Flow)) {
    let sample = ends.clone().client_port(1);
    let masked = lab.mask(&sample);
    let mut reply = lab
        .flow(ends.backend, masked.source, ends.protocol)
        .expect("an entry");
    assert_eq!(reply.direction, DIRECTION_REPLY | DIRECTION_SNAT);
    // What an earlier change may have left.
    reply.used = lab.forward_flow(&sample).expect("an entry").used;
    reply.state = STATE_ESTABLISHED;
    change(&mut reply);
    for port in SOURCE_PORTS {
        let mut source = masked.source;
        source.set_port(port);
        if lab
            .pending_flow(ends.backend, source, ends.protocol)
            .is_some()
        {
            lab.remove_flow(ends.backend, source, ends.protocol);
        }
        lab.put_flow(ends.backend, source, ends.protocol, reply);
    }
}

/// Lets live flows have every port towards the backend of `ends`.
pub fn take_all_ports(lab: &mut Lab, ends: &Ends) {
    occupy(lab, ends, |_| {});
}

/// Flows of so many clients' ports.
fn flows(lab: &Lab, ends: &Ends, count: u16) -> Vec<Masked> {
    let ports = 20_000..20_000 + count;
    ports
        .map(|port| lab.mask(&ends.clone().client_port(port)))
        .collect()
}

#[test]
#[ignore = "needs root"]
fn no_two_flows_to_one_backend_have_one_port() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let count = 600;
            let masked = flows(lab, &ends, count);
            let ports: BTreeSet<u16> = masked.iter().map(|flow| flow.source.port()).collect();
            assert_eq!(ports.len(), usize::from(count));
            // Spread over all that there are.
            let middle = SOURCE_PORTS.start + SOURCE_PORTS.len() as u16 / 2;
            let low = ports.range(..middle).count();
            assert!((240..360).contains(&low), "{low} of {count} below {middle}");
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn each_backend_has_all_ports_to_itself() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            take_all_ports(lab, &ends);
            let other = ends.second_backend().client_port(2);
            lab.choose(&other);
            lab.mask(&other);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_port_is_kept_for_a_flow_as_long_as_it_may_go_on() {
    // Seconds of silence by state, and whether the port is another's then.
    let tcp = [
        (STATE_NEW, 230, false),
        (STATE_NEW, 260, true),
        (STATE_ESTABLISHED, 7_400, false),
        (STATE_ESTABLISHED, 7_500, true),
        (STATE_FIN_WAIT, 10, false),
        (STATE_CLOSE_WAIT, 10, false),
        (STATE_CLOSE_WAIT, 260, true),
        (STATE_CLOSED, 0, true),
    ];
    let udp = [
        (STATE_ESTABLISHED, 115, false),
        (STATE_ESTABLISHED, 125, true),
    ];
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            let cases: &[(u8, u64, bool)] = if ends.is_tcp() { &tcp } else { &udp };
            lab.choose(&ends);
            for (number, (state, silence, free)) in (2..).zip(cases) {
                println!("{ends}: state {state}, silent for {silence} s");
                occupy(lab, &ends, |flow| {
                    flow.state = *state;
                    let units = (silence * 1_000_000_000) >> 30;
                    flow.used = flow.used.wrapping_sub(units as u32);
                });
                let before = lab.drops().no_port;
                let outcome = lab.client_sends(&ends.clone().client_port(number).opening());
                assert_eq!(outcome.was_redirected(), *free);
                assert_eq!(lab.drops().no_port - before, u64::from(!*free));
            }
        }
    });
}

// What answers once, and what nobody stands behind.
#[test]
#[ignore = "needs root"]
fn a_flow_that_is_pending_gives_its_port_away_when_no_other_is_free() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let first = lab.mask(&ends);
            let other = ends.clone().client_port(9);
            occupy(lab, &ends, |_| {});
            lab.client_sends(&other.opening()).is_dropped();
            // All ports' flows again, but pending.
            let reply = lab
                .flow(ends.backend, first.source, ends.protocol)
                .expect("all ports have one");
            for port in SOURCE_PORTS {
                let mut source = first.source;
                source.set_port(port);
                lab.remove_flow(ends.backend, source, ends.protocol);
                lab.put_pending_flow(ends.backend, source, ends.protocol, reply);
            }
            lab.mask(&other);
        }
        assert_eq!(lab.drops().no_port, 4);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_that_lost_its_port_goes_on_by_no_packet_with_it() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let forget = |lab: &mut Lab, masked: &Masked| {
                for (from, to) in masked.ways() {
                    lab.remove_flow(from, to, ends.protocol);
                    lab.forget_other_end(from, to, ends.protocol);
                }
            };
            // Ports that both get when all are free; the second shall have the first's.
            let first = lab.mask(&ends.clone().client_port(8));
            let second = ends.clone().client_port(9);
            let wanted = lab.mask(&second);
            forget(lab, &wanted);
            let [(client, service), (backend, source)] = first.ways();
            let reply = lab.flow(backend, source, ends.protocol).expect("an entry");
            let end = lab
                .other_end(backend, source, ends.protocol)
                .expect("an entry");
            occupy(lab, &ends, |_| {});
            lab.remove_flow(backend, wanted.source, ends.protocol);
            lab.put_pending_flow(backend, wanted.source, ends.protocol, reply);
            lab.put_other_end(backend, wanted.source, ends.protocol, end);
            assert!(lab.flow(client, service, ends.protocol).is_some());
            assert_eq!(lab.mask(&second).source, wanted.source);
            assert!(lab.flow(client, service, ends.protocol).is_none());
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// Half closed, the other half may still send; but a new flow would be refused.
#[test]
#[ignore = "needs root"]
fn a_connection_that_ends_gives_its_port_away_when_no_other_is_free() {
    with_lab(Forwarding::On, |lab| {
        for (state, silence) in [
            (STATE_FIN_WAIT, 20),
            (STATE_CLOSE_WAIT, 20),
            (STATE_CLOSED, 0),
        ] {
            for (ends, port) in Ends::tcp().map(Ends::snat).into_iter().zip(2..) {
                println!("{ends}: state {state}");
                lab.choose(&ends);
                let ends = ends.client_port(port + 10 * u16::from(state));
                let leave = |flow: &mut Flow| {
                    flow.state = state;
                    flow.used = flow.used.wrapping_sub(silence);
                };
                occupy(lab, &ends, leave);
                let first = lab.mask(&ends);
                // It is begun anew when all are in use but the one that it had: another's.
                let [(from, to), (backend, source)] = first.ways();
                lab.remove_flow(from, to, ends.protocol);
                lab.forget_other_end(from, to, ends.protocol);
                lab.forget_other_end(backend, source, ends.protocol);
                occupy(lab, &ends, |_| {});
                let mut flow = lab
                    .flow(ends.backend, first.source, ends.protocol)
                    .expect("all ports have one");
                leave(&mut flow);
                lab.put_flow(ends.backend, first.source, ends.protocol, flow);
                assert_eq!(lab.mask(&ends).source, first.source);
            }
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_of_a_backend_that_is_gone_keeps_no_port() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            occupy(lab, &ends, |flow| flow.epoch -= 1);
            lab.mask(&ends);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_that_begins_anew_keeps_its_port() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp().map(Ends::snat) {
            println!("{ends}");
            lab.choose(&ends);
            let first = lab.mask(&ends);
            let reset = ends.request().flags(crate::build::RST);
            assert!(lab.client_sends(&reset).was_redirected());
            assert_eq!(lab.mask(&ends).source, first.source);
            assert_eq!(lab.service_stats(&ends).flows, 2);
        }
    });
}
