// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Clients that are kept at backends of other nodes, and nodes that do not agree
//! whom they keep where.

use blixt_ebpf::layout::{Drops, NODE_SELF};

use crate::{
    build::Packet,
    harness::{Ends, Forwarding, Lab, with_lab},
};

const SECONDS: u32 = 60;

/// Services whose clients are kept at a backend of the other node, while the table
/// has one here for them. `there` makes the one of the other.
fn with_kept(
    forwarding: Forwarding,
    there: impl Fn(Ends) -> Ends + Sync,
    test: impl Fn(&mut Lab, &Ends, &Ends) + Sync,
) {
    with_lab(forwarding, |lab| {
        for here in Ends::all() {
            println!("{here}");
            lab.keep_clients(&here, SECONDS);
            let there = there(here.second_backend());
            lab.choose(&there);
            lab.begin(&there);
            assert!(lab.client_sends(&there.request()).was_redirected());
            lab.choose(&here);
            test(lab, &there, &here);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

/// As the packet travels to the other node.
fn travelling(lab: &Lab, ends: &Ends, packet: &Packet) -> Packet {
    let packet = packet.clone().hop();
    lab.node.emits(&match ends.tunnel {
        Some(_) => ends.around(&packet),
        None => packet,
    })
}

#[test]
#[ignore = "needs root"]
fn a_client_keeps_its_backend_on_another_node() {
    for there in [Ends::remote, |ends: Ends| ends.beyond(false)] {
        with_kept(Forwarding::On, there, |lab, there, _| {
            for port in 40_001..40_003 {
                let flow = there.clone().client_port(port);
                // Twice: it was not answered.
                for packet in [flow.opening(), flow.opening(), flow.request()] {
                    let expected = travelling(lab, there, &packet);
                    lab.client_sends(&packet).is_redirected_as(&expected);
                }
                assert_eq!(lab.service_stats(there).flows, u64::from(port) - 39_999);
            }
        });
    }
}

// The other node keeps the client here, or the packet would not be back.
#[test]
#[ignore = "needs root"]
fn what_comes_back_from_the_node_of_the_backend_goes_where_the_table_says() {
    with_kept(Forwarding::On, Ends::remote, |lab, there, here| {
        let flow = there.clone().client_port(40_001);
        let sent = flow.opening();
        lab.client_sends(&sent)
            .is_redirected_as(&travelling(lab, there, &sent));
        let back = lab.across(&sent.clone().hop());
        let expected = lab.pod.emits(&sent.to(here.backend).hop().hop());
        lab.receive(&lab.node, back.bytes())
            .is_redirected_as(&expected);
        // And so does the next.
        let next = there.clone().client_port(40_002).opening();
        let expected = lab.pod.emits(&next.clone().to(here.backend).hop());
        lab.client_sends(&next).is_redirected_as(&expected);
    });
}

// This node has it right, and the other one is to see that of itself.
#[test]
#[ignore = "needs root"]
fn what_comes_back_from_the_node_of_the_backend_is_sent_again_where_the_table_agrees() {
    with_kept(Forwarding::On, Ends::remote, |lab, there, _| {
        lab.choose(there);
        let sent = there.clone().client_port(40_001).opening();
        for packet in [sent.clone(), sent.hop()] {
            let back = lab.across(&packet);
            lab.receive(&lab.node, back.bytes())
                .is_redirected_as(&travelling(lab, there, &packet));
        }
        assert!(lab.affinity(there).is_some());
    });
}

#[test]
#[ignore = "needs root"]
fn what_comes_back_in_a_tunnel_goes_where_the_table_says() {
    let beyond = |ends: Ends| ends.beyond(false);
    with_kept(Forwarding::On, beyond, |lab, there, here| {
        let [node, source] = there.tunnel_here();
        lab.put_node(node, 0);
        lab.put_node(source, NODE_SELF);
        let sent = there.clone().client_port(40_001).opening();
        lab.client_sends(&sent)
            .is_redirected_as(&travelling(lab, there, &sent));
        let inside = sent.clone().hop().inside(node, source);
        let expected = lab.pod.emits(&sent.clone().to(here.backend).hop().hop());
        lab.receive(&lab.node, lab.across(&inside).bytes())
            .is_redirected_as(&expected);
    });
}

// Where the kernel alone knows the other node's MAC address, and by way of a third.
#[test]
#[ignore = "needs root"]
fn what_was_around_is_known_by_its_ttl_however_it_comes() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_kept(forwarding, Ends::remote, |lab, there, here| {
            let sent = there.clone().client_port(40_001);
            lab.begin(&sent);
            // As a client sends it again.
            lab.begin(&sent);
            let flow = lab.forward_flow(&sent).expect("an entry");
            assert_eq!(flow.backend, there.backend_id);
            let back = lab.client_sends(&sent.opening().hop().hop().hop());
            assert!(back.was_redirected());
            let flow = lab.forward_flow(&sent).expect("an entry");
            assert_eq!(flow.backend, here.backend_id);
        });
    }
}
