// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets to a service from where no client is.

use std::net::{IpAddr, SocketAddr};

use blixt_ebpf::layout::Drops;

use crate::{
    build::{Icmp, UNREACHABLE, UNREACHABLE_V6},
    errors::error,
    harness::{Ends, Forwarding, Lab, with_lab},
};

fn addresses(texts: &[&str]) -> Vec<IpAddr> {
    texts
        .iter()
        .map(|text| text.parse().expect("an address"))
        .collect()
}

/// Addresses that name no host.
fn nobodies(ends: &Ends) -> Vec<IpAddr> {
    let texts: &[&str] = if ends.service.is_ipv4() {
        &[
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.1",
            "127.255.255.254",
            "224.0.0.1",
            "239.1.2.3",
            "255.255.255.255",
        ]
    } else {
        &["::", "::1", "ff02::1", "ff0e::1:2", "::ffff:198.51.100.7"]
    };
    addresses(texts)
}

/// Their neighbours, which may be somebody's.
fn somebodies(ends: &Ends) -> Vec<IpAddr> {
    let texts: &[&str] = if ends.service.is_ipv4() {
        &[
            "1.0.0.1",
            "126.255.255.255",
            "128.0.0.1",
            "223.255.255.255",
            "240.0.0.1",
            "255.255.255.254",
        ]
    } else {
        &[
            "::2",
            "1::",
            "0:0:1::1",
            "fe80::7",
            "fd00::1",
            "::fffe:198.51.100.7",
        ]
    };
    addresses(texts)
}

fn from(ends: &Ends, client: SocketAddr) -> Ends {
    Ends {
        client,
        ..ends.clone()
    }
}

fn after_each(test: impl Fn(&mut Lab, &Ends) + Sync) {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.choose(&ends);
            test(lab, &ends);
        }
    });
}

/// Another service than that of `ends`, at a port of its own.
fn another(lab: &mut Lab, ends: &Ends) -> Ends {
    let mut other = ends.second_backend();
    other.service.set_port(81);
    other.service_id += 50;
    other.table += 50;
    lab.serve(&other);
    other
}

#[test]
#[ignore = "needs root"]
fn packets_from_nobody_begin_no_flow() {
    after_each(|lab, ends| {
        let before = (lab.drops(), lab.flow_entries(), lab.pending_entries());
        let nobodies = nobodies(ends);
        for ip in &nobodies {
            println!("{ip}");
            let ends = from(ends, (*ip, 40_000).into());
            lab.client_sends(&ends.opening()).is_dropped();
        }
        let martian = before.0.martian + nobodies.len() as u64;
        let after = (lab.drops(), lab.flow_entries(), lab.pending_entries());
        assert_eq!(
            after,
            (
                Drops {
                    martian,
                    ..before.0
                },
                before.1,
                before.2
            )
        );
    });
}

#[test]
#[ignore = "needs root"]
fn packets_from_the_addresses_beside_them_do() {
    after_each(|lab, ends| {
        for ip in somebodies(ends) {
            println!("{ip}");
            let ends = from(ends, (ip, 40_000).into());
            let _ = lab.client_sends(&ends.opening());
            assert!(
                lab.pending_flow(ends.client, ends.service, ends.protocol)
                    .is_some()
            );
        }
        assert_eq!(lab.drops().martian, 0);
    });
}

// The answer would come back here, and be answered.
#[test]
#[ignore = "needs root"]
fn packets_from_a_service_to_itself_or_another_one_begin_no_flow() {
    after_each(|lab, ends| {
        let other = another(lab, ends);
        let before = (lab.drops().martian, lab.pending_entries());
        for source in [ends.service, other.service] {
            for ends in [ends, &other] {
                lab.client_sends(&from(ends, source).opening()).is_dropped();
                lab.client_sends(&from(ends, source).request()).is_dropped();
            }
        }
        let after = (lab.drops().martian, lab.pending_entries());
        assert_eq!(after, (before.0 + 8, before.1));
    });
}

#[test]
#[ignore = "needs root"]
fn packets_from_another_port_of_a_services_address_begin_one() {
    after_each(|lab, ends| {
        let mut client = ends.service;
        client.set_port(40_000);
        let opening = from(ends, client).opening();
        let expected = lab.pod.emits(&opening.clone().to(ends.backend).hop());
        lab.client_sends(&opening).is_redirected_as(&expected);
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_outlives_that_its_client_becomes_a_service() {
    after_each(|lab, ends| {
        lab.begin(ends);
        let mut other = another(lab, ends);
        other.service = ends.client;
        lab.serve(&other);
        let request = lab.pod.emits(&ends.request().to(ends.backend).hop());
        lab.client_sends(&ends.request()).is_redirected_as(&request);
        lab.reply_comes_back(ends);
    });
}

#[test]
#[ignore = "needs root"]
fn errors_about_packets_to_nobody_begin_no_flow() {
    after_each(|lab, ends| {
        let icmp = Icmp::new(if ends.service.is_ipv4() {
            UNREACHABLE
        } else {
            UNREACHABLE_V6
        });
        let begins = |lab: &mut Lab, client: SocketAddr| {
            let about = from(ends, client).reply().from(ends.service);
            let error = error(
                ends.client.ip(),
                ends.service.ip(),
                &icmp,
                &about,
                usize::MAX,
            );
            let before = lab.pending_entries();
            let _ = lab.client_sends(&error);
            lab.pending_entries() != before
        };
        assert!(!begins(lab, ends.service));
        for ip in nobodies(ends) {
            assert!(!begins(lab, (ip, 40_000).into()), "{ip}");
        }
        assert!(begins(lab, ends.client));
    });
}
