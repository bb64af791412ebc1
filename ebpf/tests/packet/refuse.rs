// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Refusal: a reset to who asks for a connection, silence to datagrams.

use blixt_ebpf::layout::{ADDRESS_ANNOUNCE, Drops, Stats};

use crate::{
    build::{ACK, Extension, FIN, Field, HOP_BY_HOP, Packet, RST, SYN},
    harness::{Ends, Forwarding, Lab, NO_STATS, bare_reset, with_lab},
};

/// The reset that answers a segment which came through `lab.out`.
fn reset(lab: &Lab, ends: &Ends, flags: u8, sequence: u32, acknowledgement: u32) -> Packet {
    lab.out.emits(
        &bare_reset(ends.service, ends.client)
            .flags(flags)
            .numbers(sequence, acknowledgement),
    )
}

fn refused(count: u64) -> Stats {
    Stats {
        refused: count,
        ..NO_STATS
    }
}

// RFC 9293, section 3.10.7.1: no ACK, so sequence number 0, and all of the
// segment is acknowledged; SYN counts as one.
#[test]
#[ignore = "needs root"]
fn a_syn_gets_a_reset_that_acknowledges_it() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let sent = ends.opening().numbers(1_000, 0);
            let expected = reset(lab, &ends, RST | ACK, 0, 1_001);
            lab.client_sends(&sent).is_redirected_as(&expected);
            assert_eq!(lab.service_stats(&ends), refused(1));
        }
        assert_eq!(
            lab.drops(),
            Drops {
                refused_tcp: 2,
                ..Drops::default()
            }
        );
        assert_eq!(lab.flow_entries(), 0);
    });
}

#[test]
#[ignore = "needs root"]
fn a_syn_with_data_gets_a_reset_that_acknowledges_the_data_too() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            for (flags, length, counted) in [
                (SYN, 700, 701),
                (SYN, 1, 2),
                (FIN, 5, 6),
                (SYN | FIN, 0, 2),
                (0, 9, 9),
            ] {
                let sent = ends.opening().flags(flags).numbers(u32::MAX, 0);
                let sent = sent.payload(vec![0x5a; length]);
                let expected = reset(lab, &ends, RST | ACK, 0, u32::MAX.wrapping_add(counted));
                lab.client_sends(&sent).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_segment_with_an_acknowledgement_gets_a_reset_with_that_number() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            for flags in [ACK, SYN | ACK, FIN | ACK] {
                let sent = ends.request().flags(flags).numbers(77, 0xfeed_f00d);
                let expected = reset(lab, &ends, RST, 0xfeed_f00d, 0);
                lab.client_sends(&sent).is_redirected_as(&expected);
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_reset_is_never_answered() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            for flags in [RST, RST | ACK] {
                lab.client_sends(&ends.request().flags(flags)).is_dropped();
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn padding_options_and_extension_headers_do_not_count_as_data() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let sent = ends.opening().numbers(1_000, 0).trailer([0; 6]);
            let sent = if ends.service.is_ipv4() {
                sent.ipv4(|ip| ip.options = vec![1; 12])
            } else {
                let extension = Extension::filled(HOP_BY_HOP, 2);
                sent.ipv6(|ip| ip.extensions = vec![extension])
            };
            let expected = reset(lab, &ends, RST | ACK, 0, 1_001);
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_reset_has_a_ttl_of_its_own() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let expected = reset(lab, &ends, RST | ACK, 0, 1_001);
            let sent = ends.opening().numbers(1_000, 0).ttl(1);
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_refused_client_behind_a_pod_gets_its_reset_there() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let expected = lab.pod.emits(&reset(lab, &ends, RST | ACK, 0, 1_001));
            lab.pod_sends(&ends.opening().numbers(1_000, 0))
                .is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_service_without_slots_refuses() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.put_service(&ends, |service| service.slots = 0);
            let outcome = lab.client_sends(&ends.opening().payload([]));
            if ends.is_tcp() {
                outcome.is_redirected_as(&reset(lab, &ends, RST | ACK, 0, 0xa1b2_c3d5));
            } else {
                outcome.is_dropped();
            }
            assert_eq!(lab.service_stats(&ends), refused(1));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_refused_datagram_gets_no_answer() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::udp() {
            println!("{ends}");
            lab.refuse(&ends);
            lab.client_sends(&ends.opening()).is_dropped();
            assert_eq!(lab.service_stats(&ends), refused(1));
        }
        assert_eq!(
            lab.drops(),
            Drops {
                refused_udp: 2,
                ..Drops::default()
            }
        );
    });
}

// Announced or not: another node may announce it.
#[test]
#[ignore = "needs root"]
fn a_port_without_service_at_an_address_of_ours_answers_like_a_closed_one() {
    with_lab(Forwarding::On, |lab| {
        for flags in [ADDRESS_ANNOUNCE, 0] {
            for mut ends in Ends::all() {
                println!("{ends}, flags {flags}");
                lab.put_address(ends.service.ip(), flags);
                ends.service.set_port(22);
                if ends.is_tcp() {
                    let syn = ends.opening().numbers(1_000, 0);
                    let expected = reset(lab, &ends, RST | ACK, 0, 1_001);
                    lab.client_sends(&syn).is_redirected_as(&expected);
                } else {
                    lab.client_sends(&ends.opening()).is_dropped();
                }
            }
        }
        assert_eq!(lab.flow_entries(), 0);
    });
}

#[test]
#[ignore = "needs root"]
fn flows_that_exist_go_on_when_new_ones_are_refused() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            lab.refuse(&ends);
            lab.client_reaches(&ends.request(), &ends);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_whose_backend_is_gone_gets_a_reset_and_is_forgotten() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.begin(&ends);
            lab.remove_backend(&ends);
            let expected = reset(lab, &ends, RST, 0x1234_5678, 0);
            let sent = ends.request().numbers(9, 0x1234_5678);
            lab.client_sends(&sent).is_redirected_as(&expected);
            assert_eq!(lab.flow_entries(), 0);
        }
        assert_eq!(
            lab.drops(),
            Drops {
                backend_gone: 2,
                ..Drops::default()
            }
        );
    });
}

#[test]
#[ignore = "needs root"]
fn a_reset_has_a_right_checksum_though_the_refused_segment_had_not() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::tcp() {
            println!("{ends}");
            lab.refuse(&ends);
            let sent = ends.opening().numbers(1_000, 0);
            let sent = sent.with_tcp(|tcp| tcp.checksum = Field::Exactly(0));
            let expected = reset(lab, &ends, RST | ACK, 0, 1_001);
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}
