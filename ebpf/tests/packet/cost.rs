// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What a packet costs the program, printed with `--nocapture`:
//! `cargo test -p blixt-ebpf --test packet -- --ignored --nocapture cost`.
//!
//! Many runs come in one system call and each has a fresh packet: a trampoline
//! writes it, and what that costs is measured in the same loop and taken off. So
//! a figure is the program alone, on warm caches where the traffic is one flow.

use std::os::fd::{AsFd, BorrowedFd};

use crate::{
    build::Packet,
    harness::{
        Chain, Ends, FlowKey, Forwarding, Kind, Lab, Object, Port, TC_ACT_REDIRECT, TCX_NEXT,
        Trampoline, look_up4, nothing, with_chain, with_lab_of,
    },
};

/// What the programs return that only this test has.
const DONE: u32 = 0;

/// Runs of a measurement, and measurements of which the median counts.
const RUNS: u32 = 200_000;
const ROUNDS: usize = 9;

/// Nanoseconds of each program over the same packets, taken in turns so that all
/// suffer alike from what else the machine does. The first does nothing.
fn measure<const N: usize>(from: &Trampoline, programs: [(BorrowedFd<'_>, u32); N]) -> [u32; N] {
    let mut times = [[0; ROUNDS]; N];
    for round in 0..ROUNDS {
        for (times, (program, verdict)) in times.iter_mut().zip(programs) {
            times[round] = from.run(program, RUNS, verdict);
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2]
    })
}

/// The program's own nanoseconds for this packet, printed.
fn cost(lab: &Lab, port: &Port, packet: &Packet, verdict: u32, what: &str) -> u32 {
    let trampoline = Trampoline::new(Kind::Classifier, &packet.bytes(), 1, port.ifindex);
    let nothing = nothing(Kind::Classifier);
    let programs = [(nothing.as_fd(), DONE), (lab.object.program(), verdict)];
    let [empty, full] = measure(&trampoline, programs);
    let cost = full.saturating_sub(empty);
    println!("{cost:5} ns  {what} ({full} with the trampoline's {empty})");
    cost
}

#[test]
#[ignore = "needs root"]
fn an_established_packet_costs_less_than_six_hundred_nanoseconds() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        let mut other = lab.inbound(&Ends::tcp4().request());
        other.ethernet.ethertype = Some(0x88cc);
        cost(lab, &lab.out, &other, TCX_NEXT, "another EtherType");
        let elsewhere = Ends::tcp4().request().to(Ends::tcp4().backend);
        let elsewhere = lab.inbound(&elsewhere);
        cost(lab, &lab.out, &elsewhere, TCX_NEXT, "TCP for no service");
        for ends in Ends::all() {
            lab.begin(&ends);
            lab.settle(&ends);
            let request = lab.inbound(&ends.request());
            let reply = lab.outbound(&ends.reply());
            let there = cost(lab, &lab.out, &request, TC_ACT_REDIRECT, &format!("{ends}"));
            let back = cost(lab, &lab.pod, &reply, TC_ACT_REDIRECT, "its replies");
            // Far above the aim, for machines that others use too, and below a packet that has to ask around.
            assert!(there < 600 && back < 600, "{there} and {back} ns");
        }
    });
}

// Every packet that the host sends or routes passes there.
#[test]
#[ignore = "needs root"]
fn egress_costs_next_to_nothing_for_what_is_not_ours() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        let egress = |packet: &Packet, what: &str| {
            let frame = lab.out.emits(packet).bytes();
            let trampoline = Trampoline::new(Kind::Classifier, &frame, 1, lab.out.ifindex);
            let nothing = nothing(Kind::Classifier);
            let programs = [(nothing.as_fd(), DONE), (lab.object.egress(), TCX_NEXT)];
            let [empty, full] = measure(&trampoline, programs);
            let cost = full.saturating_sub(empty);
            println!("{cost:5} ns  at egress: {what} ({full} with the trampoline's {empty})");
            cost
        };
        for ends in Ends::all().map(Ends::by_host) {
            lab.begin(&ends);
            let elsewhere = ends.request().with_destination(ends.node());
            let cost = egress(&elsewhere, &format!("{ends}, elsewhere"));
            assert!(cost < 400, "{cost} ns");
        }
    });
}

// What a packet costs beyond the look-up is, as builds without the parts in question
// and perf showed (November 2026, when a packet of one flow cost 65 ns):
// - 50 to 60 ns, its way through the program. Lines of memory are the look-up's own:
//   the bucket, the element's head with the key, and the value. Of one flow's 65 ns the
//   look-up takes 18 and the program's own code 41, nowhere much; all counters are 2 to
//   4 of it, the question whether the checksum is left to a device 2 to 3. A call of a
//   helper is 6 ns (four more made 24), which is much for what they do: this kernel
//   guards every return ("Safe RET"). There are two: bpf_csum_update() and the redirect.
// - 155 ns once in a second of each flow (285 over IPv6), most of it the FIB's. Among
//   64,000 flows that is every twentieth packet here, among 512,000 nearly every other.
// - A look-up of the other direction's entry, which is as far away, every eight seconds.
//
// Tried, and not worth it:
// - One question a second for all flows of a backend, each flow's way compared with the
//   one found, and a question of its own every eight seconds: 512,000 flows cost 1.2 to
//   1.3 look-ups instead of 1.4 (1.14 without any question), one flow what it did. But
//   where routes depend on the client, a flow would notice a change after eight seconds
//   and not after one, and the neighbour would be asked for by that one flow's packet.
// - Fewer instructions: the address's part of both checksums reckoned once, with a
//   rewrite for each direction, 1 to 3 ns less over IPv4 and up to 4 more over IPv6; the
//   third version of BPF's instructions (`-Ctarget-cpu=v3`) 0 to 3 ns less.
#[test]
#[ignore = "needs root"]
fn random_flows_cost_little_more_than_their_look_up() {
    for flows in [64_000, 512_000] {
        with_lab_of(
            || Object::load_with(2_000_000, 250_000),
            Chain::Ingress,
            Forwarding::On,
            |lab| {
                let ends = Ends::tcp4();
                lab.begin(&ends);
                lab.settle(&ends);
                copy_flow(lab, &ends, flows);
                let frame = lab.inbound(&ends.request()).bytes();
                let trampoline = Trampoline::new(Kind::Classifier, &frame, flows, lab.out.ifindex);
                let table = lab.object.descriptor("flows4");
                let (nothing, bare) = (nothing(Kind::Classifier), look_up4(table.as_fd()));
                let programs = [
                    (nothing.as_fd(), DONE),
                    (bare.as_fd(), DONE),
                    (lab.object.program(), TC_ACT_REDIRECT),
                ];
                let [empty, bare, full] = measure(&trampoline, programs);
                let (bare, full) = (bare - empty, full - empty);
                println!(
                    "{bare:5} ns  a look-up among {flows} flows\n{full:5} ns  a packet of them"
                );
                assert!(full < 3 * bare + 300, "{full} ns against {bare} ns");
            },
        );
    }
}

/// Gives the flow of `ends` to so many clients, each with the next address: both its
/// entries, since what it does every eight seconds looks for the other.
fn copy_flow(lab: &mut Lab, ends: &Ends, flows: u32) {
    let forward = lab.forward_flow(ends).expect("a flow to copy");
    let reply = lab.reply_flow(ends).expect("it has two entries");
    let key = |from, to| match FlowKey::new(from, to, ends.protocol) {
        FlowKey::V4(key) => key,
        FlowKey::V6(_) => unreachable!("it is over IPv4"),
    };
    let mut request = key(ends.client, ends.service);
    let mut response = key(ends.backend, ends.client);
    for _ in 0..flows {
        lab.object.put("flows4", request, forward);
        lab.object.put("flows4", response, reply);
        request.saddr = (u32::from_be(request.saddr) + 1).to_be();
        response.daddr = request.saddr;
    }
}
