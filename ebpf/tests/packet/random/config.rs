// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What user space writes into the maps, and how cases find it when they begin.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use blixt_ebpf::layout::{ADDRESS_ANNOUNCE, DEVICE_OUTWARD, DEVICE_PEER, NODE_SELF};

use super::{case::Chosen, world::Place};
use crate::build::{TCP, UDP};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backend {
    pub address: SocketAddr,
    pub epoch: u32,
    pub alive: bool,
    pub way: Way,
    /// It takes no new flows.
    pub quiescent: bool,
    /// The interface that user space found for it.
    pub hint: Option<Place>,
}

/// Where a backend is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Here,
    /// In the host's own network.
    Host,
    /// On another node that may know nothing of all this: that address of this one
    /// stands for clients.
    Snat(IpAddr),
    /// On a node of that address.
    Node(IpAddr),
    /// The same, across routers: from that address of this node.
    Tunnel(IpAddr, IpAddr),
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Node {
    pub flags: u32,
    /// Of the path to it as routers said, and when.
    pub mtu: u32,
    pub seen: u32,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub services: [Option<Chosen>; SERVICES],
    pub tables: Vec<Vec<u32>>,
    /// By id; that of 0 is none.
    pub backends: Vec<Backend>,
    pub addresses: BTreeMap<IpAddr, u32>,
    pub nodes: BTreeMap<IpAddr, Node>,
    pub devices: [u32; 4],
}

/// Of each family and protocol one at each of two ports.
pub const SERVICES: usize = 8;
/// Of each service, whose ids follow each other.
pub const BACKENDS: u32 = 4;
/// Slots of the two tables that a service has.
pub const SLOTS: [u32; 2] = [5, 23];
/// Index of a table that nobody made.
pub const NO_TABLE: u32 = 40;

/// Address, port and protocol.
pub fn service(number: usize) -> (SocketAddr, u8) {
    let ip: IpAddr = if is_v6(number) {
        Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 0x10).into()
    } else {
        [203, 0, 113, 10].into()
    };
    let port = 80 + (number & 1) as u16;
    ((ip, port).into(), if number & 2 == 0 { TCP } else { UDP })
}

pub fn is_v6(number: usize) -> bool {
    number & 4 != 0
}

/// As counters have it.
pub fn service_id(number: usize) -> u32 {
    1 + number as u32
}

/// The two tables that it has in turn.
pub fn tables(number: usize) -> [u32; 2] {
    [2 * number as u32, 2 * number as u32 + 1]
}

pub fn backend_id(number: usize, which: u32) -> u32 {
    1 + number as u32 * BACKENDS + which
}

/// An address of which cases begin without, whose bytes are all unlike each other.
pub fn another(v6: bool) -> IpAddr {
    if v6 {
        [
            0x2001, 0xdb8, 0x1234, 0x5678, 0x9abc, 0xdef0, 0x1357, 0x2468,
        ]
        .into()
    } else {
        [203, 0, 114, 199].into()
    }
}

/// An address in a pod: one that neighbours are known of, or none.
pub fn pod(v6: bool, host: u16) -> IpAddr {
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 0xa, 0, 0, 0, 0, host).into()
    } else {
        [10, 0, 0, host as u8].into()
    }
}

/// An address of the other node on the link to it, and one across a router.
pub fn other_node(v6: bool, across: bool) -> IpAddr {
    match (v6, across) {
        (false, false) => [172, 16, 0, 2].into(),
        (false, true) => [172, 29, 0, 9].into(),
        (true, false) => Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 2).into(),
        (true, true) => Ipv6Addr::new(0x2001, 0xdb8, 0x29, 0, 0, 0, 0, 9).into(),
    }
}

/// This node's own, as the others know it.
pub fn this_node(v6: bool) -> IpAddr {
    if v6 {
        Ipv6Addr::new(0x2001, 0xdb8, 2, 0, 0, 0, 0, 1).into()
    } else {
        [172, 16, 0, 1].into()
    }
}

impl Backend {
    /// What stands where there is none.
    pub fn none() -> Self {
        Self {
            address: (Ipv6Addr::UNSPECIFIED, 0).into(),
            epoch: 0,
            alive: false,
            way: Way::Here,
            quiescent: false,
            hint: None,
        }
    }

    /// The backend of that place in its service, in a pod here. Services that differ
    /// in nothing but the port share their backends' addresses and ports.
    pub fn usual(number: usize, which: u32) -> Self {
        let hosts = [2, 3, 9, 2];
        let ports = [8_080, 9_090, 7_070, 6_060];
        Self {
            address: (
                pod(is_v6(number), hosts[which as usize]),
                ports[which as usize],
            )
                .into(),
            epoch: 1_000 + which,
            alive: true,
            way: Way::Here,
            quiescent: false,
            hint: Some(Place::Pod),
        }
    }
}

impl Config {
    /// What cases begin with: every service has its first backend in every slot, the
    /// other node is known, and a third one across a router.
    pub fn usual() -> Self {
        let mut backends = vec![Backend::none()];
        let mut tables = Vec::new();
        for number in 0..SERVICES {
            backends.extend((0..BACKENDS).map(|which| Backend::usual(number, which)));
            let first = backend_id(number, 0);
            tables.extend(SLOTS.map(|slots| vec![first; slots as usize]));
        }
        let services = std::array::from_fn(|number| {
            Some(Chosen {
                table: tables_of(number),
                slots: SLOTS[0],
                sticky: false,
            })
        });
        let families = [false, true];
        let nodes = families.into_iter().flat_map(|v6| {
            [
                (this_node(v6), NODE_SELF),
                (other_node(v6, false), 0),
                (other_node(v6, true), 0),
            ]
        });
        Self {
            services,
            tables,
            backends,
            addresses: [0, 4]
                .map(|number| (service(number).0.ip(), ADDRESS_ANNOUNCE))
                .into(),
            nodes: nodes
                .map(|(ip, flags)| {
                    let node = Node {
                        flags,
                        ..Node::default()
                    };
                    (ip, node)
                })
                .collect(),
            devices: [DEVICE_OUTWARD, DEVICE_PEER, 0, 0],
        }
    }

    /// The number of the service at that address, port and protocol.
    pub fn number(destination: SocketAddr, protocol: u8) -> Option<usize> {
        (0..SERVICES).find(|number| service(*number) == (destination, protocol))
    }
}

fn tables_of(number: usize) -> u32 {
    tables(number)[0]
}
