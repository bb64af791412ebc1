// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What does not change while cases run: the interfaces and the routes of the
//! [`Lab`](crate::harness::Lab), as its set-up has them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::{build::Mac, harness::Port};

/// Of every link.
pub const MTU: u16 = 1_500;

/// An interface of the host.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// To the router behind which clients are.
    Out,
    /// To the pod, in which a frame arrives at once.
    Pod,
    /// To another node, and a third one behind it.
    Node,
    /// By which the host sends to itself.
    Lo,
}

/// What stands for the bridge of interfaces that are ports of one.
pub const BRIDGE: Place = Place::Node;

pub const PLACES: [Place; 4] = [Place::Out, Place::Pod, Place::Node, Place::Lo];

/// Those that lead out of the host.
pub const LINKS: [Place; 3] = [Place::Out, Place::Pod, Place::Node];

/// The loopback interface of every network namespace.
pub const LOOPBACK: Port = Port {
    ifindex: 1,
    mac: Mac([0; 6]),
    neighbour: Mac([0; 6]),
};

#[derive(Clone, Debug)]
pub struct World {
    pub ports: [Port; 4],
    /// Whether the host forwards by itself. Where it does not, it tells no routes.
    pub forwards: bool,
}

/// Where the host's routes lead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Route {
    /// To a neighbour whose MAC address is known.
    Known(Place, Mac),
    /// To one that has to be asked for.
    Unknown(Place),
    /// Nowhere, or to the host itself.
    None,
    /// Not said.
    Refused,
}

impl World {
    pub fn port(&self, place: Place) -> &Port {
        &self.ports[place as usize]
    }

    pub fn ifindex(&self, place: Place) -> u32 {
        self.port(place).ifindex
    }

    pub fn place(&self, ifindex: u32) -> Option<Place> {
        PLACES
            .into_iter()
            .find(|place| self.ifindex(*place) == ifindex)
    }

    pub fn route(&self, from: IpAddr, to: IpAddr) -> Route {
        if stays(from) || stays(to) {
            return Route::None;
        }
        if !self.forwards {
            return Route::Refused;
        }
        let (place, known) = match to {
            IpAddr::V4(to) => route_v4(to),
            IpAddr::V6(to) => route_v6(to),
        };
        match (place, known) {
            (None, _) => Route::None,
            (Some(place), true) => Route::Known(place, self.port(place).neighbour),
            (Some(place), false) => Route::Unknown(place),
        }
    }

    /// The same from whatever address the host has there.
    pub fn route_to(&self, to: IpAddr) -> Route {
        let any = match to {
            IpAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            IpAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        self.route(any, to)
    }
}

/// The host's address at an interface. At the pod's it has none, so it is the first of
/// its others.
pub fn address_at(place: Place, v6: bool) -> IpAddr {
    match (place, v6) {
        (Place::Node, false) => [172, 16, 0, 1].into(),
        (Place::Node, true) => [0x2001, 0xdb8, 2, 0, 0, 0, 0, 1].into(),
        (_, v6) => host(v6),
    }
}

/// Whether packets of an address never leave their link (RFC 4291, sections 2.5.3,
/// 2.5.6 and 2.7); over IPv4 the kernel does not care.
fn stays(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(_) => false,
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_multicast() || ip.is_unicast_link_local(),
    }
}

/// The interface, and whether the neighbour's MAC address is known.
fn route_v4(to: Ipv4Addr) -> (Option<Place>, bool) {
    match to.octets() {
        [192, 0, 2, 1 | 255] | [172, 16, 0, 1 | 255] => (None, false),
        [192, 0, 2, host] => (Some(Place::Out), host == 2),
        [198, 51, 100, _] => (Some(Place::Out), true),
        [172, 16, 0, host] => (Some(Place::Node), host == 2),
        [172, 29, ..] | [10, 1, ..] => (Some(Place::Node), true),
        [10, 0, 0, host] => (Some(Place::Pod), matches!(host, 2 | 3)),
        _ => (None, false),
    }
}

fn route_v6(to: Ipv6Addr) -> (Option<Place>, bool) {
    let [0x2001, 0xdb8, site, rest @ ..] = to.segments() else {
        return (None, false);
    };
    match (site, rest) {
        // Its own addresses, and those of any router of a link (RFC 4291, section 2.6.1).
        (1 | 2, [0, 0, 0, 0, 0 | 1]) => (None, false),
        (1, [0, rest @ ..]) => (Some(Place::Out), rest == [0, 0, 0, 2]),
        (2, [0, rest @ ..]) => (Some(Place::Node), rest == [0, 0, 0, 2]),
        (0xc, _) => (Some(Place::Out), true),
        (0x29 | 0xb, _) => (Some(Place::Node), true),
        (0xa, rest) => {
            let known = matches!(rest, [0, 0, 0, 0, 2 | 3]);
            (Some(Place::Pod), known)
        }
        _ => (None, false),
    }
}

/// The host's own address where clients are.
pub fn host(v6: bool) -> IpAddr {
    if v6 {
        [0x2001, 0xdb8, 1, 0, 0, 0, 0, 1].into()
    } else {
        [192, 0, 2, 1].into()
    }
}
