// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Services that keep clients at their backends: for how long, and who is kept.

use blixt_ebpf::layout::Drops;

use crate::{
    build::{ACK, RST, SYN},
    errors::about_unseen,
    harness::{Ends, Forwarding, Lab, with_lab},
};

const SECONDS: u32 = 60;
const MILLISECONDS: u64 = 60_000;

/// Runs `test` with each service, which keeps its clients, and a second backend that
/// the table does not name.
fn with_clients(test: impl Fn(&mut Lab, &Ends, &Ends) + Sync) {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.keep_clients(&ends, SECONDS);
            let other = ends.second_backend();
            lab.put_backend(&other, |_| {});
            test(lab, &ends, &other);
        }
    });
}

/// A flow with somebody at both ends: its client is remembered.
#[track_caller]
fn connect(lab: &Lab, ends: &Ends) {
    lab.begin(ends);
    if ends.is_tcp() {
        let answer = ends.reply().payload([]).flags(SYN | ACK);
        assert!(lab.pod_sends(&answer).was_redirected());
    }
    assert!(lab.pod_sends(&ends.reply()).was_redirected());
}

/// Begins a flow from this client port and looks where it goes.
#[track_caller]
fn goes_to(lab: &Lab, port: u16, backend: &Ends) {
    let ends = backend.clone().client_port(port);
    lab.client_reaches(&ends.opening(), &ends);
}

#[test]
#[ignore = "needs root"]
fn a_client_keeps_its_backend_when_the_table_has_another_for_it() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        for port in 40_001..40_004 {
            goes_to(lab, port, ends);
        }
        assert_eq!(lab.backend_stats(ends).flows, 4);
        assert_eq!(lab.drops(), Drops::default());
    });
}

// The flow is another node's, or was forgotten.
#[test]
#[ignore = "needs root"]
fn an_error_about_a_flow_of_a_client_that_is_kept_goes_to_its_backend() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        let flow = ends.clone().client_port(40_001);
        let [sent, expected] = about_unseen(&flow);
        lab.client_sends(&sent)
            .is_redirected_as(&lab.pod.emits(&expected));
        let entry = lab.forward_flow(&flow).expect("an entry");
        assert_eq!(entry.backend, ends.backend_id);
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_client_has_the_tables_backend_once_its_time_is_over() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        // Less than what the test itself may take.
        lab.age_affinity(ends, MILLISECONDS - 20_000);
        goes_to(lab, 40_001, ends);
        lab.age_affinity(ends, MILLISECONDS);
        connect(lab, &other.clone().client_port(40_002));
        lab.choose(ends);
        goes_to(lab, 40_003, other);
    });
}

#[test]
#[ignore = "needs root"]
fn the_time_counts_from_the_last_new_flow_on() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        for port in 40_001..40_004 {
            lab.age_affinity(ends, MILLISECONDS * 2 / 3);
            connect(lab, &ends.clone().client_port(port));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn packets_of_a_flow_that_goes_on_do_not_prolong_the_time() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        lab.age_affinity(ends, MILLISECONDS);
        let expected = lab.pod.emits(&ends.request().to(ends.backend).hop());
        for _ in 0..6 {
            lab.client_sends(&ends.request())
                .is_redirected_as(&expected);
        }
        goes_to(lab, 40_001, other);
    });
}

#[test]
#[ignore = "needs root"]
fn new_flows_leave_a_quiescent_backend_and_old_ones_go_on() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        lab.quiesce(ends);
        connect(lab, &other.clone().client_port(40_001));
        for packet in [ends.request(), ends.request()] {
            let expected = lab.pod.emits(&packet.clone().to(ends.backend).hop());
            lab.client_sends(&packet).is_redirected_as(&expected);
        }
        // Where the last flow went counts, not who comes back.
        lab.choose(ends);
        goes_to(lab, 40_002, other);
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_backend_that_is_gone_and_one_that_took_over_its_id_keep_no_client() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        lab.remove_backend(ends);
        goes_to(lab, 40_001, other);

        connect(lab, &other.clone().client_port(40_002));
        let heir = Ends {
            backend_id: other.backend_id,
            ..ends.second_backend().second_backend()
        };
        lab.put_backend(&heir, |_| {});
        lab.choose(ends);
        goes_to(lab, 40_003, ends);
    });
}

#[test]
#[ignore = "needs root"]
fn weights_and_refusals_are_for_clients_that_are_not_kept() {
    with_clients(|lab, ends, _| {
        connect(lab, ends);
        lab.refuse(ends);
        goes_to(lab, 40_001, ends);
        lab.age_affinity(ends, MILLISECONDS);
        let opening = ends.clone().client_port(40_002).opening();
        assert_ne!(lab.service_stats(ends).flows, 0);
        let _ = lab.client_sends(&opening);
        assert_eq!(lab.service_stats(ends).refused, 1);
    });
}

#[test]
#[ignore = "needs root"]
fn a_syn_alone_makes_no_client_remembered_or_its_time_longer() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.keep_clients(&ends, SECONDS);
            lab.begin(&ends);
            let answer = ends.reply().payload([]).flags(SYN | ACK);
            assert!(lab.pod_sends(&answer).was_redirected());
            assert_eq!(lab.affinity(&ends), None);
            connect(lab, &ends);
            let before = lab.affinity(&ends);
            assert!(before.is_some());
            lab.begin(&ends.clone().client_port(40_001));
            assert_eq!(lab.affinity(&ends), before);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_syn_that_is_sent_again_stays_with_the_backend_that_its_client_is_kept_at() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        let again = ends.clone().client_port(40_001);
        for _ in 0..3 {
            goes_to(lab, 40_001, ends);
        }
        if ends.is_tcp() {
            let reset = again.request().flags(RST);
            assert!(lab.client_sends(&reset).was_redirected());
            goes_to(lab, 40_001, ends);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn others_clients_services_and_addresses_have_the_tables_backend() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        lab.choose(other);
        let mut neighbour = other.clone();
        neighbour.client.set_ip(match ends.client.is_ipv4() {
            true => "198.51.100.8".parse().expect("an address"),
            false => "2001:db8:c::8".parse().expect("an address"),
        });
        goes_to(lab, 40_001, &neighbour);
        let mut second = other.clone();
        second.service.set_port(81);
        second.service_id += 50;
        second.table += 50;
        second.backend_id += 50;
        lab.serve(&second);
        lab.keep_clients(&second, SECONDS);
        goes_to(lab, 40_002, &second);
        goes_to(lab, 40_003, ends);
    });
}

#[test]
#[ignore = "needs root"]
fn services_without_affinity_remember_nobody() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            connect(lab, &ends);
            lab.choose(&ends.second_backend());
            goes_to(lab, 40_001, &ends.second_backend());
        }
        assert_eq!(lab.clients(), 0);
    });
}

// It is no new flow.
#[test]
#[ignore = "needs root"]
fn the_middle_of_a_connection_finds_where_its_client_is_kept_even_when_no_new_one_may() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.keep_clients(&ends, SECONDS);
            connect(lab, &ends);
            lab.choose(&ends.second_backend());
            lab.quiesce(&ends);
            let before = lab.affinity(&ends);
            lab.forget(&ends);
            lab.client_reaches(&ends.request(), &ends);
            assert!(lab.pod_sends(&ends.reply()).was_redirected());
            assert_eq!(lab.affinity(&ends), before);
        }
    });
}

// On every other node, new connections go by the table then.
#[test]
#[ignore = "needs root"]
fn the_middle_of_a_connection_goes_by_the_table_once_the_time_of_its_client_is_over() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.keep_clients(&ends, SECONDS);
            connect(lab, &ends);
            let other = ends.second_backend();
            lab.choose(&other);
            lab.age_affinity(&ends, MILLISECONDS);
            lab.forget(&ends);
            lab.client_reaches(&other.request(), &other);
            assert!(lab.pod_sends(&other.reply()).was_redirected());
            goes_to(lab, 40_001, &other);
            let last = lab.affinity(&ends).expect("its client is kept anew");
            assert_eq!(last.backend, other.backend_id);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_client_whose_port_is_taken_at_its_backend_stays_there_by_another() {
    with_clients(|lab, ends, other| {
        connect(lab, ends);
        // The same socket talks to the same pod's port by another service.
        let mut second = ends.clone().client_port(40_001);
        second.service.set_port(81);
        second.service_id += 50;
        second.table += 50;
        second.backend_id += 70;
        lab.serve(&second);
        lab.begin(&second);
        lab.choose(other);
        lab.begin_by_another_port(&ends.clone().client_port(40_001));
        assert_eq!(lab.drops(), Drops::default());
    });
}
