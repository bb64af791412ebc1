// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Flows whose client goes by this node's address, or by another port of its own.

use std::{net::SocketAddr, ops::Range};

use blixt_ebpf::layout::{Flow, KEY_OTHER_END, Pending};

use super::{ends::Ends, lab::Lab, outcome::Outcome, raw::FlowKey};
use crate::build::Packet;

/// Ports that stand for clients' ports.
pub const SOURCE_PORTS: Range<u16> = 61_000..65_523;

/// Such a flow, once its first packet went by.
pub struct Masked {
    pub ends: Ends,
    /// What the backend takes for the client.
    pub source: SocketAddr,
}

impl Lab {
    /// Begins a flow; panics unless its first packet leaves for the other node from a
    /// port that is nobody else's to use, and otherwise as it came.
    #[track_caller]
    pub fn mask(&self, ends: &Ends) -> Masked {
        let outcome = self.client_sends(&ends.opening());
        assert!(outcome.was_redirected(), "no flow begins: {ends}");
        let masked = Masked::of(ends, &outcome);
        outcome.is_redirected_as(&self.node.emits(&masked.arriving(&ends.opening())));
        masked
    }

    /// Begins a flow whose backend has another one from the client's address and port;
    /// panics unless its first packet reaches the pod from another port, and otherwise
    /// as it came.
    #[track_caller]
    pub fn begin_by_another_port(&self, ends: &Ends) -> Masked {
        let outcome = if ends.client.ip() == ends.backend.ip() {
            self.pod_sends(&ends.opening())
        } else {
            self.client_sends(&ends.opening())
        };
        assert!(outcome.was_redirected(), "no flow begins: {ends}");
        let masked = Masked::of(ends, &outcome);
        outcome.is_redirected_as(&self.pod.emits(&masked.arriving(&ends.opening())));
        masked
    }

    /// What becomes of the end that the flow's own entry leaves as it is.
    pub fn other_end(&mut self, from: SocketAddr, to: SocketAddr, protocol: u8) -> Option<Flow> {
        match beside(from, to, protocol) {
            FlowKey::V4(key) => self.object.get("flows4", key),
            FlowKey::V6(key) => self.object.get("flows6", key),
        }
        .or_else(|| self.pending_other_end(from, to, protocol))
    }

    fn pending_other_end(
        &mut self,
        from: SocketAddr,
        to: SocketAddr,
        protocol: u8,
    ) -> Option<Flow> {
        let pending: Option<Pending> = match beside(from, to, protocol) {
            FlowKey::V4(key) => self.object.get("pending4", key),
            FlowKey::V6(key) => self.object.get("pending6", key),
        };
        pending.map(|pending| pending.flow)
    }

    /// Writes it, of a flow that is no more pending.
    pub fn put_other_end(&mut self, from: SocketAddr, to: SocketAddr, protocol: u8, end: Flow) {
        match beside(from, to, protocol) {
            FlowKey::V4(key) => self.object.put("flows4", key, end),
            FlowKey::V6(key) => self.object.put("flows6", key, end),
        }
    }

    /// Forgets it, as a full table does.
    pub fn forget_other_end(&mut self, from: SocketAddr, to: SocketAddr, protocol: u8) {
        let pending = self.pending_other_end(from, to, protocol).is_some();
        match (beside(from, to, protocol), pending) {
            (FlowKey::V4(key), true) => self.object.remove::<_, Pending>("pending4", key),
            (FlowKey::V6(key), true) => self.object.remove::<_, Pending>("pending6", key),
            (FlowKey::V4(key), false) => self.object.remove::<_, Flow>("flows4", key),
            (FlowKey::V6(key), false) => self.object.remove::<_, Flow>("flows6", key),
        }
    }
}

fn beside(from: SocketAddr, to: SocketAddr, protocol: u8) -> FlowKey {
    let mut key = FlowKey::new(from, to, protocol);
    match &mut key {
        FlowKey::V4(key) => key.protocol |= KEY_OTHER_END,
        FlowKey::V6(key) => key.protocol |= KEY_OTHER_END,
    }
    key
}

impl Masked {
    /// The flow whose first packet left so.
    #[track_caller]
    pub fn of(ends: &Ends, outcome: &Outcome) -> Self {
        let own = match ends.client.ip() == ends.backend.ip() {
            true => ends.service.ip(),
            false => ends.client.ip(),
        };
        let address = ends.snat.unwrap_or(own);
        let at = ends.opening().transport_at();
        let port = u16::from_be_bytes([outcome.frame[at], outcome.frame[at + 1]]);
        assert!(SOURCE_PORTS.contains(&port), "from port {port}");
        Self {
            ends: ends.clone(),
            source: SocketAddr::new(address, port),
        }
    }

    /// A client's packet as it leaves for the backend.
    pub fn arriving(&self, packet: &Packet) -> Packet {
        packet.clone().from(self.source).to(self.ends.backend).hop()
    }

    /// The backend's packet as its node sends it here.
    pub fn answer(&self, reply: &Packet) -> Packet {
        reply.clone().to(self.source)
    }

    /// The same packet as the client gets it.
    pub fn returned(&self, reply: &Packet) -> Packet {
        reply.clone().from(self.ends.service).hop()
    }

    /// Under which addresses the two directions' packets come.
    pub fn ways(&self) -> [(SocketAddr, SocketAddr); 2] {
        let Ends {
            client,
            service,
            backend,
            ..
        } = self.ends;
        [(client, service), (backend, self.source)]
    }
}
