// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Every map, why it exists, and its size unless the loader is told another.

use aya_ebpf::{
    btf_maps::{Array, ArrayOfMaps, HashMap, LruHashMap, PerCpuArray},
    macros::btf_map,
};
use blixt_ebpf::layout::{
    Address, AddressInfo, Affinity, AffinityKey, Allowance, Backend, Device, Drops, Flow, FlowKey4,
    FlowKey6, Fragment, FragmentKey, HostPorts, Node, Pending, Service, ServiceKey, Slots, Stats,
};

/// BPF_F_INNER_MAP (linux/bpf.h): inner arrays may differ in size.
const INNER_MAP: usize = 1 << 12;

const SERVICES: usize = 10_000;
const BACKENDS: usize = 100_000;
const DEVICES: usize = 4_096;
/// A node may have an address of each family.
const NODES: usize = 16_384;
/// Two entries a flow.
const FLOWS: usize = 2 * 1_000_000;
/// The same for flows that one side alone has spoken in.
const PENDING: usize = FLOWS / 8;
const FRAGMENTS: usize = 16_384;
const CLIENTS: usize = 200_000;

/// Where traffic is taken: only asked when a packet belongs to no flow.
#[btf_map(name = "services")]
pub static SERVICE: HashMap<ServiceKey, Service, SERVICES> = HashMap::new();

/// Maglev look-up tables: a slot holds the id of a backend, or BACKEND_REFUSE.
/// Twice as many as services, so that every one of them can be swapped in one go.
#[btf_map(name = "tables")]
pub static TABLE: ArrayOfMaps<Array<Slots, 1, INNER_MAP>, { 2 * SERVICES }> = ArrayOfMaps::new();

/// Backends by id; id 0 is never used.
#[btf_map(name = "backends")]
pub static BACKEND: Array<Backend, BACKENDS> = Array::new();

/// Addresses that traffic is taken for: the first question about a packet of no
/// flow, and the only one about most of a host's other traffic.
#[btf_map(name = "addresses")]
pub static ADDRESS: HashMap<Address, AddressInfo, SERVICES> = HashMap::new();

/// What is known of an interface, by its index.
#[btf_map(name = "devices")]
pub static DEVICE: HashMap<u32, Device, DEVICES> = HashMap::new();

/// Nodes by their addresses, this one among them: whose packets are taken out of
/// tunnels, and what the paths to them take.
#[btf_map(name = "nodes")]
pub static NODE: HashMap<Address, Node, NODES> = HashMap::new();

/// Flows over IPv4, both directions. LRU: a full table forgets the oldest.
#[btf_map(name = "flows4")]
pub static FLOW4: LruHashMap<FlowKey4, Flow, FLOWS> = LruHashMap::new();

/// Flows over IPv6, both directions.
#[btf_map(name = "flows6")]
pub static FLOW6: LruHashMap<FlowKey6, Flow, FLOWS> = LruHashMap::new();

/// Flows over IPv4 that may be made up, until they show that they are not: a flood
/// of them is not to push out those of `flows4`. LRU, and only asked about packets
/// of no flow there.
#[btf_map(name = "pending4")]
pub static PENDING4: LruHashMap<FlowKey4, Pending, PENDING> = LruHashMap::new();

/// The same over IPv6.
#[btf_map(name = "pending6")]
pub static PENDING6: LruHashMap<FlowKey6, Pending, PENDING> = LruHashMap::new();

/// Where an entry is put together: the stack has no room for it.
#[btf_map(name = "scratch")]
pub static SCRATCH: PerCpuArray<Pending, 1> = PerCpuArray::new();

/// Which ports of the host's own are, or were, an end of a flow, a byte for each:
/// `egress` asks it first, since most of what a host sends is of none.
#[btf_map(name = "host_ports")]
pub static HOST_PORT: Array<HostPorts, 1_024> = Array::new();

/// What first fragments say of later ones. LRU, and of no use after half a minute.
#[btf_map(name = "fragments")]
pub static FRAGMENT: LruHashMap<FragmentKey, Fragment, FRAGMENTS> = LruHashMap::new();

/// To which backend a client's next flow goes, where its service keeps clients at
/// theirs (`Service::affinity`). LRU, and only asked when such a flow begins.
#[btf_map(name = "affinities")]
pub static AFFINITY: LruHashMap<AffinityKey, Affinity, CLIENTS> = LruHashMap::new();

/// How many ICMP errors were sent lately: a flood must not be answered with one.
#[btf_map(name = "allowances")]
pub static ALLOWANCE: PerCpuArray<Allowance, 1> = PerCpuArray::new();

/// Traffic by service id.
#[btf_map(name = "service_stats")]
pub static SERVICE_STATS: PerCpuArray<Stats, SERVICES> = PerCpuArray::new();

/// Traffic by backend id.
#[btf_map(name = "backend_stats")]
pub static BACKEND_STATS: PerCpuArray<Stats, BACKENDS> = PerCpuArray::new();

/// Dropped packets by reason, in one element.
#[btf_map(name = "drops")]
pub static DROPS: PerCpuArray<Drops, 1> = PerCpuArray::new();
