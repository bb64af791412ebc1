// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What happens, one thing after the other: all that a case consists of.

use std::net::{IpAddr, SocketAddr};

use super::{config::Backend, world::Place};

/// Source, destination and protocol of packets that find an entry.
pub type Key = (SocketAddr, SocketAddr, u8);

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A frame comes in.
    Arrives(Frame),
    /// The host sends a frame.
    Leaves(Frame),
    Changes(Change),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    pub at: Place,
    pub bytes: Vec<u8>,
    /// Bytes of payload that each segment of a super-packet has; 0 for one packet.
    pub segment: u32,
}

/// What others than packets do to the maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// The service of that number gets another table, or goes.
    Serve(usize, Option<Chosen>),
    /// A table that is in use, or is to be, gets other slots.
    Slots(u32, Vec<u32>),
    Backend(u32, Backend),
    /// Traffic is taken for an address, or no more.
    Address(IpAddr, Option<u32>),
    /// An address is known as that of a node, or no more.
    Node(IpAddr, Option<u32>),
    /// Flags of an interface.
    Device(Place, u32),
    /// So many units of 2^30 ns pass; of 0, a tick alone.
    Time(u32),
    /// Full tables push out an entry.
    Evict(Key),
    /// The same of what becomes of the other end of such packets.
    EvictEnd(Key),
    /// The same of what first fragments said.
    ForgetFragments,
    /// The same of clients that services keep at their backends.
    ForgetClients,
    /// As many ICMP errors were sent as may be in a second.
    Exhaust,
}

/// What new flows of a service get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    pub table: u32,
    pub slots: u32,
    /// By the client's address alone.
    pub sticky: bool,
}

/// A case, and what does not change while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Whether the host forwards by itself.
    pub forwards: bool,
    /// Whether `early` comes before `ingress`.
    pub early: bool,
    pub steps: Vec<Step>,
}

/// A frame that comes in, in hexadecimal digits, with whatever between them.
pub fn arrives(at: Place, segment: u32, hex: &str) -> Step {
    Step::Arrives(frame(at, segment, hex))
}

/// The same with a frame that the host sends.
pub fn leaves(at: Place, hex: &str) -> Step {
    Step::Leaves(frame(at, 0, hex))
}

fn frame(at: Place, segment: u32, hex: &str) -> Frame {
    let digits: Vec<u8> = hex
        .chars()
        .filter_map(|digit| digit.to_digit(16))
        .map(|digit| digit as u8)
        .collect();
    let (pairs, rest) = digits.as_chunks::<2>();
    assert!(rest.is_empty(), "a byte has two digits");
    let bytes = pairs.iter().map(|[high, low]| high << 4 | low).collect();
    Frame { at, bytes, segment }
}

pub fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

pub fn socket(text: &str) -> SocketAddr {
    text.parse().expect("an address and a port")
}
