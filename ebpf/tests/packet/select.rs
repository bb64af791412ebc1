// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Which backend a new flow gets: its slot of the service's table.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use crate::harness::{Ends, Forwarding, Lab, with_lab};

/// The backend of each flow from these client ports, each a new flow.
fn choices(lab: &mut Lab, ends: &Ends, ports: impl Iterator<Item = u16>) -> BTreeMap<u16, u32> {
    let mut choose = |port| {
        let ends = ends.clone().client_port(port);
        lab.begin(&ends);
        lab.forward_flow(&ends).expect("an entry").backend
    };
    ports.map(|port| (port, choose(port))).collect()
}

/// A table with these backends, all alive and each with its own address or port.
fn put_table(lab: &mut Lab, ends: &Ends, slots: &[u32]) {
    for (id, port) in slots
        .iter()
        .collect::<BTreeSet<_>>()
        .into_iter()
        .zip(9_000..)
    {
        let mut backend = Ends {
            backend_id: *id,
            ..ends.clone()
        };
        backend.backend.set_port(port);
        lab.put_backend(&backend, |_| {});
    }
    lab.object.set_table(ends.table, slots);
    let length = slots.len().try_into().expect("a table fits");
    lab.put_service(ends, |service| service.slots = length);
}

#[test]
#[ignore = "needs root"]
fn flows_spread_over_all_slots_evenly() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let slots: Vec<u32> = (201..212).collect();
            put_table(lab, &ends, &slots);
            let mut counts = BTreeMap::new();
            for backend in choices(lab, &ends, 10_000..12_200).into_values() {
                *counts.entry(backend).or_insert(0) += 1;
            }
            println!("{counts:?}");
            assert!(counts.keys().copied().eq(slots));
            // 200 each; a fair die strays by more than 70 (five deviations) once in a million tests.
            assert!(counts.values().all(|count| (130..=270).contains(count)));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_backend_gets_the_share_of_flows_that_it_has_of_the_slots() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let slots: Vec<u32> = (0..10)
                .map(|slot| if slot < 7 { 201 } else { 202 })
                .collect();
            put_table(lab, &ends, &slots);
            let chosen = choices(lab, &ends, 10_000..12_000);
            let first = chosen.values().filter(|backend| **backend == 201).count();
            // 1400 of 2000; five standard deviations are 103.
            println!("{first} of 2000");
            assert!((1_297..=1_503).contains(&first));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn reject_slots_refuse_their_share_of_flows() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            put_table(lab, &ends, &[201, 201, 201]);
            lab.object.set_table(ends.table, &[201, 0, 201]);
            let outcome = |port| lab.client_sends(&ends.clone().client_port(port).opening());
            let refused = (10_000..11_500)
                .filter(|port| !outcome(*port).was_redirected())
                .count();
            // 500 of 1500; five standard deviations are 91.
            println!("{refused} of 1500");
            assert!((409..=591).contains(&refused));
            assert_eq!(lab.service_stats(&ends).refused, refused as u64);
        }
    });
}

// Another node, or this one after an eviction, finds the same backend.
#[test]
#[ignore = "needs root"]
fn the_choice_depends_on_addresses_and_ports_alone() {
    for ends in Ends::all() {
        println!("{ends}");
        let mut seen = Vec::new();
        for _ in 0..2 {
            with_lab(Forwarding::On, |lab| {
                put_table(lab, &ends, &(201..212).collect::<Vec<_>>());
                seen.push(choices(lab, &ends, 10_000..10_100));
            });
        }
        assert_eq!(seen[0], seen[1]);
    }
}

#[test]
#[ignore = "needs root"]
fn a_client_keeps_its_backend_over_all_flows_where_the_service_asks_for_it() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            put_table(lab, &ends, &(201..212).collect::<Vec<_>>());
            lab.put_service(&ends, |service| {
                service.slots = 11;
                service.affinity = 10_800;
            });
            let mut by_client = BTreeSet::new();
            for host in 1..=40 {
                let text = if ends.client.is_ipv4() {
                    "198.51.100."
                } else {
                    "2001:db8:c::"
                };
                let ip: IpAddr = format!("{text}{host}").parse().expect("an address");
                let ends = Ends {
                    client: (ip, 1).into(),
                    ..ends.clone()
                };
                let chosen: BTreeSet<u32> =
                    choices(lab, &ends, 10_000..10_008).into_values().collect();
                assert_eq!(chosen.len(), 1, "{ip} got {chosen:?}");
                by_client.extend(chosen);
            }
            assert!(by_client.len() > 5, "clients are spread: {by_client:?}");
        }
    });
}
