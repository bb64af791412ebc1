// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The life of a flow: states, ends, and when a packet begins another.

use blixt_ebpf::layout::{
    Drops, STATE_CLOSE_WAIT, STATE_CLOSED, STATE_ESTABLISHED, STATE_FIN_WAIT, STATE_NEW,
};

use crate::{
    build::{ACK, FIN, RST, SYN},
    harness::{Ends, Forwarding, Lab, with_lab},
};

/// States of the client's and of the backend's entry.
fn states(lab: &mut Lab, ends: &Ends) -> (u8, u8) {
    let forward = lab.forward_flow(ends).expect("the client's entry");
    let reply = lab.reply_flow(ends).expect("the backend's entry");
    (forward.state, reply.state)
}

fn handshake(lab: &mut Lab, ends: &Ends) {
    lab.begin(ends);
    assert!(
        lab.pod_sends(&ends.reply().payload([]).flags(SYN | ACK))
            .was_redirected()
    );
    assert!(
        lab.client_sends(&ends.request().payload([]).flags(ACK))
            .was_redirected()
    );
    assert!(lab.pod_sends(&ends.reply()).was_redirected());
}

#[test]
#[ignore = "needs root"]
fn a_connection_is_new_until_both_sides_have_acknowledged() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.begin(&ends);
            assert_eq!(states(lab, &ends), (STATE_NEW, STATE_NEW));
            assert!(
                lab.pod_sends(&ends.reply().flags(SYN | ACK))
                    .was_redirected()
            );
            assert_eq!(states(lab, &ends), (STATE_NEW, STATE_NEW));
            assert!(lab.client_sends(&ends.request()).was_redirected());
            assert!(lab.pod_sends(&ends.reply()).was_redirected());
            assert_eq!(states(lab, &ends), (STATE_ESTABLISHED, STATE_ESTABLISHED));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_fin_of_one_end_half_closes_and_is_forwarded_and_one_of_the_other_closes() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            handshake(lab, &ends);
            let fin = ends.request().flags(FIN | ACK);
            let expected = lab.pod.emits(&fin.clone().to(ends.backend).hop());
            // It may come again.
            for _ in 0..2 {
                lab.client_sends(&fin).is_redirected_as(&expected);
                assert_eq!(states(lab, &ends), (STATE_FIN_WAIT, STATE_CLOSE_WAIT));
            }
            let answer = ends.reply().flags(FIN | ACK);
            let expected = lab.out.emits(&answer.clone().from(ends.service).hop());
            for _ in 0..2 {
                lab.pod_sends(&answer).is_redirected_as(&expected);
                assert_eq!(states(lab, &ends), (STATE_CLOSED, STATE_CLOSED));
            }

            let ends = ends.client_port(40_001);
            handshake(lab, &ends);
            assert!(lab.pod_sends(&ends.reply().flags(FIN)).was_redirected());
            assert_eq!(states(lab, &ends), (STATE_CLOSE_WAIT, STATE_FIN_WAIT));
            assert!(
                lab.client_sends(&ends.request().flags(FIN))
                    .was_redirected()
            );
            assert_eq!(states(lab, &ends), (STATE_CLOSED, STATE_CLOSED));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_reset_of_either_side_ends_both_entries_and_is_forwarded() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            handshake(lab, &ends);
            let reset = ends.request().flags(RST);
            let expected = lab.pod.emits(&reset.clone().to(ends.backend).hop());
            lab.client_sends(&reset).is_redirected_as(&expected);
            assert_eq!(states(lab, &ends), (STATE_CLOSED, STATE_CLOSED));

            let ends = ends.client_port(40_001);
            handshake(lab, &ends);
            let reset = ends.reply().flags(RST | ACK);
            let expected = lab.out.emits(&reset.clone().from(ends.service).hop());
            lab.pod_sends(&reset).is_redirected_as(&expected);
            assert_eq!(states(lab, &ends), (STATE_CLOSED, STATE_CLOSED));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn what_is_left_to_say_after_a_fin_stays_with_the_flow() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            handshake(lab, &ends);
            assert!(
                lab.client_sends(&ends.request().flags(FIN | ACK))
                    .was_redirected()
            );
            lab.choose(&ends.second_backend());
            lab.reply_comes_back(&ends);
            lab.client_reaches(&ends.request(), &ends);
            assert_eq!(states(lab, &ends), (STATE_FIN_WAIT, STATE_CLOSE_WAIT));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_syn_after_the_end_of_a_connection_begins_another() {
    with_lab(Forwarding::On, |lab| {
        for flags in [FIN | ACK, RST] {
            for ends in Ends::tcp() {
                println!("{ends} after {flags:#x}");
                lab.choose(&ends);
                let before = lab.service_stats(&ends).flows;
                handshake(lab, &ends);
                assert!(
                    lab.client_sends(&ends.request().flags(flags))
                        .was_redirected()
                );
                let other = ends.second_backend();
                lab.choose(&other);
                lab.client_reaches(&ends.opening(), &other);
                assert_eq!(states(lab, &other), (STATE_NEW, STATE_NEW));
                assert_eq!(lab.service_stats(&ends).flows - before, 2);
                assert!(
                    lab.client_sends(&ends.request().flags(RST))
                        .was_redirected()
                );
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_syn_that_is_sent_again_stays_with_its_backend() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.begin(&ends);
            lab.choose(&ends.second_backend());
            lab.client_reaches(&ends.opening(), &ends);
            assert_eq!(lab.service_stats(&ends).flows, 1);
        }
    });
}

// After an eviction, or when another node had the flow before.
#[test]
#[ignore = "needs root"]
fn a_segment_of_a_connection_that_nobody_remembers_finds_its_backend_again() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.client_reaches(&ends.request(), &ends);
            assert_eq!(states(lab, &ends), (STATE_ESTABLISHED, STATE_ESTABLISHED));
        }
    });
}

// The old Blixt chose a new backend for every datagram.
#[test]
#[ignore = "needs root"]
fn flows_stay_with_their_backend_when_the_table_changes_and_new_ones_follow_it() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let other = ends.second_backend();
            lab.choose(&other);
            for _ in 0..3 {
                lab.client_reaches(&ends.request(), &ends);
            }
            let newcomer = ends.clone().client_port(40_001);
            lab.client_reaches(&newcomer.opening(), &other);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn datagrams_after_two_idle_minutes_begin_another_flow() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            lab.begin(&ends);
            let other = ends.second_backend();
            lab.choose(&other);
            lab.age(&ends, 118);
            lab.client_reaches(&ends.request(), &ends);
            lab.age(&ends, 123);
            lab.client_reaches(&ends.request(), &other);
            assert_eq!(lab.service_stats(&ends).flows, 2);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn replies_keep_a_flow_of_datagrams_alive() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            lab.begin(&ends);
            lab.age(&ends, 118);
            assert!(lab.pod_sends(&ends.reply()).was_redirected());
            lab.choose(&ends.second_backend());
            lab.client_reaches(&ends.request(), &ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn an_idle_connection_stays_with_its_backend() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            handshake(lab, &ends);
            lab.age(&ends, 7_200);
            lab.choose(&ends.second_backend());
            lab.client_reaches(&ends.request(), &ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn what_can_begin_anew_does_when_its_backend_is_gone() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let other = ends.second_backend();
            lab.choose(&other);
            lab.remove_backend(&ends);
            lab.client_reaches(&ends.opening(), &other);
            assert_eq!(lab.service_stats(&ends).flows, 2);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_backend_that_took_over_the_id_gets_no_old_flow() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            lab.begin(&ends);
            let heir = Ends {
                backend_id: ends.backend_id,
                ..ends.second_backend()
            };
            lab.choose(&heir);
            lab.client_reaches(&ends.request(), &heir);
            assert_eq!(lab.forward_flow(&heir).expect("an entry").epoch, heir.epoch);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn what_a_backend_that_left_still_says_reaches_the_client() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            lab.remove_backend(&ends);
            lab.reply_comes_back(&ends);
        }
    });
}
