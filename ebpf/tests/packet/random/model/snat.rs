// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Flows whose client goes by another port than its own, of this node's address or its own.

use std::net::SocketAddr;

use blixt_ebpf::layout::{STATE_CLOSED, STATE_FIN_WAIT};

use super::{
    Model,
    begin::replies_to,
    choice::hash,
    flows::{Entry, Pending},
    headers::Piece,
    packet::Packet,
    verdict::Verdict,
};
use crate::{
    build::TCP,
    random::{
        case::Key,
        config::{Backend, Way},
    },
};

/// What becomes of the end of a flow's packets that its entry leaves as it is: an
/// entry too, at the same key with KEY_OTHER_END.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct End {
    pub address: SocketAddr,
    pub service: u32,
    pub used: u32,
    /// In the table of pending flows.
    pub pending: bool,
}

/// Ports that stand for clients', and how many are tried.
const FIRST_PORT: u32 = 61_000;
const PORTS: u32 = 4_523;
const ATTEMPTS: u32 = 32;
/// After so many, one that yields is taken.
const PATIENCE: u32 = 8;
/// Units after which a connection that one end has closed has to yield its port; until
/// which one that ended keeps it, if there are others; and for which a port is taken
/// whose flow is not there yet.
const HALF_CLOSED_IDLE: u32 = 16;
const CLOSED_IDLE: u32 = 56;
const CLAIM: u32 = 2;

/// Whose a port is.
#[derive(PartialEq)]
enum Standing {
    Own,
    Free,
    /// Another's, who gives it away to who finds no free one: the larger, the sooner.
    Yields(u32),
    InUse,
}

/// The first port that is tried for a client's flow, and how far the next ones are.
pub fn first_port(key: &Key) -> (u32, u32) {
    let hash = hash(key, false).wrapping_mul(0x85eb_ca6b);
    let first = ((u64::from(hash) * u64::from(PORTS)) >> 32) as u32;
    (FIRST_PORT + first, 1 + (hash & 0xfff))
}

impl Model<'_> {
    /// Writes the entries of a new flow, given that of its replies, unless no port can
    /// be had for it.
    pub fn begin_snat(
        &mut self,
        packet: &Packet,
        backend: &Backend,
        [forward, reply]: [Entry; 2],
    ) -> Option<Verdict> {
        let key = packet.key();
        let Some(source) = self.find_port(packet, backend, &forward) else {
            self.drops.no_port += 1;
            return Some(Verdict::dropped());
        };
        let replies = (backend.address, source, packet.protocol);
        let hops = packet.header.ttl;
        let end = |address| End {
            address,
            service: forward.service,
            used: forward.used,
            pending: true,
        };
        self.flows.ported += u64::from(!matches!(backend.way, Way::Snat(_)));
        self.flows.ends.insert(replies, end(key.0));
        self.flows.ends.insert(key, end(source));
        let [forward, reply] = [forward, reply].map(|entry| Pending {
            hops,
            ..entry.into()
        });
        self.flows.put_pending(replies, reply);
        self.flows.put_pending(key, forward);
        None
    }

    /// The port that the flow had, a free one, or one that yields. What its last owner
    /// has goes.
    fn find_port(
        &mut self,
        packet: &Packet,
        backend: &Backend,
        flow: &Entry,
    ) -> Option<SocketAddr> {
        let ip = match backend.way {
            Way::Snat(ip) => ip,
            _ => replies_to(packet, backend).1.ip(),
        };
        let (first, stride) = first_port(&packet.key());
        let mut best: Option<(u32, SocketAddr, Key)> = None;
        for attempt in 0..ATTEMPTS {
            if attempt >= PATIENCE && best.is_some() {
                break;
            }
            let port = FIRST_PORT + (first - FIRST_PORT + attempt * stride) % PORTS;
            let source: SocketAddr = (ip, port as u16).into();
            let replies = (backend.address, source, packet.protocol);
            match self.standing(packet, &replies, flow) {
                Standing::Own => {
                    self.flows.remove(&replies);
                    return Some(source);
                }
                Standing::Free => {
                    self.take_port(&replies);
                    return Some(source);
                }
                Standing::Yields(weight) => {
                    if best.is_none_or(|(most, ..)| weight > most) {
                        best = Some((weight, source, replies));
                    }
                }
                Standing::InUse => {}
            }
        }
        let (_, source, replies) = best?;
        self.take_port(&replies);
        Some(source)
    }

    /// Whoever had the port begins anew: its packets would be taken for another client's.
    fn take_port(&mut self, replies: &Key) {
        if let Some(flow) = self.flows.find(replies) {
            let end = self.flows.ends.get(replies).filter(|_| flow.snat);
            let client = end.map_or(replies.1, |end| end.address);
            let former = (client, flow.address, replies.2);
            self.flows.remove(&former);
        }
        self.flows.remove(replies);
    }

    fn standing(&self, packet: &Packet, replies: &Key, flow: &Entry) -> Standing {
        let end = self.flows.ends.get(replies);
        let own =
            end.is_some_and(|end| end.service == flow.service && end.address == packet.source());
        if own {
            return Standing::Own;
        }
        let Some(other) = self.flows.find(replies) else {
            let claimed = end.is_some_and(|end| self.clock.wrapping_sub(end.used) < CLAIM);
            return if claimed {
                Standing::InUse
            } else {
                Standing::Free
            };
        };
        let idle = self.clock.wrapping_sub(other.used);
        let tcp = packet.protocol == TCP;
        let closed = tcp && other.state == STATE_CLOSED && idle <= CLOSED_IDLE;
        if !self.is_alive(other) || !closed && self.is_over(packet.protocol, other) {
            return Standing::Free;
        }
        let half_closed = tcp && other.state >= STATE_FIN_WAIT && idle > HALF_CLOSED_IDLE;
        // One that may be made up always yields, but nobody a port of its own.
        let made_up = self.flows.pending.contains_key(replies);
        if closed || other.snat && (half_closed || made_up) {
            Standing::Yields(1 + idle)
        } else {
            Standing::InUse
        }
    }

    /// What becomes of the other end goes with a flow that settles.
    pub fn settle_ends(&mut self, key: &Key, twin: Option<Key>) {
        for key in [Some(*key), twin].into_iter().flatten() {
            if let Some(end) = self.flows.ends.get_mut(&key) {
                end.pending = false;
            }
        }
    }

    /// Writes again what becomes of the other end of the twin's packets.
    pub fn keep_end(&mut self, key: &Key, twin: Key, entry: &Entry) {
        let pending = !self.flows.settled.contains_key(key);
        self.flows.ends.entry(twin).or_insert_with(|| End {
            address: if entry.forward { key.0 } else { key.1 },
            service: entry.service,
            used: entry.used,
            pending,
        });
    }

    /// Both ends of a packet as they leave; none where one is forgotten. Then a
    /// client's next packet begins the flow again; a later fragment is none.
    pub fn both_ends(
        &mut self,
        packet: &Packet,
        key: &Key,
        entry: &Entry,
    ) -> Option<[SocketAddr; 2]> {
        let Some(end) = self.flows.ends.get(key) else {
            if entry.forward && packet.piece != Piece::Later {
                self.flows.remove(key);
            }
            return None;
        };
        Some(if entry.forward {
            [end.address, entry.address]
        } else {
            [entry.address, end.address]
        })
    }
}
