// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! How long a flow counts that says nothing: what becomes of its addresses and ports
//! when another service wants them, or its own client begins anew.

use blixt_ebpf::layout::{STATE_CLOSE_WAIT, STATE_FIN_WAIT};

use crate::{
    build::{ACK, FIN, RST, SYN},
    harness::{Ends, Forwarding, Lab, with_lab},
};

/// Seconds, with as much to either side as the entries' clock is coarse, and the
/// other direction's time may lag behind.
const TRANSITORY: [u32; 2] = [240, 252];
const ESTABLISHED: [u32; 2] = [7_440, 7_452];

/// How far a connection has come.
#[derive(Clone, Copy, Debug)]
enum Stage {
    Asked,
    Established,
    ClientIsDone,
    BackendIsDone,
}

use Stage::{Asked, BackendIsDone, ClientIsDone, Established};

/// What each of them may be idle for: less is not over, more is.
const STAGES: [(Stage, [u32; 2]); 4] = [
    (Asked, TRANSITORY),
    (Established, ESTABLISHED),
    (ClientIsDone, TRANSITORY),
    (BackendIsDone, TRANSITORY),
];

/// Brings a connection so far.
fn reach(lab: &Lab, ends: &Ends, stage: Stage) {
    lab.begin(ends);
    if matches!(stage, Asked) {
        return;
    }
    let answer = ends.reply().payload([]).flags(SYN | ACK);
    assert!(lab.pod_sends(&answer).was_redirected());
    assert!(lab.client_sends(&ends.request()).was_redirected());
    assert!(lab.pod_sends(&ends.reply()).was_redirected());
    let fin = match stage {
        ClientIsDone => lab.client_sends(&ends.request().flags(FIN | ACK)),
        BackendIsDone => lab.pod_sends(&ends.reply().flags(FIN | ACK)),
        _ => return,
    };
    assert!(fin.was_redirected());
}

/// Another service with the same backend address and port.
fn another_service(lab: &mut Lab, ends: &Ends) -> Ends {
    let mut other = ends.clone();
    other.service.set_port(81);
    other.service_id += 50;
    other.table += 50;
    other.backend_id += 50;
    lab.serve(&other);
    other
}

/// Each stage of connections of their own, from another client port.
fn at_each_stage(test: impl Fn(&mut Lab, &Ends, Stage, [u32; 2]) + Sync) {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            for ((stage, idle), port) in STAGES.into_iter().zip(40_000..) {
                println!("{ends}, {stage:?}");
                lab.choose(&ends);
                let ends = ends.clone().client_port(port);
                reach(lab, &ends, stage);
                test(lab, &ends, stage, idle);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_keeps_its_addresses_and_ports_for_as_long_as_its_state_allows() {
    at_each_stage(|lab, ends, _, [least, most]| {
        let other = another_service(lab, ends);
        lab.age(ends, least);
        lab.begin_by_another_port(&other);
        lab.remove_flow(other.client, other.service, other.protocol);
        lab.age(ends, most - least);
        lab.begin(&other);
        lab.reply_comes_back(&other);
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_that_both_ends_have_closed_or_one_reset_counts_no_more_at_once() {
    at_each_stage(|lab, ends, stage, _| {
        let other = another_service(lab, ends);
        let last = match stage {
            ClientIsDone => lab.pod_sends(&ends.reply().flags(FIN | ACK)),
            BackendIsDone => lab.client_sends(&ends.request().flags(FIN | ACK)),
            Established => lab.client_sends(&ends.request().flags(RST)),
            Asked => lab.pod_sends(&ends.reply().flags(RST | ACK)),
        };
        assert!(last.was_redirected());
        lab.begin(&other);
        lab.reply_comes_back(&other);
    });
}

#[test]
#[ignore = "needs root"]
fn a_packet_of_either_end_makes_the_time_count_anew() {
    at_each_stage(|lab, ends, stage, [least, _]| {
        let other = another_service(lab, ends);
        lab.age(ends, least);
        let packet = match stage {
            Asked | ClientIsDone => lab.client_sends(&ends.request().flags(ACK)),
            Established | BackendIsDone => lab.pod_sends(&ends.reply()),
        };
        assert!(packet.was_redirected());
        lab.age(ends, least);
        lab.begin_by_another_port(&other);
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_goes_on_with_its_backend_however_long_it_was_idle() {
    at_each_stage(|lab, ends, _, [_, most]| {
        lab.choose(&ends.second_backend());
        lab.age(ends, 10 * most);
        let flows = lab.service_stats(ends).flows;
        lab.client_reaches(&ends.request(), ends);
        lab.reply_comes_back(ends);
        assert_eq!(lab.service_stats(ends).flows, flows);
    });
}

// What its client has forgotten meanwhile, the backend may have not: it answers
// with what it knows, and the client resets that (RFC 9293, section 3.5.1).
#[test]
#[ignore = "needs root"]
fn a_syn_begins_anew_once_the_connection_is_closing_or_was_idle_for_too_long() {
    at_each_stage(|lab, ends, stage, [least, most]| {
        let other = ends.second_backend();
        lab.choose(&other);
        lab.age(ends, least);
        let flows = lab.service_stats(ends).flows;
        if matches!(stage, Asked | Established) {
            lab.client_reaches(&ends.opening(), ends);
            assert_eq!(lab.service_stats(ends).flows, flows);
            lab.age(ends, most);
        }
        lab.client_reaches(&ends.opening(), &other);
        assert_eq!(lab.service_stats(ends).flows, flows + 1);
    });
}

#[test]
#[ignore = "needs root"]
fn an_entry_that_was_evicted_comes_back_half_closed_from_its_own_side() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            reach(lab, &ends, ClientIsDone);
            lab.remove_flow(ends.backend, ends.client, ends.protocol);
            lab.outdate(ends.client, ends.service, ends.protocol);
            let ack = ends.request().payload([]).flags(ACK);
            assert!(lab.client_sends(&ack).was_redirected());
            let states = [lab.forward_flow(&ends), lab.reply_flow(&ends)];
            let states = states.map(|flow| flow.expect("an entry each way").state);
            assert_eq!(states, [STATE_FIN_WAIT, STATE_CLOSE_WAIT]);
        }
    });
}
