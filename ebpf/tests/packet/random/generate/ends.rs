// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Between whom a packet travels, and where it comes in.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use super::number;
use crate::{
    build::{TCP, UDP},
    random::{
        case::Key,
        config::{self, other_node, pod, service, this_node},
        model::{Model, first_port},
        rng::Random,
        world::{Place, host},
    },
};

/// Few, so that flows of one client collide.
const PORTS: usize = 3;

pub struct Ends {
    pub key: Key,
    pub at: Place,
    /// The host itself sends it.
    pub by_host: bool,
}

/// Of a flow that there is, if any.
pub fn of_flow(random: &mut Random, model: &Model) -> Option<Ends> {
    let settled = model.flows.settled.iter();
    let pending = model.flows.pending.iter();
    let entries: Vec<_> = settled
        .map(|(key, entry)| (key, entry.forward))
        .chain(pending.map(|(key, pending)| (key, pending.entry.forward)))
        .collect();
    if entries.is_empty() {
        return None;
    }
    let (key, forward) = random.pick(&entries);
    let own = key.0.ip() == key.1.ip();
    if own && random.once_in(4) {
        // Another node's answer, or what looks like one.
        let (client, destination, protocol) = *key;
        return Some(Ends {
            key: (destination, client, protocol),
            at: random.pick(&[Place::Node, Place::Node, Place::Lo]),
            by_host: random.once_in(8),
        });
    }
    let at = match random.below(20) {
        0 => Place::Node,
        1 => Place::Pod,
        2 => Place::Out,
        3 => Place::Lo,
        _ if own => random.pick(&[Place::Lo, Place::Lo, Place::Lo, Place::Node]),
        _ if forward => home(key.0.ip()),
        _ => Place::Pod,
    };
    Some(Ends {
        key: *key,
        at,
        by_host: at == Place::Lo || key.0.ip() == host(key.0.is_ipv6()),
    })
}

/// Of a packet that may begin a flow.
pub fn of_client(random: &mut Random, focus: usize) -> Ends {
    let number = number(random, focus);
    let (mut destination, mut protocol) = service(number);
    match random.below(40) {
        0 => destination.set_port(4_444),
        1 => destination.set_ip(stranger(destination.is_ipv6())),
        2 => protocol = if protocol == TCP { UDP } else { TCP },
        3 if destination.is_ipv4() => return mapped(random, destination, protocol),
        _ => {}
    }
    let ip = client(random, number);
    let port = if random.once_in(60) {
        // That of a service, whose address may be the client's too.
        service(self::number(random, focus)).0.port()
    } else {
        40_000 + random.below(PORTS) as u16
    };
    let at = match random.below(10) {
        0 | 1 => Place::Node,
        2 => Place::Lo,
        3..6 if ip == destination.ip() => Place::Lo,
        _ => home(ip),
    };
    Ends {
        key: ((ip, port).into(), destination, protocol),
        at,
        by_host: at == Place::Lo || ip == host(destination.is_ipv6()),
    }
}

/// Of a client whose port here is that of a flow that there is, if any goes by one.
pub fn of_rival(random: &mut Random, model: &Model) -> Option<Ends> {
    let ends = model.flows.ends.iter();
    let masked: Vec<_> = ends
        .filter(|(_, end)| end.address.port() >= 61_000)
        .collect();
    if masked.is_empty() {
        return None;
    }
    let ((client, destination, protocol), end) = random.pick(&masked);
    let wanted = u32::from(end.address.port());
    let keys = (1_024..=u16::MAX).map(|port| ((client.ip(), port).into(), *destination, *protocol));
    let key = keys.into_iter().find(|key| first_port(key).0 == wanted)?;
    Some(Ends {
        key,
        at: home(client.ip()),
        by_host: false,
    })
}

/// Of a packet from a backend, in a flow or not.
pub fn of_backend(random: &mut Random, focus: usize) -> Ends {
    let number = number(random, focus);
    let backend = config::Backend::usual(number, random.below(4) as u32);
    let client = (client(random, number), 40_000 + random.below(PORTS) as u16);
    Ends {
        key: (backend.address, client.into(), service(number).1),
        at: Place::Pod,
        by_host: false,
    }
}

fn client(random: &mut Random, number: usize) -> IpAddr {
    let v6 = config::is_v6(number);
    match random.below(16) {
        0 | 1 => host(v6),
        2 | 3 => pod(v6, 2),
        4 => pod(v6, 3),
        5 => other_node(v6, false),
        6 => stranger(v6),
        7 => outside(v6, 8),
        // Somebody lies.
        8 => service(number).0.ip(),
        9 if random.once_in(3) => lying(random, v6),
        _ => outside(v6, 7),
    }
}

/// A client behind the router.
fn outside(v6: bool, host: u16) -> IpAddr {
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xc, 0, 0, 0, 0, host).into()
    } else {
        [198, 51, 100, host as u8].into()
    }
}

/// An address that no route leads to.
pub fn stranger(v6: bool) -> IpAddr {
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xdead, 0, 0, 0, 0, 1).into()
    } else {
        [100, 64, 0, 1].into()
    }
}

/// What no honest packet comes from.
fn lying(random: &mut Random, v6: bool) -> IpAddr {
    let addresses: [IpAddr; 4] = if v6 {
        ["::", "ff02::1", "::1", "fe80::7"].map(|text| text.parse().expect("an address"))
    } else {
        [[0, 0, 0, 0], [224, 0, 0, 1], [127, 0, 0, 1], [255; 4]].map(IpAddr::from)
    };
    random.pick(&addresses)
}

/// An IPv4 service under the name that IPv6 has for it inside programs.
fn mapped(random: &mut Random, destination: SocketAddr, protocol: u8) -> Ends {
    let IpAddr::V4(ip) = destination.ip() else {
        unreachable!("the caller has looked")
    };
    let source = (outside(true, 7), 40_000 + random.below(PORTS) as u16);
    Ends {
        key: (
            source.into(),
            (ip.to_ipv6_mapped(), destination.port()).into(),
            protocol,
        ),
        at: Place::Out,
        by_host: false,
    }
}

/// Where packets from an address come in.
fn home(ip: IpAddr) -> Place {
    let v6 = ip.is_ipv6();
    if [pod(v6, 2), pod(v6, 3)].contains(&ip) {
        Place::Pod
    } else if ip == other_node(v6, false) {
        Place::Node
    } else {
        Place::Out
    }
}

/// The ends of a packet around another: mostly between nodes that know each other.
pub fn tunnel(random: &mut Random) -> [IpAddr; 2] {
    let v6 = random.once_in(2);
    let from = match random.below(12) {
        0 => stranger(v6),
        1 => this_node(v6),
        2..6 => other_node(v6, false),
        _ => other_node(v6, true),
    };
    let to = if random.once_in(12) {
        host(v6)
    } else {
        this_node(v6)
    };
    [from, to]
}
