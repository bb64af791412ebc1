// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Random packets among random changes of the maps: the program against a model.

mod generator;
mod model;
mod sample;

use std::{env, net::IpAddr, thread, time::SystemTime};

use blixt_ebpf::layout::{DIRECTION_FORWARD, NODE_SELF};

use generator::Random;
use model::{Defect, Entry, Fate, Model};
use sample::{Client, Sample, Sum, around, frame, sample};

use crate::{
    build::{
        Icmp, PARAMETER_PROBLEM, PARAMETER_PROBLEM_V6, Packet, TIME_EXCEEDED, TOO_BIG_V6,
        Transport, UNREACHABLE, UNREACHABLE_V6,
    },
    harness::{Ends, Forwarding, Lab, NO_STATS, Outcome, Port, address, with_lab},
    too_big::told_of,
};

const PACKETS: usize = 20_000;

/// One that `BLIXT_SEED` names, or another every time.
fn seed() -> u64 {
    let chosen = env::var("BLIXT_SEED").ok();
    let now = || {
        let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        elapsed.expect("it is later than 1970").as_nanos() as u64
    };
    chosen.map_or_else(now, |seed| seed.parse().expect("BLIXT_SEED is a number"))
}

/// Services at two ports of each address. They share a backend, so that flows of
/// one client with both collide.
fn services() -> Vec<Ends> {
    let second = |ends: &Ends| {
        let mut second = ends.clone();
        second.service.set_port(81);
        second.service_id += 20;
        second.table += 20;
        second.backend_id += 20;
        second.epoch += 20;
        second
    };
    Ends::all()
        .iter()
        .flat_map(|ends| [ends.clone(), second(ends)])
        .collect()
}

#[test]
#[ignore = "needs root"]
fn ingress_does_what_the_model_does_with_random_packets() {
    let seed = seed();
    println!("BLIXT_SEED={seed}");
    let mut random = Random::new(seed);
    let services = services();
    with_lab(Forwarding::On, |lab| {
        let mut model = Model::default();
        for ends in &services {
            lab.serve(ends);
            model.alive.insert(ends.backend_id, ends.epoch);
            let choice = (ends.service_id, Some(ends.clone()));
            model.choices.insert((ends.service, ends.protocol), choice);
        }
        for v6 in [false, true] {
            let [there, here] = Ends::tcp4().beyond(v6).tunnel_here();
            lab.put_node(there, 0);
            lab.put_node(here, NODE_SELF);
        }
        let mut reports = 0;
        for number in 0..PACKETS {
            if random.once_in(100) {
                change(&mut random, lab, &mut model, &services);
            }
            let sample = sample(&mut random, &services);
            let Some(frame) = arriving(lab, &sample) else {
                continue;
            };
            let outcome = lab.receive(port(lab, &sample), frame);
            let fate = model.receive(&sample.packet, sample.ttl, sample.defect);
            let _named = Named {
                number,
                sample: &sample,
                fate: &fate,
            };
            check(lab, outcome, &fate, &sample);
            // Once a second a packet brings back what is missing; when is the clock's affair.
            if sample.defect != Defect::LaterFragment
                && let Some((key, entry)) = model.missing_twin(&sample.packet)
                && lab.flow(key.0, key.1, key.2).is_some()
            {
                model.entries.insert(key, entry);
            }
            if random.once_in(10) {
                reports += u32::from(report(&mut random, lab, &mut model, &fate));
            }
        }
        assert!(reports > 100, "{reports} errors");
        if let Some(verdicts) = lab.early_verdicts() {
            for (what, count) in verdicts {
                assert!(count > 100, "early {what} {count} packets");
            }
        }
        compare(lab, &model, &services);
    });
}

/// Whoever got a packet complains of it. Returns whether that came to its sender.
fn report(random: &mut Random, lab: &Lab, model: &mut Model, fate: &Fate) -> bool {
    let (packet, port) = match fate {
        Fate::ToBackend(packet) => (packet, &lab.pod),
        Fate::ToClient(packet) | Fate::ToHost(packet) => (packet, &lab.out),
        Fate::ToNode(packet) | Fate::Inside(packet, _) => (packet, &lab.node),
        _ => return false,
    };
    if matches!(packet.transport, Transport::Other(_)) {
        return false;
    }
    let kinds = if packet.source().is_ipv4() {
        [UNREACHABLE, TIME_EXCEEDED, PARAMETER_PROBLEM]
    } else {
        [TOO_BIG_V6, UNREACHABLE_V6, PARAMETER_PROBLEM_V6]
    };
    let mut icmp = Icmp::new(random.pick(&kinds));
    icmp.rest = [0, 0, 5, random.next() as u8];
    let header = packet.transport_at() - packet.network_at();
    let length = header + random.pick(&[4, 8, 16, 18, 300]);
    let error = |from, packet: &Packet| {
        let frame = packet.bytes();
        let embedded = &frame[packet.network_at()..frame.len() - packet.trailer.len()];
        let embedded = &embedded[..length.min(embedded.len())];
        Packet::icmp(from, packet.source(), icmp.clone()).payload(embedded)
    };
    let sent = error(packet.destination(), packet);
    let sent = match fate {
        Fate::ToHost(_) => port.turned(&sent),
        _ => sent.macs(port.neighbour, port.mac),
    };
    let outcome = lab.receive(port, sent.bytes());
    let Some((entry, original)) = model.receive_error(packet) else {
        outcome.is_passed_untouched();
        return false;
    };
    let Some(original) = original else {
        outcome.is_dropped();
        return false;
    };
    let hairpin = original.source() == packet.destination();
    let (from, to) = match entry {
        // From the pod to itself.
        _ if hairpin && !entry.remote => (packet.source(), &lab.pod),
        Entry { forward: false, .. } => (entry.address.ip(), &lab.out),
        Entry { remote: true, .. } => (packet.destination(), &lab.node),
        _ => (packet.destination(), &lab.pod),
    };
    let mut expected = error(from, &original).hop();
    if let Entry {
        forward: true,
        tunnel: Some([source, node]),
        ..
    } = entry
    {
        expected = expected.inside(source, node);
    }
    outcome.is_redirected_as(&match original.source() {
        source if !entry.forward && source == host(&original) => to.turned(&expected),
        _ => to.emits(&expected),
    });
    true
}

/// Says which packet it was when its check fails.
struct Named<'a> {
    number: usize,
    sample: &'a Sample,
    fate: &'a Fate,
}

impl Drop for Named<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let Self {
                number,
                sample,
                fate,
            } = self;
            println!("packet {number}: {sample:?}\nexpected: {fate:?}");
        }
    }
}

/// Changes what a service does with new flows, or which backends are alive.
fn change(random: &mut Random, lab: &mut Lab, model: &mut Model, services: &[Ends]) {
    let ends = random.pick(services);
    let mut backend = if random.once_in(2) {
        ends.second_backend()
    } else {
        ends.clone()
    };
    let key = (ends.service, ends.protocol);
    let (_, choice) = model
        .choices
        .get_mut(&key)
        .expect("the model has every service");
    match random.below(8) {
        0 => {
            lab.refuse(&ends);
            *choice = None;
        }
        1 => {
            lab.remove_backend(&backend);
            model.alive.remove(&backend.backend_id);
        }
        _ => {
            // The same owner of the id as before, or another.
            backend.epoch += random.below(2) as u32;
            match random.below(6) {
                0 => backend = backend.remote(),
                1 => backend = backend.beyond(random.once_in(2)),
                _ => {}
            }
            lab.choose(&backend);
            model.alive.insert(backend.backend_id, backend.epoch);
            *choice = Some(backend);
        }
    }
}

/// Whether the host sent it, so that it enters where it was to leave.
fn by_host(sample: &Sample) -> bool {
    sample.from_client && sample.client == Client::Host
}

/// The packet on its way to who sent the sample.
fn back(lab: &Lab, sample: &Sample, packet: &Packet) -> Packet {
    let port = port(lab, sample);
    match by_host(sample) {
        true => port.turned(packet),
        false => port.emits(packet),
    }
}

/// The host's address of the packet's family.
fn host(packet: &Packet) -> IpAddr {
    let ends = match packet.source().is_ipv4() {
        true => Ends::tcp4(),
        false => Ends::tcp6(),
    };
    ends.host()
}

/// Where the sample comes in.
fn port<'a>(lab: &'a Lab, sample: &Sample) -> &'a Port {
    match sample {
        Sample { by_node: true, .. } => &lab.node,
        Sample {
            from_client: true, ..
        } if sample.client != Client::Pod => &lab.out,
        _ => &lab.pod,
    }
}

fn arriving(lab: &Lab, sample: &Sample) -> Option<Vec<u8>> {
    let packet = &sample.packet;
    let port = port(lab, sample);
    let framed = match by_host(sample) {
        true => port.turned(packet),
        false => packet.clone().macs(port.neighbour, port.mac),
    };
    let frame = frame(&framed, sample.sum)?;
    Some(match sample.tunnel {
        Some(tunnel) => around(&framed, &frame, tunnel),
        None => frame,
    })
}

fn check(lab: &Lab, outcome: Outcome, fate: &Fate, sample: &Sample) {
    let (expected, sum): (Packet, Sum) = match fate {
        Fate::Passed => return outcome.is_passed_untouched(),
        Fate::Dropped => return outcome.is_dropped(),
        Fate::ToBackend(packet) => (lab.pod.emits(packet), sample.sum),
        Fate::ToNode(packet) | Fate::Inside(packet, _) => (lab.node.emits(packet), sample.sum),
        Fate::ToClient(packet) => (lab.out.emits(packet), sample.sum),
        Fate::ToHost(packet) => (lab.out.turned(packet), sample.sum),
        Fate::Told(mtu) => {
            let original = frame(&sample.packet, sample.sum).expect("it was sent");
            let told = told_of(&sample.packet, &original, *mtu);
            return outcome.is_redirected_as(&back(lab, sample, &told));
        }
        Fate::Reset(packet) => (back(lab, sample, packet), Sum::Right),
    };
    let frame = frame(&expected, sum).map(|frame| match fate {
        Fate::Inside(_, tunnel) => around(&expected, &frame, *tunnel),
        _ => frame,
    });
    match frame {
        Some(expected) => outcome.is_redirected_as_frame(&expected),
        None => assert!(outcome.was_redirected()),
    }
}

/// Compares what is in the maps afterwards, and that it was worth the while.
fn compare(lab: &mut Lab, model: &Model, services: &[Ends]) {
    assert_eq!(lab.drops(), model.drops);
    for ends in services {
        let expected = model
            .service_stats
            .get(&ends.service_id)
            .copied()
            .unwrap_or(NO_STATS);
        assert_eq!(lab.service_stats(ends), expected, "{ends}");
        assert!(
            expected.rx_packets > 100 && expected.tx_packets > 10,
            "{ends}: {expected:?}"
        );
    }
    for (key, expected) in &model.entries {
        let flow = lab
            .flow(key.0, key.1, key.2)
            .unwrap_or_else(|| panic!("no entry {key:?}"));
        let forward = flow.direction == DIRECTION_FORWARD;
        assert_eq!(
            (flow.address, flow.port),
            (
                address(expected.address.ip()),
                expected.address.port().to_be()
            )
        );
        assert_eq!(
            (forward, flow.backend, flow.epoch, flow.service, flow.state),
            (
                expected.forward,
                expected.backend,
                expected.epoch,
                expected.service,
                expected.state
            ),
            "{key:?}"
        );
    }
    assert_eq!(lab.flow_entries(), model.entries.len());
    let drops = model.drops;
    for (reason, count) in [
        ("malformed", drops.malformed),
        ("fragment", drops.fragment),
        ("ttl_exceeded", drops.ttl_exceeded),
        ("refused_udp", drops.refused_udp),
        ("refused_tcp", drops.refused_tcp),
        ("backend_gone", drops.backend_gone),
        ("inconsistent", drops.inconsistent),
        ("tuple_in_use", drops.tuple_in_use),
        ("no_service", drops.no_service),
        ("too_big", drops.too_big),
    ] {
        assert!(count > 0, "no packet was dropped as {reason}");
    }
}
