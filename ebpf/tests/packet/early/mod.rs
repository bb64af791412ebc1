// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What `early` does by itself. That it does nothing else than `ingress` would is
//! for all the other tests to find, which run behind it a second time.

mod announce;
mod cost;
mod forward;
mod frames;
mod refuse;
mod wires;

use crate::{
    build::Packet,
    harness::{Chain, Early, Ends, Forwarding, Lab, with_chain},
};

/// A host whose `ingress` gets what the test gives it, not what `early` passes.
fn with_early(test: impl FnOnce(&mut Lab) + Send) {
    with_chain(Chain::Ingress, Forwarding::On, test);
}

/// Begins a flow through the node's link, has both sides speak, and makes it one
/// that is no more pending.
fn establish(lab: &mut Lab, ends: &Ends) {
    lab.choose(ends);
    for packet in [ends.opening(), ends.request()] {
        let frame = lab.across(&packet).bytes();
        assert!(lab.receive(&lab.node, frame).was_redirected(), "{ends}");
    }
    if !ends.remote {
        let frame = lab.across(&ends.reply()).bytes();
        assert!(lab.receive(&lab.node, frame).was_redirected(), "{ends}");
    }
    lab.settle(ends);
}

/// What `early` does with a packet from the node, of a flow that `ingress` looked
/// after within this second.
fn from_node(lab: &Lab, packet: &Packet) -> Early {
    let frame = lab.across(packet).bytes();
    let mut early = lab.early(&lab.node, frame.clone());
    // `ingress` cannot be given all that `early` can: a run takes 4,000 bytes or so.
    let short = lab.across(&packet.clone().payload([])).bytes();
    for _ in 0..20 {
        if !early.was_passed() {
            break;
        }
        // A second may have begun meanwhile.
        assert!(lab.receive(&lab.node, short.clone()).was_redirected());
        early = lab.early(&lab.node, frame.clone());
    }
    early
}
