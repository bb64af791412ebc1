// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What tests put into the maps and read out of them.

use std::net::IpAddr;

use blixt_ebpf::layout::{
    ADDRESS_ANNOUNCE, AddressInfo, BACKEND_ALIVE, BACKEND_REFUSE, BACKEND_REMOTE, BACKEND_SNAT,
    BACKEND_TUNNEL, Backend, Drops, Fragment, FragmentKey, Node, Service, Stats,
};

use super::{
    ends::Ends,
    lab::Lab,
    raw::{address, service_key, sum},
};

/// Slots of the tables that [`Lab::serve()`] makes.
pub const SLOTS: u32 = 5;

impl Lab {
    /// A service with one backend in the pod.
    pub fn serve(&mut self, ends: &Ends) {
        self.choose(ends);
        self.put_service(ends, |_| {});
        self.put_address(ends.service.ip(), ADDRESS_ANNOUNCE);
    }

    /// From now on new flows get the backend of `ends`.
    pub fn choose(&mut self, ends: &Ends) {
        self.put_backend(ends, |_| {});
        self.object
            .set_table(ends.table, &[ends.backend_id; SLOTS as usize]);
    }

    /// Takes the backend of `ends` away, as user space does: all zeros.
    pub fn remove_backend(&mut self, ends: &Ends) {
        self.put_backend(ends, |backend| {
            *backend = Backend {
                address: [0; 4],
                ifindex: 0,
                epoch: 0,
                service: 0,
                port: 0,
                flags: 0,
                ..*backend
            };
        });
    }

    /// From now on new flows are refused.
    pub fn refuse(&mut self, ends: &Ends) {
        self.object
            .set_table(ends.table, &[BACKEND_REFUSE; SLOTS as usize]);
    }

    /// An address that traffic is taken for.
    pub fn put_address(&mut self, ip: IpAddr, flags: u32) {
        self.object
            .put("addresses", address(ip), AddressInfo { flags });
    }

    /// Makes an address known as that of a node.
    pub fn put_node(&mut self, ip: IpAddr, flags: u32) {
        let node = Node {
            flags,
            mtu: 0,
            seen: 0,
        };
        self.object.put("nodes", address(ip), node);
    }

    /// The backend of `ends`, alive and in the pod, with a change.
    pub fn put_backend(&mut self, ends: &Ends, change: impl FnOnce(&mut Backend)) {
        let mut backend = Backend {
            address: address(ends.backend.ip()),
            gateway: [0; 4],
            source: [0; 4],
            ifindex: self.pod.ifindex,
            epoch: ends.epoch,
            service: ends.service_id,
            port: ends.backend.port().to_be(),
            flags: BACKEND_ALIVE,
        };
        if ends.remote {
            backend.gateway = address(ends.node());
            backend.ifindex = self.node.ifindex;
            backend.flags |= BACKEND_REMOTE;
        }
        if let Some([source, node]) = ends.tunnel {
            backend.gateway = address(node);
            backend.source = address(source);
            backend.flags |= BACKEND_TUNNEL;
        }
        if let Some(source) = ends.snat {
            backend.source = address(source);
            backend.ifindex = self.node.ifindex;
            backend.flags |= BACKEND_SNAT;
        }
        change(&mut backend);
        self.object.set("backends", ends.backend_id, backend);
    }

    /// The service of `ends`, with a change.
    pub fn put_service(&mut self, ends: &Ends, change: impl FnOnce(&mut Service)) {
        let mut service = Service {
            id: ends.service_id,
            table: ends.table,
            slots: SLOTS,
            affinity: 0,
        };
        change(&mut service);
        self.object.put(
            "services",
            service_key(ends.service, ends.protocol),
            service,
        );
    }

    /// The element of `fragments`, when there is one.
    pub fn only_note(&mut self) -> (FragmentKey, Fragment) {
        let mut elements = self.object.elements("fragments");
        assert_eq!(elements.len(), 1);
        elements.remove(0)
    }

    pub fn service_stats(&mut self, ends: &Ends) -> Stats {
        sum(&self.object.per_cpu("service_stats", ends.service_id))
    }

    pub fn backend_stats(&mut self, ends: &Ends) -> Stats {
        sum(&self.object.per_cpu("backend_stats", ends.backend_id))
    }

    pub fn drops(&mut self) -> Drops {
        sum(&self.object.per_cpu("drops", 0))
    }
}

/// Counters that have counted nothing.
pub const NO_STATS: Stats = Stats {
    rx_packets: 0,
    rx_bytes: 0,
    tx_packets: 0,
    tx_bytes: 0,
    flows: 0,
    refused: 0,
};
