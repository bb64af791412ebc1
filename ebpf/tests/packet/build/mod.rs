// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets put together field by field. A test builds what it sends, and from
//! a clone of that, what it expects to come out; lengths and checksums follow
//! by themselves unless a test sets them wrong on purpose.

mod arp;
mod captured;
mod ethernet;
mod fragments;
mod icmp;
mod ipv4;
mod ipv6;
mod tcp;
mod udp;

use std::net::{IpAddr, SocketAddr};

pub use arp::Arp;
pub use ethernet::{Ethernet, Mac, Tag};
pub use fragments::{fragments, identify};
pub use icmp::{
    ECHO_REPLY, ECHO_REPLY_V6, ECHO_REQUEST, ECHO_REQUEST_V6, Icmp, NEIGHBOUR_ADVERTISEMENT,
    NEIGHBOUR_SOLICITATION, PARAMETER_PROBLEM, PARAMETER_PROBLEM_V6, REDIRECT, TIME_EXCEEDED,
    TIME_EXCEEDED_V6, TOO_BIG_V6, UNREACHABLE, UNREACHABLE_V6,
};
pub use ipv4::{Ipv4, MORE_FRAGMENTS};
pub use ipv6::{DESTINATION_OPTIONS, Extension, FRAGMENT, HOP_BY_HOP, Ipv6, ROUTING};
pub use tcp::{ACK, FIN, PSH, RST, SYN, Tcp};
pub use udp::Udp;

use crate::checksum;

/// Protocol numbers of IANA.
pub const ICMP: u8 = 1;
pub const IPIP: u8 = 4;
pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const IPV6: u8 = 41;
pub const ICMPV6: u8 = 58;

/// A field that is right by itself, or wrong because a test says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Computed,
    Exactly(u16),
}

impl Field {
    fn or(self, computed: impl FnOnce() -> u16) -> u16 {
        match self {
            Field::Computed => computed(),
            Field::Exactly(value) => value,
        }
    }
}

#[derive(Clone, Debug)]
pub enum Network {
    V4(Ipv4),
    V6(Ipv6),
}

#[derive(Clone, Debug)]
pub enum Transport {
    Tcp(Tcp),
    Udp(Udp),
    /// ICMP in an IPv4 packet, ICMPv6 in an IPv6 packet.
    Icmp(Icmp),
    /// Any other protocol; its bytes are the payload.
    Other(u8),
}

impl Transport {
    pub fn is_tcp(&self) -> bool {
        matches!(self, Transport::Tcp(_))
    }
}

/// An Ethernet frame with an IP packet in it.
#[derive(Clone, Debug)]
pub struct Packet {
    pub ethernet: Ethernet,
    pub network: Network,
    pub transport: Transport,
    pub payload: Vec<u8>,
    /// What follows the IP packet in the frame, as Ethernet's padding does.
    pub trailer: Vec<u8>,
}

impl Packet {
    /// A TCP segment with only ACK set. Panics when the families differ, as all constructors do.
    pub fn tcp(source: SocketAddr, destination: SocketAddr) -> Self {
        let tcp = Tcp::between(source.port(), destination.port());
        Self::new(source.ip(), destination.ip(), Transport::Tcp(tcp))
    }

    pub fn udp(source: SocketAddr, destination: SocketAddr) -> Self {
        let udp = Udp::between(source.port(), destination.port());
        Self::new(source.ip(), destination.ip(), Transport::Udp(udp))
    }

    pub fn icmp(source: IpAddr, destination: IpAddr, icmp: Icmp) -> Self {
        Self::new(source, destination, Transport::Icmp(icmp))
    }

    /// A packet of a protocol without ports.
    pub fn other(protocol: u8, source: IpAddr, destination: IpAddr) -> Self {
        Self::new(source, destination, Transport::Other(protocol))
    }

    fn new(source: IpAddr, destination: IpAddr, transport: Transport) -> Self {
        let network = match (source, destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                Network::V4(Ipv4::between(source, destination))
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                Network::V6(Ipv6::between(source, destination))
            }
            _ => panic!("{source} and {destination} are of different families"),
        };
        Self {
            ethernet: Ethernet::default(),
            network,
            transport,
            payload: Vec::new(),
            trailer: Vec::new(),
        }
    }

    pub fn macs(mut self, source: Mac, destination: Mac) -> Self {
        self.ethernet.source = source;
        self.ethernet.destination = destination;
        self
    }

    /// Puts an 802.1Q tag around what is there.
    pub fn tagged(mut self, tag: Tag) -> Self {
        self.ethernet.tags.insert(0, tag);
        self
    }

    pub fn payload(mut self, payload: impl Into<Vec<u8>>) -> Self {
        self.payload = payload.into();
        self
    }

    pub fn trailer(mut self, trailer: impl Into<Vec<u8>>) -> Self {
        self.trailer = trailer.into();
        self
    }

    /// The TTL, or IPv6's hop limit.
    pub fn ttl(mut self, ttl: u8) -> Self {
        match &mut self.network {
            Network::V4(ip) => ip.ttl = ttl,
            Network::V6(ip) => ip.hop_limit = ttl,
        }
        self
    }

    /// One hop later.
    pub fn hop(self) -> Self {
        let ttl = match &self.network {
            Network::V4(ip) => ip.ttl,
            Network::V6(ip) => ip.hop_limit,
        };
        self.ttl(ttl - 1)
    }

    pub fn with_source(mut self, source: IpAddr) -> Self {
        match (&mut self.network, source) {
            (Network::V4(ip), IpAddr::V4(address)) => ip.source = address,
            (Network::V6(ip), IpAddr::V6(address)) => ip.source = address,
            (_, address) => panic!("{address} is of the other family"),
        }
        self
    }

    pub fn with_destination(mut self, destination: IpAddr) -> Self {
        match (&mut self.network, destination) {
            (Network::V4(ip), IpAddr::V4(address)) => ip.destination = address,
            (Network::V6(ip), IpAddr::V6(address)) => ip.destination = address,
            (_, address) => panic!("{address} is of the other family"),
        }
        self
    }

    /// Inside another packet between nodes, of whichever family those have.
    pub fn inside(self, source: IpAddr, destination: IpAddr) -> Self {
        let frame = self.bytes();
        let inner = frame[self.network_at()..frame.len() - self.trailer.len()].to_vec();
        let (protocol, class) = match &self.network {
            Network::V4(ip) => (IPIP, ip.tos & 0xfc),
            Network::V6(ip) => (IPV6, ip.traffic_class & 0xfc),
        };
        let mut outer = Self::other(protocol, source, destination);
        match &mut outer.network {
            Network::V4(ip) => (ip.tos, ip.identification) = (class, 0),
            Network::V6(ip) => (ip.traffic_class, ip.flow_label) = (class, 0),
        }
        outer.ethernet = self.ethernet;
        outer.payload(inner).trailer(self.trailer)
    }

    pub fn from(self, source: SocketAddr) -> Self {
        let mut packet = self.with_source(source.ip());
        match &mut packet.transport {
            Transport::Tcp(tcp) => tcp.source = source.port(),
            Transport::Udp(udp) => udp.source = source.port(),
            other => panic!("{other:?} has no ports"),
        }
        packet
    }

    pub fn to(self, destination: SocketAddr) -> Self {
        let mut packet = self.with_destination(destination.ip());
        match &mut packet.transport {
            Transport::Tcp(tcp) => tcp.destination = destination.port(),
            Transport::Udp(udp) => udp.destination = destination.port(),
            other => panic!("{other:?} has no ports"),
        }
        packet
    }

    /// Changes the IPv4 header. Panics on IPv6, as its siblings do on what they are not for.
    pub fn ipv4(mut self, change: impl FnOnce(&mut Ipv4)) -> Self {
        match &mut self.network {
            Network::V4(ip) => change(ip),
            Network::V6(_) => panic!("an IPv6 packet has no IPv4 header"),
        }
        self
    }

    pub fn ipv6(mut self, change: impl FnOnce(&mut Ipv6)) -> Self {
        match &mut self.network {
            Network::V6(ip) => change(ip),
            Network::V4(_) => panic!("an IPv4 packet has no IPv6 header"),
        }
        self
    }

    pub fn with_tcp(mut self, change: impl FnOnce(&mut Tcp)) -> Self {
        match &mut self.transport {
            Transport::Tcp(tcp) => change(tcp),
            other => panic!("{other:?} is not TCP"),
        }
        self
    }

    pub fn with_udp(mut self, change: impl FnOnce(&mut Udp)) -> Self {
        match &mut self.transport {
            Transport::Udp(udp) => change(udp),
            other => panic!("{other:?} is not UDP"),
        }
        self
    }

    /// TCP's flags, of [`SYN`], [`ACK`] and so on.
    pub fn flags(self, flags: u8) -> Self {
        self.with_tcp(|tcp| tcp.flags = flags)
    }

    /// TCP's sequence and acknowledgement numbers.
    pub fn numbers(self, sequence: u32, acknowledgement: u32) -> Self {
        self.with_tcp(|tcp| {
            tcp.sequence = sequence;
            tcp.acknowledgement = acknowledgement;
        })
    }

    pub fn protocol(&self) -> u8 {
        match (&self.transport, &self.network) {
            (Transport::Tcp(_), _) => TCP,
            (Transport::Udp(_), _) => UDP,
            (Transport::Icmp(_), Network::V4(_)) => ICMP,
            (Transport::Icmp(_), Network::V6(_)) => ICMPV6,
            (Transport::Other(protocol), _) => *protocol,
        }
    }

    pub fn source(&self) -> IpAddr {
        match &self.network {
            Network::V4(ip) => ip.source.into(),
            Network::V6(ip) => ip.source.into(),
        }
    }

    pub fn destination(&self) -> IpAddr {
        match &self.network {
            Network::V4(ip) => ip.destination.into(),
            Network::V6(ip) => ip.destination.into(),
        }
    }

    /// Offset of the IP header.
    pub fn network_at(&self) -> usize {
        self.ethernet.length()
    }

    /// Offset of the TCP or UDP header.
    pub fn transport_at(&self) -> usize {
        self.network_at()
            + match &self.network {
                Network::V4(ip) => ip.length(),
                Network::V6(ip) => ip.length(),
            }
    }

    /// Bytes of the IP packet: what the counters count.
    pub fn ip_length(&self) -> usize {
        self.bytes().len() - self.network_at() - self.trailer.len()
    }

    /// The frame as it stands on the wire, without the check sequence.
    pub fn bytes(&self) -> Vec<u8> {
        let segment = self.segment();
        let (ethertype, packet) = match &self.network {
            Network::V4(ip) => (ethernet::IPV4, ip.bytes(self.protocol(), &segment)),
            Network::V6(ip) => (ethernet::IPV6, ip.bytes(self.protocol(), &segment)),
        };
        [self.ethernet.bytes(ethertype), packet, self.trailer.clone()].concat()
    }

    fn segment(&self) -> Vec<u8> {
        let sum = |segment: &[u8]| {
            checksum::transport(self.source(), self.destination(), self.protocol(), segment)
        };
        match &self.transport {
            Transport::Tcp(tcp) => tcp.bytes(&self.payload, sum),
            Transport::Udp(udp) => udp.bytes(&self.payload, sum),
            Transport::Icmp(icmp) if self.source().is_ipv4() => {
                icmp.bytes(&self.payload, checksum::internet)
            }
            Transport::Icmp(icmp) => icmp.bytes(&self.payload, sum),
            Transport::Other(_) => self.payload.clone(),
        }
    }
}
