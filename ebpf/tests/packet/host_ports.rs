// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What the host sends at a port of its own that never had a flow is none of a flow's,
//! and nobody looks it up.

use blixt_ebpf::layout::{Address, AddressInfo, BACKEND_LOCAL};

use crate::{
    build::Packet,
    harness::{Ends, Forwarding, Lab, address, with_lab},
};

fn passes(lab: &Lab, packet: &Packet) {
    lab.leave(&lab.out, lab.out.emits(packet).bytes(), 0)
        .is_passed_untouched();
}

fn is_turned(lab: &Lab, packet: &Packet) {
    lab.leave(&lab.out, lab.out.emits(packet).bytes(), 0)
        .is_redirected_as(&lab.out.turned(packet));
}

#[test]
#[ignore = "needs root"]
fn a_reply_of_the_host_is_turned_round_from_its_flows_first_packet_to_its_end() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::in_host) {
            lab.put_backend(&ends, |backend| {
                backend.flags |= BACKEND_LOCAL;
                backend.ifindex = 0;
            });
            passes(lab, &ends.reply());
            let _ = lab.client_sends(&ends.opening());
            is_turned(lab, &ends.reply());
            lab.remove_flow(ends.backend, ends.client, ends.protocol);
            passes(lab, &ends.reply());
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_flow_to_a_port_that_others_had_before_is_turned_round_too() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all().map(Ends::in_host) {
            lab.put_backend(&ends, |backend| {
                backend.flags |= BACKEND_LOCAL;
                backend.ifindex = 0;
            });
            for port in [1_024, 1_025, 65_535] {
                let mut ends = ends.clone();
                ends.client.set_port(port);
                passes(lab, &ends.reply());
                let _ = lab.client_sends(&ends.opening());
                is_turned(lab, &ends.reply());
            }
        }
    });
}

#[test]
#[ignore = "needs root"]
fn a_connection_of_the_host_stays_with_us_when_its_address_is_none_of_ours_any_more() {
    with_lab(Forwarding::On, |lab| {
        let all = Ends::all().map(Ends::by_host);
        for ends in &all {
            let _ = lab.host_sends(&ends.opening());
        }
        for ends in Ends::tcp() {
            let key: Address = address(ends.service.ip());
            lab.object.remove::<Address, AddressInfo>("addresses", key);
        }
        for ends in &all {
            is_turned(lab, &ends.request());
        }
    });
}
