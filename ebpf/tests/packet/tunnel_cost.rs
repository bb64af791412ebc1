// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What the header around a packet costs, printed with `--nocapture`:
//! `cargo test -p blixt-ebpf --test packet -- --ignored --nocapture tunnel_cost`.
//!
//! A packet that grows cannot come again in the same buffer, so each run is a
//! system call of its own on colder caches than those of `cost`: figures compare
//! with one another, and the first, which is clock and call, is in all of them.

use blixt_ebpf::layout::NODE_SELF;

use crate::{
    build::Packet,
    harness::{Chain, Ends, Forwarding, Lab, Port, Summed, with_chain},
};

const RUNS: usize = 4_000;

/// The time that a tenth of the runs stay below, in nanoseconds, printed.
fn cost(lab: &Lab, port: &Port, packet: &Packet, what: &str) -> u32 {
    let frame = packet.bytes();
    let time = |_| {
        let run = lab.object.run(&frame, port.ifindex, Summed::No);
        run.unwrap_or_else(|error| panic!("the run failed: {error}"))
            .nanoseconds
    };
    let mut times: Vec<u32> = (0..RUNS).map(time).collect();
    times.sort_unstable();
    // Whatever else runs on the machine makes most of them dearer, and this one least.
    let cost = times[RUNS / 10];
    println!("{cost:5} ns  {what}");
    cost
}

#[test]
#[ignore = "needs root"]
fn a_packet_with_a_header_around_costs_little_more_than_twice_one_without() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        let mut other = lab.inbound(&Ends::tcp4().request());
        other.ethernet.ethertype = Some(0x88cc);
        let empty = cost(lab, &lab.out, &other, "another EtherType");
        for ends in Ends::tcp() {
            let near = ends.clone().remote();
            let mut costs = Vec::new();
            for placed in [
                &near,
                &ends.clone().beyond(false),
                &ends.clone().beyond(true),
            ] {
                lab.choose(placed);
                lab.begin(placed);
                let what = format!("{ends}, inside {:?}", placed.tunnel);
                let request = lab.inbound(&ends.request());
                costs.push(cost(lab, &lab.out, &request, &what));
                lab.remove_flow(ends.client, ends.service, ends.protocol);
            }
            // Out of the tunnel, to a backend here.
            let [there, here] = ends.clone().beyond(false).tunnel_here();
            lab.put_node(there, 0);
            lab.put_node(here, NODE_SELF);
            lab.choose(&ends);
            lab.begin(&ends);
            let wrapped = lab.inbound(&ends.request()).inside(there, here);
            costs.push(cost(lab, &lab.out, &wrapped, "out of a tunnel"));
            for cost in &costs {
                assert!(*cost < 2 * costs[0] + empty + 600, "{costs:?}");
            }
        }
    });
}
