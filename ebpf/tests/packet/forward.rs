// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets of clients on their way to a backend, and replies on their way back.

use crate::harness::{Ends, Forwarding, with_lab};

#[test]
#[ignore = "needs root"]
fn ingress_forwards_the_first_packet_to_the_backend() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            let sent = ends.opening();
            let expected = lab.pod.emits(&sent.clone().to(ends.backend).hop());
            lab.from_client(&sent).is_redirected_as(&expected);
        }
    });
}
