// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use blixt_ebpf::layout::{ADDRESS_LOCAL, Drops, Stats};

use super::with_early;
use crate::{
    build::{ACK, Field, Mac, Packet, RST},
    harness::{Early, Ends, Lab, NO_STATS, bare_reset},
};

fn sends(lab: &Lab, packet: &Packet) -> Early {
    lab.early(&lab.out, lab.inbound(packet).bytes())
}

/// Checks that the opening of `ends` gets a reset, or as a datagram nothing.
#[track_caller]
fn is_refused(lab: &Lab, ends: &Ends) {
    let early = sends(lab, &ends.opening());
    if !ends.is_tcp() {
        return early.is_dropped();
    }
    let reset = bare_reset(ends.service, ends.client).flags(RST | ACK);
    early.is_sent_back_as(&lab.out.emits(&reset.numbers(0, 0xa1b2_c3d5)));
}

#[test]
#[ignore = "needs root"]
fn early_refuses_what_the_slot_refuses_and_counts_it() {
    with_early(|lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.refuse(&ends);
            is_refused(lab, &ends);
            let expected = Stats {
                refused: 1,
                ..NO_STATS
            };
            assert_eq!(lab.service_stats(&ends), expected);
        }
        let expected = Drops {
            refused_tcp: 2,
            refused_udp: 2,
            ..Drops::default()
        };
        assert_eq!(lab.drops(), expected);
        assert_eq!(lab.flow_entries(), 0);
    });
}

#[test]
#[ignore = "needs root"]
fn early_refuses_ports_without_service_and_counts_them() {
    with_early(|lab| {
        for mut ends in Ends::all() {
            println!("{ends}");
            ends.service.set_port(22);
            is_refused(lab, &ends);
        }
        let expected = Drops {
            no_service: 4,
            ..Drops::default()
        };
        assert_eq!(lab.drops(), expected);
    });
}

#[test]
#[ignore = "needs root"]
fn early_drops_malformed_packets_to_our_addresses_and_counts_them() {
    with_early(|lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let sent = if ends.is_tcp() {
                ends.opening()
                    .with_tcp(|tcp| tcp.data_offset = Field::Exactly(4))
            } else {
                ends.opening()
                    .with_udp(|udp| udp.length = Field::Exactly(7))
            };
            sends(lab, &sent).is_dropped();
            sends(lab, &sent.to(ends.backend)).is_passed_untouched();
        }
        let expected = Drops {
            malformed: 4,
            ..Drops::default()
        };
        assert_eq!(lab.drops(), expected);
    });
}

#[test]
#[ignore = "needs root"]
fn early_answers_no_reset() {
    with_early(|lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            sends(lab, &ends.request().flags(RST)).is_dropped();
        }
        assert_eq!(lab.drops().refused_tcp, 2);
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_what_begins_a_flow() {
    with_early(|lab| {
        for ends in Ends::all() {
            println!("{ends}");
            sends(lab, &ends.opening()).is_passed_untouched();
            assert_eq!(lab.service_stats(&ends), NO_STATS);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn early_passes_packets_of_flows_whose_service_refuses_new_ones() {
    with_early(|lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            lab.refuse(&ends);
            sends(lab, &ends.request()).is_passed_untouched();
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// Each of these would be refused but for one thing.
#[test]
#[ignore = "needs root"]
fn early_passes_what_is_not_for_it_to_refuse() {
    with_early(|lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.refuse(&ends);
            let flooded = ends
                .opening()
                .macs(lab.out.neighbour, Mac([2, 0, 0, 0, 1, 9]));
            lab.early(&lab.out, flooded.bytes()).is_passed_untouched();
            sends(lab, &ends.opening().to(ends.backend)).is_passed_untouched();
            // More than a page: several buffers.
            sends(lab, &ends.opening().payload(vec![0x77; 6_000])).is_passed_untouched();
            let mut closed = ends.clone();
            closed.service.set_port(22);
            lab.put_address(ends.service.ip(), ADDRESS_LOCAL);
            sends(lab, &closed.opening()).is_passed_untouched();
            lab.put_service(&ends, |service| service.affinity = 60);
            sends(lab, &ends.opening()).is_passed_untouched();
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}
