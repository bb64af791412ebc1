// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Flows between the ends of one that is over: who comes back to his ports.

use blixt_ebpf::layout::{STATE_CLOSED, STATE_ESTABLISHED, STATE_NEW};

use crate::{
    build::{ACK, FIN, RST, SYN},
    flood::establish,
    harness::{Ends, Forwarding, Lab, Port, with_lab},
};

/// Idle for longer than any flow may be.
const FOREVER: u32 = 10_000;

/// Brings a flow to its end: a connection by both FINs, datagrams by silence.
fn end(lab: &mut Lab, ends: &Ends) {
    if ends.is_tcp() {
        let fin = ends.request().flags(FIN | ACK);
        assert!(lab.client_sends(&fin).was_redirected());
        let fin = ends.reply().flags(FIN | ACK);
        assert!(lab.pod_sends(&fin).was_redirected());
        let flow = lab.forward_flow(ends).expect("its entry stays");
        assert_eq!(flow.state, STATE_CLOSED);
    } else {
        lab.age(ends, FOREVER);
    }
}

/// Of every kind a flow that is over and settled.
fn after_each(test: impl Fn(&mut Lab, &Ends) + Sync) {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.choose(&ends);
            establish(lab, &ends);
            end(lab, &ends);
            assert!(!lab.is_pending(&ends));
            test(lab, &ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_between_the_ends_of_one_that_is_over_takes_its_entries() {
    after_each(|lab, ends| {
        let before = (lab.flow_entries(), lab.service_stats(ends).flows);
        lab.begin(ends);
        assert!(!lab.is_pending(ends));
        let after = (lab.flow_entries(), lab.service_stats(ends).flows);
        assert_eq!(after, (before.0, before.1 + 1));
        let [there, back] = [lab.forward_flow(ends), lab.reply_flow(ends)];
        let states = [there, back].map(|flow| flow.expect("both entries").state);
        assert_eq!(states, [STATE_NEW; 2]);
    });
}

#[test]
#[ignore = "needs root"]
fn its_packets_go_both_ways_and_its_states_are_its_own() {
    after_each(|lab, ends| {
        let pod = &lab.pod;
        let opening = pod.emits(&ends.opening().to(ends.backend).hop());
        lab.client_sends(&ends.opening()).is_redirected_as(&opening);
        if ends.is_tcp() {
            let answer = ends.reply().payload([]).flags(SYN | ACK);
            let expected = lab.out.emits(&answer.clone().from(ends.service).hop());
            lab.pod_sends(&answer).is_redirected_as(&expected);
        }
        for _ in 0..2 {
            let request = lab.pod.emits(&ends.request().to(ends.backend).hop());
            lab.client_sends(&ends.request()).is_redirected_as(&request);
            let reply = lab.out.emits(&ends.reply().from(ends.service).hop());
            lab.pod_sends(&ends.reply()).is_redirected_as(&reply);
        }
        let flow = lab.reply_flow(ends).expect("its entry");
        assert_eq!(flow.state, STATE_ESTABLISHED);
        if ends.is_tcp() {
            assert!(
                lab.client_sends(&ends.request().flags(RST))
                    .was_redirected()
            );
            let flow = lab.reply_flow(ends).expect("its entry");
            assert_eq!(flow.state, STATE_CLOSED);
        }
    });
}

// What was known of the way may be as old as the entry.
#[test]
#[ignore = "needs root"]
fn both_ways_are_looked_up_anew() {
    after_each(|lab, ends| {
        let spoil = |lab: &mut Lab, from, to, port: fn(&Lab) -> &Port| {
            let mut flow = lab.flow(from, to, ends.protocol).expect("an entry");
            flow.dmac = [0xee; 6];
            flow.smac = port(lab).mac.0;
            lab.put_flow(from, to, ends.protocol, flow);
        };
        spoil(lab, ends.client, ends.service, |lab| &lab.pod);
        spoil(lab, ends.backend, ends.client, |lab| &lab.out);
        let opening = lab.pod.emits(&ends.opening().to(ends.backend).hop());
        lab.client_sends(&ends.opening()).is_redirected_as(&opening);
        let reply = lab.out.emits(&ends.reply().from(ends.service).hop());
        lab.pod_sends(&ends.reply()).is_redirected_as(&reply);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_of_which_one_entry_is_gone_has_to_show_itself_again() {
    after_each(|lab, ends| {
        lab.remove_flow(ends.backend, ends.client, ends.protocol);
        lab.begin(ends);
        assert!(lab.is_pending(ends));
        let flow = lab.pending_flow(ends.client, ends.service, ends.protocol);
        assert!(flow.is_some(), "both entries are in one table");
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_to_another_backend_has_to_show_itself() {
    after_each(|lab, ends| {
        let other = ends.second_backend();
        lab.choose(&other);
        lab.client_reaches(&ends.opening(), &other);
        assert!(lab.is_pending(&other));
    });
}

// It is by what a flow shows that its client comes to be remembered.
#[test]
#[ignore = "needs root"]
fn a_flow_to_a_service_that_keeps_clients_has_to_show_itself_again() {
    after_each(|lab, ends| {
        lab.keep_clients(ends, 10_800);
        lab.begin(ends);
        assert!(lab.is_pending(ends));
        if ends.is_tcp() {
            assert!(lab.affinity(ends).is_none());
            establish(lab, ends);
            assert!(lab.affinity(ends).is_some());
        }
        lab.keep_clients(ends, 0);
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_takes_the_entries_of_the_same_ends_for_another_backend_of_that_name() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.choose(&ends);
            establish(lab, &ends);
            // The pod went, and another got its address.
            lab.remove_backend(&ends);
            let mut heir = ends.clone();
            heir.backend_id += 50;
            heir.epoch += 50;
            lab.choose(&heir);
            lab.begin(&heir);
            assert!(!lab.is_pending(&heir));
            let [there, back] = [lab.forward_flow(&heir), lab.reply_flow(&heir)];
            for flow in [there, back] {
                let flow = flow.expect("both entries");
                assert_eq!((flow.backend, flow.epoch), (heir.backend_id, heir.epoch));
            }
        }
    });
}
