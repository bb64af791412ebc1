// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What a packet costs the program, printed with `--nocapture`:
//! `cargo test -p blixt-ebpf --test packet -- --ignored --nocapture cost`.
//!
//! Every run has a fresh packet, since a program that rewrites would see its own
//! output the second time. The kernel times the program alone; each run comes
//! by a system call of its own, so caches are colder than under load, and the
//! time of the first line, clock and call, is in every other line.

use crate::{
    build::Packet,
    harness::{Ends, Forwarding, Lab, Port, with_lab},
};

const RUNS: u16 = 10_000;

/// The median of the program's time over these frames, in nanoseconds.
fn median(lab: &Lab, port: &Port, frames: impl Iterator<Item = Vec<u8>>) -> u32 {
    let mut times: Vec<u32> = frames.map(|frame| lab.time(port, &frame)).collect();
    times.sort_unstable();
    times[times.len() / 2]
}

/// Measures with the same frame again and again, and prints.
fn measure(lab: &Lab, port: &Port, packet: &Packet, what: &str) -> u32 {
    let frame = packet.bytes();
    let cost = median(lab, port, (0..RUNS).map(|_| frame.clone()));
    println!("{cost:5} ns  {what}");
    cost
}

#[test]
#[ignore = "needs root"]
fn a_packet_of_an_established_flow_costs_less_than_half_of_a_first_one() {
    with_lab(Forwarding::On, |lab| {
        let mut other = lab.inbound(&Ends::tcp4().request());
        other.ethernet.ethertype = Some(0x88cc);
        measure(lab, &lab.out, &other, "another EtherType");
        let elsewhere = Ends::tcp4().request().to(Ends::tcp4().backend);
        measure(
            lab,
            &lab.out,
            &lab.inbound(&elsewhere),
            "TCP for no service",
        );
        for ends in Ends::all() {
            lab.begin(&ends);
            let request = lab.inbound(&ends.request());
            let established = measure(lab, &lab.out, &request, &format!("{ends}"));
            measure(lab, &lab.pod, &lab.outbound(&ends.reply()), "its replies");
            // Two entries each: within the table, so nothing is evicted.
            let router = lab.out.clone();
            let frame = |port| {
                let opening = ends.clone().client_port(port).opening();
                opening.macs(router.neighbour, router.mac)
            };
            let first = median(lab, &lab.out, (1..=RUNS).map(|port| frame(port).bytes()));
            println!("{first:5} ns  first packets");
            lab.refuse(&ends);
            measure(lab, &lab.out, &frame(60_000), "refused");
            assert!(
                established < first / 2,
                "{established} ns against {first} ns"
            );
        }
    });
}
