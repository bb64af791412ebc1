// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What a packet costs in the driver, measured and printed as in `crate::cost`. A
//! reset is not among it: it shortens the frame, so that no second one fits.

use std::os::fd::AsFd;

use super::{establish, with_early};
use crate::{
    announce::{ROUTER, ping, service4},
    build::Arp,
    harness::{Ends, Kind, Lab, Port, Trampoline, nothing},
};

const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;

const RUNS: u32 = 50_000;
const ROUNDS: usize = 9;

/// The program's own nanoseconds for this frame, printed. In each round `ingress`
/// gets one first, as it does of every flow once in a while.
fn cost(lab: &Lab, port: &Port, frame: &[u8], verdict: u32, what: &str) -> u32 {
    let trampoline = Trampoline::new(Kind::Xdp, frame, 1, port.ifindex);
    let nothing = nothing(Kind::Xdp);
    let mut times = Vec::new();
    for _ in 0..10 * ROUNDS {
        let empty = trampoline.run(nothing.as_fd(), RUNS, 0);
        let _ = lab.receive(port, frame.to_vec());
        let full = trampoline.try_run(lab.object.early(), RUNS);
        // Else a tick began meanwhile.
        if full.action == verdict {
            times.push((full.nanoseconds.saturating_sub(empty), empty));
        }
        if times.len() == ROUNDS {
            break;
        }
    }
    assert_eq!(
        times.len(),
        ROUNDS,
        "the verdict is seldom {verdict}: {what}"
    );
    times.sort_unstable();
    let (cost, empty) = times[ROUNDS / 2];
    println!(
        "{cost:5} ns  XDP: {what} ({} with the trampoline's {empty})",
        cost + empty
    );
    cost
}

#[test]
#[ignore = "needs root"]
fn early_costs_less_than_six_hundred_nanoseconds() {
    with_early(|lab| {
        let mut costs = Vec::new();
        let mut other = lab.inbound(&Ends::tcp4().request());
        other.ethernet.ethertype = Some(0x88cc);
        let out = lab.out.clone();
        let node = lab.node.clone();
        costs.push(cost(
            lab,
            &out,
            &other.bytes(),
            XDP_PASS,
            "another EtherType",
        ));
        let elsewhere = Ends::tcp4().request().to(Ends::tcp4().backend);
        let frame = lab.inbound(&elsewhere).bytes();
        costs.push(cost(
            lab,
            &out,
            &frame,
            XDP_PASS,
            "TCP for no service, passed",
        ));
        let arp = Arp::request(out.neighbour, ROUTER, service4());
        costs.push(cost(lab, &out, &arp.bytes(), XDP_TX, "ARP answered"));
        for ends in Ends::tcp() {
            let frame = lab.inbound(&ping(&ends)).bytes();
            costs.push(cost(lab, &out, &frame, XDP_TX, "a ping answered"));
        }
        for ends in Ends::udp() {
            lab.refuse(&ends);
            let frame = lab.inbound(&ends.opening()).bytes();
            costs.push(cost(lab, &out, &frame, XDP_DROP, "UDP refused"));
        }
        for ends in Ends::all() {
            for (ends, to) in [
                (ends.clone().remote(), "to the backend's node"),
                (
                    ends.clone().routed().far_client(),
                    "rewritten, to the backend",
                ),
            ] {
                establish(lab, &ends);
                let frame = lab.across(&ends.request()).bytes();
                let what = format!("{ends}, {to}");
                costs.push(cost(lab, &node, &frame, XDP_TX, &what));
            }
            lab.choose(&ends);
            lab.begin(&ends);
            let frame = lab.inbound(&ends.request()).bytes();
            costs.push(cost(
                lab,
                &out,
                &frame,
                XDP_PASS,
                "a local backend's, passed",
            ));
        }
        assert!(costs.iter().all(|cost| *cost < 600), "{costs:?}");
    });
}
