// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What tests put into the tables of flows and read out of them.

use std::net::SocketAddr;

use blixt_ebpf::layout::{Flow, FlowKey4, FlowKey6, Pending};

use super::{ends::Ends, lab::Lab, raw::FlowKey};

impl Lab {
    /// The entry that packets from `source` to `destination` find.
    pub fn flow(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        protocol: u8,
    ) -> Option<Flow> {
        let settled = match FlowKey::new(source, destination, protocol) {
            FlowKey::V4(key) => self.object.get("flows4", key),
            FlowKey::V6(key) => self.object.get("flows6", key),
        };
        settled.or_else(|| {
            let pending = self.pending_flow(source, destination, protocol);
            pending.map(|pending| pending.flow)
        })
    }

    /// The same of a pending flow.
    pub fn pending_flow(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        protocol: u8,
    ) -> Option<Pending> {
        match FlowKey::new(source, destination, protocol) {
            FlowKey::V4(key) => self.object.get("pending4", key),
            FlowKey::V6(key) => self.object.get("pending6", key),
        }
    }

    /// The entry of the client's packets.
    pub fn forward_flow(&mut self, ends: &Ends) -> Option<Flow> {
        self.flow(ends.client, ends.service, ends.protocol)
    }

    /// The entry of the backend's packets.
    pub fn reply_flow(&mut self, ends: &Ends) -> Option<Flow> {
        self.flow(ends.backend, ends.client, ends.protocol)
    }

    /// Writes an entry into the table that has one of these addresses, else into
    /// that of flows which are not pending.
    pub fn put_flow(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        protocol: u8,
        flow: Flow,
    ) {
        let pending = self.pending_flow(source, destination, protocol);
        let pending = pending.map(|pending| Pending { flow, ..pending });
        match (FlowKey::new(source, destination, protocol), pending) {
            (FlowKey::V4(key), Some(pending)) => self.object.put("pending4", key, pending),
            (FlowKey::V6(key), Some(pending)) => self.object.put("pending6", key, pending),
            (FlowKey::V4(key), None) => self.object.put("flows4", key, flow),
            (FlowKey::V6(key), None) => self.object.put("flows6", key, flow),
        }
    }

    /// Takes both entries of a flow away, as an eviction does, or another node that had it.
    pub fn forget(&mut self, ends: &Ends) {
        self.remove_flow(ends.client, ends.service, ends.protocol);
        self.remove_flow(ends.backend, ends.client, ends.protocol);
    }

    /// Writes the entry of a pending flow.
    pub fn put_pending_flow(
        &mut self,
        source: SocketAddr,
        destination: SocketAddr,
        protocol: u8,
        flow: Flow,
    ) {
        let pending = Pending {
            flow,
            acknowledgement: 0,
            packets: 0,
            answered: 0,
            hops: 0,
        };
        match FlowKey::new(source, destination, protocol) {
            FlowKey::V4(key) => self.object.put("pending4", key, pending),
            FlowKey::V6(key) => self.object.put("pending6", key, pending),
        }
    }

    pub fn remove_flow(&mut self, source: SocketAddr, destination: SocketAddr, protocol: u8) {
        let pending = self.pending_flow(source, destination, protocol).is_some();
        match (FlowKey::new(source, destination, protocol), pending) {
            (FlowKey::V4(key), true) => self.object.remove::<_, Pending>("pending4", key),
            (FlowKey::V6(key), true) => self.object.remove::<_, Pending>("pending6", key),
            (FlowKey::V4(key), false) => self.object.remove::<_, Flow>("flows4", key),
            (FlowKey::V6(key), false) => self.object.remove::<_, Flow>("flows6", key),
        }
    }

    /// Whether the flow is pending in either direction.
    pub fn is_pending(&mut self, ends: &Ends) -> bool {
        let ways = [(ends.client, ends.service), (ends.backend, ends.client)];
        ways.into_iter()
            .any(|(from, to)| self.pending_flow(from, to, ends.protocol).is_some())
    }

    /// Begins a flow that is settled at once and, from now on, one of another client that
    /// none would begin for.
    pub fn begin_from(&mut self, ends: &mut Ends, client: SocketAddr) {
        self.begin(ends);
        self.settle(ends);
        let flow = self.forward_flow(ends).expect("it begins");
        self.put_flow(client, ends.service, ends.protocol, flow);
        ends.client = client;
    }

    /// Makes a flow that has begun one that is no more pending.
    pub fn settle(&mut self, ends: &Ends) {
        let ways = [(ends.client, ends.service), (ends.backend, ends.client)];
        for (from, to) in ways {
            if let Some(pending) = self.pending_flow(from, to, ends.protocol) {
                self.remove_flow(from, to, ends.protocol);
                self.put_flow(from, to, ends.protocol, pending.flow);
            }
        }
    }

    /// Makes an entry ask for its way and for the other direction's entry again with
    /// the next packet, as one of eight seconds ago does.
    pub fn outdate(&mut self, source: SocketAddr, destination: SocketAddr, protocol: u8) {
        let mut flow = self
            .flow(source, destination, protocol)
            .expect("a flow to outdate");
        flow.seen = flow.seen.wrapping_sub(8);
        flow.tick = 0;
        self.put_flow(source, destination, protocol, flow);
    }

    /// Makes both entries as old as if no packet had come for `seconds`.
    pub fn age(&mut self, ends: &Ends, seconds: u32) {
        let ways = [(ends.client, ends.service), (ends.backend, ends.client)];
        for (source, destination) in ways {
            let mut flow = self
                .flow(source, destination, ends.protocol)
                .expect("a flow to age");
            // In units of 2^30 ns.
            let ticks = ((u64::from(seconds) * 1_000_000_000) >> 30) as u32;
            flow.seen = flow.seen.wrapping_sub(ticks);
            flow.used = flow.used.wrapping_sub(ticks);
            flow.tick = 0;
            self.put_flow(source, destination, ends.protocol, flow);
        }
    }

    /// Entries of flows, pending ones among them.
    pub fn flow_entries(&mut self) -> usize {
        let settled = self.object.count::<FlowKey4, Flow>("flows4")
            + self.object.count::<FlowKey6, Flow>("flows6");
        settled + self.pending_entries()
    }

    /// Entries of pending flows.
    pub fn pending_entries(&mut self) -> usize {
        self.object.count::<FlowKey4, Pending>("pending4")
            + self.object.count::<FlowKey6, Pending>("pending6")
    }
}
