// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The maps of the programs, and what others than packets do to them.

use std::net::IpAddr;

use blixt_ebpf::layout::{
    Address, AddressInfo, Affinity, AffinityKey, Allowance, BACKEND_ALIVE, BACKEND_LOCAL,
    BACKEND_QUIESCENT, BACKEND_REMOTE, BACKEND_SNAT, BACKEND_TUNNEL, Backend, DEVICE_BRIDGE_PORT,
    Device, Drops, Flow, FlowKey4, FlowKey6, Fragment, FragmentKey, HostPorts, KEY_OTHER_END, Node,
    Pending, SLOTS_IN_ELEMENT, Service, ServiceKey, Slots, Stats,
};

use super::{
    case::{Chosen, Key},
    config::{self, BACKENDS, Config, SERVICES, Way, another, service, service_id},
    model::SECONDS,
    world::{BRIDGE, PLACES, Place, World},
};
use crate::harness::{FlowKey, Layout, Object, Table, address, service_key};

/// Elements of `host_ports`, and what such a one holds at first.
pub const HOST_PORTS: u32 = 1_024;
pub const NO_PORTS: HostPorts = HostPorts { noted: [0; 64] };

pub struct Maps {
    world: World,
    pub flows4: Table<FlowKey4, Flow>,
    pub flows6: Table<FlowKey6, Flow>,
    pub pending4: Table<FlowKey4, Pending>,
    pub pending6: Table<FlowKey6, Pending>,
    pub fragments: Table<FragmentKey, Fragment>,
    pub clients: Table<AffinityKey, Affinity>,
    pub host_ports: Table<u32, HostPorts>,
    pub nodes: Table<Address, Node>,
    pub drops: Table<u32, Drops>,
    pub service_stats: Table<u32, Stats>,
    pub backend_stats: Table<u32, Stats>,
    allowances: Table<u32, Allowance>,
    services: Table<ServiceKey, Service>,
    backends: Table<u32, Backend>,
    addresses: Table<Address, AddressInfo>,
    devices: Table<u32, Device>,
    /// Maglev tables by their index.
    slots: Vec<Table<u32, Slots>>,
}

impl Maps {
    /// Of an object whose tables are made.
    pub fn new(object: &Object, world: &World, tables: usize) -> Self {
        let outer = object.table::<u32, u32>("tables");
        Self {
            world: world.clone(),
            flows4: object.table("flows4"),
            flows6: object.table("flows6"),
            pending4: object.table("pending4"),
            pending6: object.table("pending6"),
            fragments: object.table("fragments"),
            clients: object.table("affinities"),
            host_ports: object.table("host_ports"),
            nodes: object.table("nodes"),
            drops: object.table("drops"),
            service_stats: object.table("service_stats"),
            backend_stats: object.table("backend_stats"),
            allowances: object.table("allowances"),
            services: object.table("services"),
            backends: object.table("backends"),
            addresses: object.table("addresses"),
            devices: object.table("devices"),
            slots: (0..tables as u32).map(|index| outer.inner(index)).collect(),
        }
    }

    pub fn age(&self, units: u32, [keys, ends]: [&[Key]; 2], notes: &[FragmentKey]) {
        let keys = keys.iter().map(|key| FlowKey::new(key.0, key.1, key.2));
        for key in keys.chain(ends.iter().map(beside)) {
            match key {
                FlowKey::V4(key) => age_one(&self.flows4, &self.pending4, key, units),
                FlowKey::V6(key) => age_one(&self.flows6, &self.pending6, key, units),
            }
        }
        for key in notes {
            if let Some(mut note) = self.fragments.get(*key) {
                note.seen = note.seen.wrapping_sub(units);
                self.fragments.put(*key, note);
            }
        }
        for key in self.nodes.keys() {
            let mut node = self.nodes.get(key).expect("nobody else writes");
            node.seen = node.seen.wrapping_sub(units);
            self.nodes.put(key, node);
        }
        for key in self.clients.keys() {
            let mut client = self.clients.get(key).expect("nobody else writes");
            client.seen = client.seen.wrapping_sub(u64::from(units) << 30);
            self.clients.put(key, client);
        }
        if units > 0 {
            self.forgive();
        }
    }

    /// Removes every flow, what fragments said, the clients, and the host's ports.
    pub fn clear(&self) {
        self.flows4.clear();
        self.flows6.clear();
        self.pending4.clear();
        self.pending6.clear();
        self.fragments.clear();
        self.clients.clear();
        for element in 0..HOST_PORTS {
            self.host_ports.put(element, NO_PORTS);
        }
    }

    pub fn remove(&self, key: &Key) {
        self.remove_key(FlowKey::new(key.0, key.1, key.2));
    }

    /// Removes what becomes of the other end of such packets.
    pub fn remove_end(&self, key: &Key) {
        self.remove_key(beside(key));
    }

    fn remove_key(&self, key: FlowKey) {
        match key {
            FlowKey::V4(key) => {
                self.flows4.remove(key);
                self.pending4.remove(key);
            }
            FlowKey::V6(key) => {
                self.flows6.remove(key);
                self.pending6.remove(key);
            }
        }
    }

    pub fn write_service(&self, number: usize, chosen: Option<Chosen>) {
        let (destination, protocol) = service(number);
        let key = service_key(destination, protocol);
        match chosen {
            None => self.services.remove(key),
            Some(chosen) => self.services.put(
                key,
                Service {
                    id: service_id(number),
                    table: chosen.table,
                    slots: chosen.slots,
                    affinity: if chosen.sticky { SECONDS } else { 0 },
                },
            ),
        }
    }

    pub fn write_slots(&self, table: u32, slots: &[u32]) {
        for (index, chunk) in (0..).zip(slots.chunks(SLOTS_IN_ELEMENT)) {
            let mut element = Slots::default();
            element[..chunk.len()].copy_from_slice(chunk);
            self.slots[table as usize].put(index, element);
        }
    }

    pub fn write_backend(&self, id: u32, backend: &config::Backend) {
        let none = [0; 4];
        let (gateway, source, flags) = match backend.way {
            Way::Here => (none, none, 0),
            Way::Host => (none, none, BACKEND_LOCAL),
            Way::Snat(source) => (none, address(source), BACKEND_SNAT),
            Way::Node(node) => (address(node), none, BACKEND_REMOTE),
            Way::Tunnel(source, node) => {
                let flags = BACKEND_REMOTE | BACKEND_TUNNEL;
                (address(node), address(source), flags)
            }
        };
        let owner = id.checked_sub(1).map(|index| (index / BACKENDS) as usize);
        let value = Backend {
            address: address(backend.address.ip()),
            gateway,
            source,
            ifindex: backend.hint.map_or(0, |place| self.world.ifindex(place)),
            epoch: backend.epoch,
            service: owner.map_or(0, service_id),
            port: backend.address.port().to_be(),
            flags: flags
                | if backend.alive { BACKEND_ALIVE } else { 0 }
                | if backend.quiescent {
                    BACKEND_QUIESCENT
                } else {
                    0
                },
        };
        self.backends.put(id, value);
    }

    pub fn write_address(&self, ip: IpAddr, flags: Option<u32>) {
        match flags {
            Some(flags) => self.addresses.put(address(ip), AddressInfo { flags }),
            None => self.addresses.remove(address(ip)),
        }
    }

    pub fn write_node(&self, ip: IpAddr, node: Option<config::Node>) {
        match node {
            None => self.nodes.remove(address(ip)),
            Some(config::Node { flags, mtu, seen }) => {
                self.nodes.put(address(ip), Node { flags, mtu, seen });
            }
        }
    }

    pub fn write_device(&self, place: Place, flags: u32) {
        let port = self.world.port(place);
        let device = Device {
            flags,
            mac: port.mac.0,
            pad: [0; 2],
            master: match flags & DEVICE_BRIDGE_PORT {
                0 => 0,
                _ => self.world.ifindex(BRIDGE),
            },
        };
        self.devices.put(port.ifindex, device);
    }

    pub fn write_all(&self, config: &Config) {
        for number in 0..SERVICES {
            self.write_service(number, config.services[number]);
        }
        for (id, backend) in (0..).zip(&config.backends) {
            self.write_backend(id, backend);
        }
        for (ip, flags) in &config.addresses {
            self.write_address(*ip, Some(*flags));
        }
        for (ip, node) in &config.nodes {
            self.write_node(*ip, Some(*node));
        }
        for place in PLACES {
            self.write_device(place, config.devices[place as usize]);
        }
    }

    /// The same of addresses and nodes, which are few.
    pub fn restore_addresses(&self, usual: &Config) {
        for v6 in [false, true] {
            self.write_address(another(v6), None);
        }
        for (ip, flags) in &usual.addresses {
            self.write_address(*ip, Some(*flags));
        }
        for (ip, node) in &usual.nodes {
            self.write_node(*ip, Some(*node));
        }
    }

    /// As many errors may be sent as in any second.
    pub fn forgive(&self) {
        self.allow(0, 0);
    }

    pub fn allow(&self, sent: u32, second: u32) {
        let values = vec![Allowance { second, sent }; self.allowances.cpus()];
        self.allowances.put_each(0, &values);
    }
}

/// Makes an entry as old as if no packet had come for so long.
fn age_one<K: Layout>(settled: &Table<K, Flow>, pending: &Table<K, Pending>, key: K, units: u32) {
    let age = |flow: &mut Flow| {
        if flow.seen != 0 {
            flow.seen = flow.seen.wrapping_sub(units);
        }
        flow.used = flow.used.wrapping_sub(units);
        flow.tick = 0;
    };
    if let Some(mut flow) = settled.get(key) {
        age(&mut flow);
        settled.put(key, flow);
    } else if let Some(mut entry) = pending.get(key) {
        age(&mut entry.flow);
        pending.put(key, entry);
    }
}

/// The key of what becomes of the other end of packets.
pub fn beside(key: &Key) -> FlowKey {
    match FlowKey::new(key.0, key.1, key.2) {
        FlowKey::V4(key) => FlowKey::V4(FlowKey4 {
            protocol: key.protocol | KEY_OTHER_END,
            ..key
        }),
        FlowKey::V6(key) => FlowKey::V6(FlowKey6 {
            protocol: key.protocol | KEY_OTHER_END,
            ..key
        }),
    }
}
