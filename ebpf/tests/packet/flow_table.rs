// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What is in the flow table, and that flows do not get in each other's way.

use std::net::SocketAddr;

use blixt_ebpf::layout::{DIRECTION_FORWARD, DIRECTION_REPLY, Drops};

use crate::{
    build::RST,
    harness::{Ends, Forwarding, address, with_lab},
};

#[test]
#[ignore = "needs root"]
fn a_flow_has_one_entry_for_either_direction() {
    with_lab(Forwarding::On, |lab| {
        for (ends, before) in Ends::all().iter().zip([0, 2, 4, 6]) {
            println!("{ends}");
            assert_eq!(lab.flow_entries(), before);
            lab.begin(ends);
            assert_eq!(lab.flow_entries(), before + 2);
            let forward = lab
                .forward_flow(ends)
                .expect("the client's packets find it");
            let reply = lab.reply_flow(ends).expect("the backend's packets find it");
            for (flow, direction, to) in [
                (forward, DIRECTION_FORWARD, ends.backend),
                (reply, DIRECTION_REPLY, ends.service),
            ] {
                assert_eq!(flow.direction, direction);
                assert_eq!(flow.address, address(to.ip()));
                assert_eq!(flow.port, to.port().to_be());
                assert_eq!(flow.service, ends.service_id);
                assert_eq!(flow.backend, ends.backend_id);
                assert_eq!(flow.epoch, ends.epoch);
            }
        }
    });
}

// The old Blixt's table had 128 entries.
#[test]
#[ignore = "needs root"]
fn a_thousand_flows_keep_their_backends() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let other = ends.second_backend();
            let ports = 20_000..21_000;
            for port in ports.clone() {
                // Each flow is on the backend of its port's parity.
                if port == 20_000 {
                    lab.choose(&ends);
                }
                if port == 20_500 {
                    lab.choose(&other);
                }
                lab.begin(&ends.clone().client_port(port));
            }
            for port in ports {
                let flow = if port < 20_500 { &ends } else { &other }
                    .clone()
                    .client_port(port);
                lab.client_reaches(&flow.request(), &flow);
                lab.reply_comes_back(&flow);
            }
            assert_eq!(lab.service_stats(&ends).flows, 1_000);
        }
        assert_eq!(lab.flow_entries(), 8_000);
        assert_eq!(lab.drops(), Drops::default());
    });
}

// The old Blixt's key was the client's address and port alone.
#[test]
#[ignore = "needs root"]
fn one_client_socket_has_a_flow_with_each_of_two_services() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let mut other = ends.second_backend();
            other.service.set_port(81);
            other.service_id += 50;
            other.table += 50;
            lab.serve(&other);
            for ends in [&ends, &other, &ends, &other] {
                lab.client_reaches(&ends.opening(), ends);
                lab.reply_comes_back(ends);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn clients_with_the_same_port_are_told_apart_by_address() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let other = ends.second_backend();
            let host = if ends.client.is_ipv4() {
                "198.51.100.8"
            } else {
                "2001:db8:c::8"
            };
            let host = host.parse().expect("an address");
            let other = Ends {
                client: SocketAddr::new(host, ends.client.port()),
                ..other
            };
            lab.begin(&ends);
            lab.choose(&other);
            lab.begin(&other);
            for ends in [&ends, &other] {
                lab.client_reaches(&ends.request(), ends);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_may_take_the_place_of_one_of_another_service_that_is_over() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let mut other = ends.clone();
            other.service.set_port(81);
            other.service_id += 50;
            other.table += 50;
            other.backend_id += 50;
            lab.serve(&other);
            lab.begin(&ends);
            if ends.is_tcp() {
                assert!(lab.pod_sends(&ends.reply().flags(RST)).was_redirected());
            } else {
                lab.age(&ends, 123);
            }
            lab.begin(&other);
            let expected = lab.out.emits(&ends.reply().from(other.service).hop());
            lab.pod_sends(&other.reply()).is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn the_end_of_a_flow_leaves_the_one_alone_that_took_its_place() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            let mut other = ends.clone();
            other.service.set_port(81);
            other.service_id += 50;
            other.table += 50;
            other.backend_id += 50;
            lab.serve(&other);
            lab.begin(&ends);
            // The id of the first flow's backend goes, its address and port do not.
            lab.remove_backend(&ends);
            lab.begin(&other);
            assert!(lab.client_sends(&ends.request()).was_redirected());
            assert!(lab.forward_flow(&ends).is_none());
            lab.reply_comes_back(&other);
        }
    });
}
