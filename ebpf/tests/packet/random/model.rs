// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What the program should do, in terms of whole packets and plain collections:
//! written from the design, not from the program, and slow.

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
};

use blixt_ebpf::layout::{
    Drops, STATE_CLOSE_WAIT, STATE_CLOSED, STATE_ESTABLISHED, STATE_FIN_WAIT, STATE_NEW, Stats,
};

use crate::{
    build::{ACK, FIN, FRAGMENT, MORE_FRAGMENTS, Network, Packet, RST, SYN, TCP, Transport, UDP},
    harness::{Ends, NO_STATS, bare_reset},
};

/// Source, destination and protocol of the packets that find an entry.
pub type Key = (SocketAddr, SocketAddr, u8);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Rewrites the destination; else the source.
    pub forward: bool,
    pub address: SocketAddr,
    pub backend: u32,
    pub epoch: u32,
    pub service: u32,
    pub state: u8,
    pub remote: bool,
    /// Around packets to a node beyond a router: source and destination.
    pub tunnel: Option<[IpAddr; 2]>,
}

/// What becomes of a packet, apart from MAC addresses.
#[derive(Debug)]
pub enum Fate {
    Passed,
    Dropped,
    ToBackend(Packet),
    ToClient(Packet),
    /// To the host, whose flow it is.
    ToHost(Packet),
    /// To the node that has the backend, whose address it does not have.
    ToNode(Packet),
    /// The same, inside another packet.
    Inside(Packet, [IpAddr; 2]),
    Reset(Packet),
    /// Its sender hears that so many bytes are taken.
    Told(u16),
}

/// Of every link.
const MTU: u16 = 1_500;

#[derive(Default)]
pub struct Model {
    /// The backend that new flows of a service get; none: refused.
    pub choices: HashMap<(SocketAddr, u8), (u32, Option<Ends>)>,
    /// Epochs of the backends that are alive, by id.
    pub alive: HashMap<u32, u32>,
    pub entries: HashMap<Key, Entry>,
    /// By what the fragments of a packet have in common, both ends of its first.
    pub firsts: HashMap<(IpAddr, IpAddr, Vec<u8>, Option<u8>), Key>,
    pub drops: Drops,
    pub service_stats: HashMap<u32, Stats>,
}

/// What is wrong with a packet that has ports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Defect {
    None,
    Malformed,
    FirstFragment,
    /// Has no ports.
    LaterFragment,
}

/// Both ends of a packet.
pub fn key(packet: &Packet) -> Key {
    let (source, destination, protocol) = match &packet.transport {
        Transport::Tcp(tcp) => (tcp.source, tcp.destination, TCP),
        Transport::Udp(udp) => (udp.source, udp.destination, UDP),
        other => panic!("{other:?} has no ports"),
    };
    (
        (packet.source(), source).into(),
        (packet.destination(), destination).into(),
        protocol,
    )
}

fn is_fragment(packet: &Packet) -> bool {
    match &packet.network {
        Network::V4(ip) => ip.fragment & MORE_FRAGMENTS != 0,
        Network::V6(ip) => ip.extensions.iter().any(|one| one.kind == FRAGMENT),
    }
}

/// IPv6 has one identification for all protocols (RFC 8200, section 4.5).
fn identity(packet: &Packet) -> (IpAddr, IpAddr, Vec<u8>, Option<u8>) {
    let (id, protocol) = match &packet.network {
        Network::V4(ip) => (
            ip.identification.to_be_bytes().to_vec(),
            Some(packet.protocol()),
        ),
        Network::V6(ip) => {
            let header = ip.extensions.iter().find(|one| one.kind == FRAGMENT);
            (header.expect("a fragment header").rest[3..].to_vec(), None)
        }
    };
    (packet.source(), packet.destination(), id, protocol)
}

fn flags(packet: &Packet) -> Option<u8> {
    match &packet.transport {
        Transport::Tcp(tcp) => Some(tcp.flags),
        _ => None,
    }
}

/// The entry's flow may begin anew with this packet.
fn opens(packet: &Packet) -> bool {
    flags(packet).is_none_or(|flags| flags & (SYN | ACK) == SYN)
}

impl Model {
    pub fn receive(&mut self, packet: &Packet, ttl: u8, defect: Defect) -> Fate {
        if defect == Defect::LaterFragment {
            return self.follow(packet, ttl);
        }
        let key = key(packet);
        if defect == Defect::Malformed {
            if !self.is_ours(key.1.ip()) {
                return Fate::Passed;
            }
            self.drops.malformed += 1;
            return Fate::Dropped;
        }
        match self.entries.get(&key).cloned() {
            None => self.begin(packet, key, ttl),
            Some(entry) if !entry.forward => self.go_on(packet, key, ttl),
            Some(entry)
                if flags(packet).is_some() && opens(packet) && entry.state >= STATE_FIN_WAIT =>
            {
                self.begin(packet, key, ttl)
            }
            Some(entry) if self.is_alive(&entry) && self.is_elsewhere(packet, key, &entry) => {
                self.begin(packet, key, ttl)
            }
            Some(entry) if self.is_alive(&entry) => self.go_on(packet, key, ttl),
            Some(_) if opens(packet) => self.begin(packet, key, ttl),
            Some(entry) => {
                let twin = twin(key, &entry);
                self.entries.remove(&key);
                if self
                    .entries
                    .get(&twin)
                    .is_some_and(|other| other.service == entry.service)
                {
                    self.entries.remove(&twin);
                }
                self.drops.backend_gone += 1;
                reset(packet, key)
            }
        }
    }

    /// A later fragment goes where the first went, as long as there is that way.
    fn follow(&mut self, packet: &Packet, ttl: u8) -> Fate {
        let key = self.firsts.get(&identity(packet));
        if let Some(entry) = key.and_then(|key| self.entries.get(key)).cloned() {
            return self.send(packet, &entry, ttl);
        }
        if !self.is_ours(packet.destination()) {
            return Fate::Passed;
        }
        self.drops.fragment += 1;
        Fate::Dropped
    }

    /// What becomes of an error about `packet`, as the sender of the error got it:
    /// it goes to who sent that, with what was sent.
    /// None in place of that: it is dropped, since there is no node any more.
    pub fn receive_error(&mut self, packet: &Packet) -> Option<(Entry, Option<Packet>)> {
        let (source, destination, protocol) = key(packet);
        let entry = self.entries.get(&(destination, source, protocol))?.clone();
        if entry.forward && entry.tunnel.is_some() && !self.is_alive(&entry) {
            self.drops.backend_gone += 1;
            return Some((entry, None));
        }
        let packet = packet.clone();
        let sent = match (
            is_hairpin((destination, source, protocol), &entry),
            entry.forward,
        ) {
            (false, true) => packet.from(entry.address),
            (false, false) => packet.to(entry.address),
            (true, true) => packet
                .from(entry.address)
                .to((source.ip(), destination.port()).into()),
            (true, false) => packet
                .from((destination.ip(), source.port()).into())
                .to(entry.address),
        };
        Some((entry, Some(sent)))
    }

    /// The other direction's entry, when this packet found one without: that of
    /// an older flow whose place a newer one had, until that ended.
    pub fn missing_twin(&self, packet: &Packet) -> Option<(Key, Entry)> {
        let key = key(packet);
        let entry = self.entries.get(&key).filter(|entry| !entry.remote)?;
        let address = if entry.forward { key.1 } else { key.0 };
        let twin = (
            twin(key, entry),
            Entry {
                forward: !entry.forward,
                address,
                state: seen_from_there(entry.state),
                ..entry.clone()
            },
        );
        (!self.entries.contains_key(&twin.0)).then_some(twin)
    }

    /// To an address of a service, whatever the port.
    fn is_ours(&self, destination: IpAddr) -> bool {
        let mut services = self.choices.keys();
        services.any(|(service, _)| service.ip() == destination)
    }

    fn is_alive(&self, entry: &Entry) -> bool {
        self.alive.get(&entry.backend) == Some(&entry.epoch)
    }

    /// A connection is asked for again that another node has not answered, and
    /// is another backend's by now, or refused.
    fn is_elsewhere(&self, packet: &Packet, key: Key, entry: &Entry) -> bool {
        let asks = flags(packet).is_some() && opens(packet);
        let choice = self.choices.get(&(key.1, key.2));
        asks && entry.remote
            && entry.state == STATE_NEW
            && choice.is_some_and(|(_, choice)| {
                choice.as_ref().map(|chosen| chosen.backend_id) != Some(entry.backend)
            })
    }

    fn stats(&mut self, service: u32) -> &mut Stats {
        self.service_stats.entry(service).or_insert(NO_STATS)
    }

    fn begin(&mut self, packet: &Packet, key: Key, ttl: u8) -> Fate {
        if !self.is_ours(key.1.ip()) {
            return Fate::Passed;
        }
        let Some((service, choice)) = self.choices.get(&(key.1, key.2)).cloned() else {
            self.drops.no_service += 1;
            return match flags(packet) {
                Some(_) => reset(packet, key),
                None => Fate::Dropped,
            };
        };
        let Some(chosen) = choice else {
            self.stats(service).refused += 1;
            if flags(packet).is_some() {
                self.drops.refused_tcp += 1;
                return reset(packet, key);
            }
            self.drops.refused_udp += 1;
            return Fate::Dropped;
        };
        let Some(epoch) = self.alive.get(&chosen.backend_id).copied() else {
            self.drops.inconsistent += 1;
            return Fate::Dropped;
        };
        let state = if flags(packet).is_none() || opens(packet) {
            STATE_NEW
        } else {
            STATE_ESTABLISHED
        };
        let forward = Entry {
            forward: true,
            address: if chosen.remote { key.1 } else { chosen.backend },
            backend: chosen.backend_id,
            epoch,
            service,
            state,
            remote: chosen.remote,
            tunnel: chosen.tunnel,
        };
        if chosen.remote {
            self.entries.insert(key, forward);
            self.stats(service).flows += 1;
            return self.go_on(packet, key, ttl);
        }
        let twin = twin(key, &forward);
        let taken = self.entries.get(&twin).is_some_and(|other| {
            let over = flags(packet).is_some() && other.state == STATE_CLOSED;
            other.service != service && !over && self.is_alive(other)
        });
        if taken {
            self.drops.tuple_in_use += 1;
            return Fate::Dropped;
        }
        let reply = Entry {
            forward: false,
            address: key.1,
            ..forward.clone()
        };
        self.entries.insert(key, forward);
        self.entries.insert(twin, reply);
        self.stats(service).flows += 1;
        self.go_on(packet, key, ttl)
    }

    fn go_on(&mut self, packet: &Packet, key: Key, ttl: u8) -> Fate {
        if is_fragment(packet) {
            self.firsts.insert(identity(packet), key);
        }
        let entry = self.entries.get_mut(&key).expect("the packet found it");
        let before = entry.state;
        match flags(packet) {
            None if !entry.forward && before == STATE_NEW => entry.state = STATE_ESTABLISHED,
            Some(flags) if flags & RST != 0 => entry.state = STATE_CLOSED,
            Some(flags) if flags & FIN != 0 => {
                entry.state = match before {
                    STATE_NEW | STATE_ESTABLISHED => STATE_FIN_WAIT,
                    STATE_CLOSE_WAIT => STATE_CLOSED,
                    before => before,
                }
            }
            Some(flags) if flags & SYN == 0 && before == STATE_NEW => {
                entry.state = STATE_ESTABLISHED
            }
            _ => {}
        }
        let entry = entry.clone();
        if entry.state != before
            && entry.state >= STATE_FIN_WAIT
            && let Some(other) = self.entries.get_mut(&twin(key, &entry))
            && other.service == entry.service
        {
            other.state = seen_from_there(entry.state);
        }
        self.send(packet, &entry, ttl)
    }

    /// With ports, or without in a later fragment.
    fn send(&mut self, packet: &Packet, entry: &Entry, ttl: u8) -> Fate {
        if ttl <= 1 {
            self.drops.ttl_exceeded += 1;
            return Fate::Dropped;
        }
        let bytes = packet.ip_length() as u64;
        let around = entry
            .tunnel
            .map_or(0, |[node, _]| if node.is_ipv4() { 20 } else { 40 });
        let ends = (packet.source(), packet.destination());
        let hairpin = is_between(ends, entry);
        let host = !entry.forward && HOST.contains(&ends.1.to_string().as_str());
        // Into a pod here, or the host, leads no link.
        let here = entry.forward && !entry.remote || hairpin || host;
        if !here && bytes > u64::from(MTU - around) {
            self.drops.too_big += 1;
            return match packet.transport {
                Transport::Other(_) => Fate::Dropped,
                _ => Fate::Told(MTU - around),
            };
        }
        let stats = self.stats(entry.service);
        let ported = !matches!(packet.transport, Transport::Other(_));
        let mut packet = packet.clone().ttl(ttl - 1);
        if hairpin {
            // Whatever is written below stands at the other end already.
            packet = packet.with_source(ends.1).with_destination(ends.0);
        }
        if entry.forward {
            stats.rx_packets += 1;
            stats.rx_bytes += bytes;
            if let Some(tunnel) = entry.tunnel {
                if !self.is_alive(entry) {
                    self.drops.backend_gone += 1;
                    return Fate::Dropped;
                }
                return Fate::Inside(packet, tunnel);
            }
            if entry.remote {
                return Fate::ToNode(packet);
            }
            Fate::ToBackend(match ported {
                true => packet.to(entry.address),
                false => packet.with_destination(entry.address.ip()),
            })
        } else {
            stats.tx_packets += 1;
            stats.tx_bytes += bytes;
            let packet = match ported {
                true => packet.from(entry.address),
                false => packet.with_source(entry.address.ip()),
            };
            match (hairpin, host) {
                (true, _) => Fate::ToBackend(packet),
                (false, true) => Fate::ToHost(packet),
                (false, false) => Fate::ToClient(packet),
            }
        }
    }
}

/// The host's own addresses.
const HOST: [&str; 2] = ["192.0.2.1", "2001:db8:1::1"];

/// Whether client and backend are one.
fn is_hairpin((source, destination, _): Key, entry: &Entry) -> bool {
    is_between((source.ip(), destination.ip()), entry)
}

fn is_between((source, destination): (IpAddr, IpAddr), entry: &Entry) -> bool {
    let other = if entry.forward { source } else { destination };
    entry.address.ip() == other
}

/// The state of the other direction's entry.
fn seen_from_there(state: u8) -> u8 {
    match state {
        STATE_FIN_WAIT => STATE_CLOSE_WAIT,
        STATE_CLOSE_WAIT => STATE_FIN_WAIT,
        state => state,
    }
}

/// Under what the other direction's packets are found.
fn twin((source, destination, protocol): Key, entry: &Entry) -> Key {
    if is_hairpin((source, destination, protocol), entry) {
        return match entry.forward {
            true => {
                let seen = (destination.ip(), source.port());
                (entry.address, seen.into(), protocol)
            }
            false => {
                let client = (source.ip(), destination.port());
                (client.into(), entry.address, protocol)
            }
        };
    }
    if entry.forward {
        (entry.address, source, protocol)
    } else {
        (destination, entry.address, protocol)
    }
}

/// RFC 9293, section 3.10.7.1.
fn reset(packet: &Packet, (source, destination, _): Key) -> Fate {
    let Transport::Tcp(tcp) = &packet.transport else {
        unreachable!("only TCP has resets")
    };
    if tcp.flags & RST != 0 {
        return Fate::Dropped;
    }
    let reset = bare_reset(destination, source);
    Fate::Reset(if tcp.flags & ACK != 0 {
        reset.flags(RST).numbers(tcp.acknowledgement, 0)
    } else {
        let controls = u32::from(tcp.flags & SYN != 0) + u32::from(tcp.flags & FIN != 0);
        let length = packet.payload.len() as u32 + controls;
        reset
            .flags(RST | ACK)
            .numbers(0, tcp.sequence.wrapping_add(length))
    })
}
