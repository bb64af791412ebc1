// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Keys and values of the maps: the one source of truth for their layout.
//!
//! User space reads names, sizes and offsets of these structs from the
//! object's BTF and refuses to write where they differ from what it expects.
//! Every struct is `repr(C)` without implicit padding. Addresses are 16 bytes
//! in network byte order, IPv4 as ::ffff:a.b.c.d (RFC 4291, section 2.5.5.2);
//! ports are in network byte order; all other integers in host byte order.

/// An IPv6 address, or an IPv4 address mapped into IPv6, in network byte order.
pub type Address = [u32; 4];

/// Backend id that stands for "refuse this flow".
pub const BACKEND_REFUSE: u32 = 0;

/// Key of `services`: where clients send to.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServiceKey {
    pub address: Address,
    /// Network byte order.
    pub port: u16,
    /// IPPROTO_TCP or IPPROTO_UDP.
    pub protocol: u8,
    pub pad: u8,
}

/// Value of `services`. Replaced whole, so a packet sees the old table or the new one.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Index into `service_stats`.
    pub id: u32,
    /// Index into `tables`.
    pub table: u32,
    /// Slots of that table; 0 refuses every flow.
    pub slots: u32,
    /// Seconds a client address keeps its backend (sessionAffinity); 0 for none.
    pub affinity: u32,
}

/// Slots in one element of a table. The kernel takes elements one by one, 4,000 of
/// them in half a millisecond, and rounds each up to 8 bytes.
pub const SLOTS_IN_ELEMENT: usize = 16;

/// Element of a table, an inner array of `tables`: backend ids, or BACKEND_REFUSE.
/// Slots beyond `Service::slots` fill up the last one.
pub type Slots = [u32; SLOTS_IN_ELEMENT];

/// Value of `backends`: one endpoint of one service. All zeros where there is none.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backend {
    pub address: Address,
    /// Next hop on the way to `address`; zeros when on-link. With BACKEND_REMOTE
    /// the node that the backend is on.
    pub gateway: Address,
    /// With BACKEND_TUNNEL: this node's address as the other node knows it, of the
    /// family of `gateway`. With BACKEND_SNAT: what stands for clients. Else zeros.
    pub source: Address,
    /// Interface on the way to `address` as the routing table has it, for hosts
    /// whose forwarding is off, where bpf_fib_lookup() refuses; 0 when unknown.
    pub ifindex: u32,
    /// Differs from that of the id's former owner, so that old flows end; never 0.
    pub epoch: u32,
    /// Id of the service it belongs to.
    pub service: u32,
    /// Network byte order.
    pub port: u16,
    pub flags: u16,
}

/// Backend flag: the entry is in use. Flows of a backend without it are refused.
pub const BACKEND_ALIVE: u16 = 1;
/// Backend flag: on another node, whose address on a link of this one `gateway`
/// is. Packets go there as they are, but for one hop: that node has the same
/// tables, finds the backend on itself and answers the client directly. Flows
/// follow within a second when a backend comes to be remote, or no more is.
pub const BACKEND_REMOTE: u16 = 2;
/// Backend flag, beside BACKEND_REMOTE: routers are on the way to the node, which
/// would not know where a packet for a service's address is to go. So it travels
/// inside another from `source` to `gateway` (RFC 2003, RFC 2473, RFC 4213).
pub const BACKEND_TUNNEL: u16 = 4;
/// Backend flag: `address` is the host's own (a pod in the host's network), so
/// that packets go up its stack and replies leave by `egress`.
pub const BACKEND_LOCAL: u16 = 8;
/// Backend flag: it takes no new flows, those it has go on. No slot has its id by
/// then, or soon none will; this is for who remembers it.
pub const BACKEND_QUIESCENT: u16 = 16;

/// Backend flag: on another node, which may know nothing of all this. `source`, an
/// address of this node, stands for the client in what goes there, with a port of
/// its own, and replies come back here.
pub const BACKEND_SNAT: u16 = 32;

/// Value of `nodes`, keyed by Address.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Node {
    pub flags: u32,
    /// Largest packet that the path to it takes, as a router on it said; 0 when
    /// none did. Written by the program.
    pub mtu: u32,
    /// When that was, as `Flow::seen`.
    pub seen: u32,
}

/// Node flag: an address of this node. Without it, another node's.
pub const NODE_SELF: u32 = 1;

/// Key of `flows4`: a packet's own addresses and ports, as it arrives.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowKey4 {
    /// Network byte order.
    pub saddr: u32,
    pub daddr: u32,
    pub sport: u16,
    pub dport: u16,
    /// IPPROTO_TCP or IPPROTO_UDP, and KEY_OTHER_END; a whole word, so that no padding
    /// has to be zeroed.
    pub protocol: u32,
}

/// Key of `flows6`.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowKey6 {
    pub saddr: Address,
    pub daddr: Address,
    /// Network byte order.
    pub sport: u16,
    pub dport: u16,
    /// IPPROTO_TCP or IPPROTO_UDP; a whole word, so that no padding has to be zeroed.
    pub protocol: u32,
}

/// Value of `flows4` and `flows6`: 64 bytes, one cache line beside the key's
/// own. A flow has two: one found by the client's packets, one by the replies; one
/// to a remote backend has the first alone, one with DIRECTION_SNAT four.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What to write: the backend's address into the destination of a client's
    /// packet (what is there already, where the backend is remote), the service's
    /// address into the source of a reply.
    pub address: Address,
    /// The same for the port. Network byte order.
    pub port: u16,
    pub direction: u8,
    pub state: u8,
    pub backend: u32,
    /// `Backend::epoch` when the flow began.
    pub epoch: u32,
    pub service: u32,
    /// When the last packet of this direction came: bpf_ktime_get_coarse_ns() >> 30 (1.07 s).
    pub seen: u32,
    /// The same of either direction: what idle times count from.
    pub used: u32,
    /// Where packets leave; 0 until the way is known.
    pub ifindex: u32,
    /// How they leave.
    pub delivery: u8,
    /// Bytes of the IP header that is put around packets: 20 or 40, 0 for none.
    pub overhead: u8,
    /// Of the jiffies when all this was looked at last; 0 for never.
    pub tick: u16,
    /// As they stand in a frame, one after the other.
    pub dmac: [u8; 6],
    pub smac: [u8; 6],
    /// Bytes of the longest IP packet that goes this way, without the header around
    /// it; 0 when that is not known.
    pub mtu: u16,
    /// Largest TCP segment to be announced to the client; 0 for whatever was announced.
    pub mss: u16,
}

impl Flow {
    /// Whether it is of the client's packets.
    #[inline(always)]
    pub fn is_forward(&self) -> bool {
        self.direction & DIRECTION_REPLY == 0
    }

    /// Whether both ends of its packets change.
    #[inline(always)]
    pub fn is_snat(&self) -> bool {
        self.direction & DIRECTION_SNAT != 0
    }

    /// Whether its client has the service's address.
    #[inline(always)]
    pub fn is_own(&self) -> bool {
        self.direction & DIRECTION_OWN != 0
    }
}

/// Value of `pending4` and `pending6`: a flow that has not shown yet that there is
/// somebody at both ends.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    pub flow: Flow,
    /// Of the client's entry, once `answered`: the sequence number that the client
    /// has to acknowledge. Host byte order.
    pub acknowledgement: u32,
    /// Client's packets so far, where they are counted.
    pub packets: u32,
    /// Not 0 once the backend has answered a SYN.
    pub answered: u32,
    /// TTL or hop limit of the packet that began the flow; 0 when that is not known.
    pub hops: u32,
}

/// Key of `affinities`: a client of a service.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AffinityKey {
    /// The client's.
    pub address: Address,
    /// Its id.
    pub service: u32,
}

/// Value of `affinities`: where the client's last flow went.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Affinity {
    pub backend: u32,
    /// `Backend::epoch` then.
    pub epoch: u32,
    /// When the client's last new flow came: bpf_ktime_get_coarse_ns(), which a
    /// jiffy moves. Finer than `Flow::seen`, since users say it in seconds.
    pub seen: u64,
}

/// `Flow::direction`: from the client to the backend.
pub const DIRECTION_FORWARD: u8 = 0;
/// `Flow::direction`: from the backend to the client.
pub const DIRECTION_REPLY: u8 = 1;

/// `Flow::direction`, beside the others: the end that the flow leaves as it is
/// changes too, its port alone where the backend is not BACKEND_SNAT, to address and port of the entry at its key with KEY_OTHER_END.
pub const DIRECTION_SNAT: u8 = 2;
/// `Flow::direction`, beside the others: the client has the service's address itself.
/// Replies to it look like those to a backend that is its own client, and are none.
pub const DIRECTION_OWN: u8 = 4;
/// In `protocol` of a flow's key: the entry there says what becomes of the other end.
pub const KEY_OTHER_END: u32 = 1 << 8;

/// `Flow::state`: a SYN or a first datagram was seen.
pub const STATE_NEW: u8 = 0;
/// `Flow::state`: both sides have spoken.
pub const STATE_ESTABLISHED: u8 = 1;
/// `Flow::state`: whose packets these are has sent a FIN, the other end has not.
pub const STATE_FIN_WAIT: u8 = 2;
/// `Flow::state`: the other way round.
pub const STATE_CLOSE_WAIT: u8 = 3;
/// `Flow::state`: a RST, or a FIN of either end, was seen; the entry counts no more.
pub const STATE_CLOSED: u8 = 4;

/// `Flow::delivery`: ask the FIB again.
pub const DELIVERY_UNKNOWN: u8 = 0;
/// `Flow::delivery`: bpf_redirect_peer() into the pod behind a veth.
pub const DELIVERY_PEER: u8 = 1;
/// `Flow::delivery`: write both MAC addresses, bpf_redirect().
pub const DELIVERY_MAC: u8 = 2;
/// `Flow::delivery`: bpf_redirect_neigh(); the kernel knows the neighbour, we do not.
pub const DELIVERY_NEIGH: u8 = 3;

/// `Flow::delivery`: the host's own stack takes it, where it came in.
pub const DELIVERY_STACK: u8 = 4;
/// `Flow::delivery`: the host's own stack takes it as if it had come in where the
/// client's packets left: the only interface where it surely passes a strict
/// reverse path filter. Kept for the life of the flow, whose client the host is.
pub const DELIVERY_HOST: u8 = 5;

/// Key of `fragments`: what the fragments of a packet have in common.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FragmentKey {
    pub saddr: Address,
    pub daddr: Address,
    /// As it stands in the packet; 16 bits in IPv4.
    pub id: u32,
    /// 0 in IPv6.
    pub protocol: u32,
}

/// Value of `fragments`: what the first fragment of a packet said.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fragment {
    /// Network byte order.
    pub sport: u16,
    pub dport: u16,
    pub protocol: u32,
    /// When it came, as `Flow::seen`.
    pub seen: u32,
}

/// Value of `addresses`, keyed by Address: one that traffic is taken for.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddressInfo {
    pub flags: u32,
}

/// Address flag: answer ARP and neighbour solicitations for it.
pub const ADDRESS_ANNOUNCE: u32 = 1;
/// Address flag: the host has it too, so what is for no service is the host's;
/// without it, pings are answered, TCP for no service is refused, all else is dropped.
pub const ADDRESS_LOCAL: u32 = 2;

/// Value of `devices`, keyed by ifindex.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Device {
    pub flags: u32,
    pub mac: [u8; 6],
    pub pad: [u8; 2],
    /// Index of the bridge that it is a port of; 0 for none.
    pub master: u32,
}

/// Device flag: a veth whose other end is in another network namespace.
pub const DEVICE_PEER: u32 = 1;
/// Device flag: faces clients; addresses are announced there.
pub const DEVICE_OUTWARD: u32 = 2;

/// Device flag: a port of a bridge. Frames there carry the bridge's MAC address,
/// so the kernel calls them another host's although they are for this one.
pub const DEVICE_BRIDGE_PORT: u32 = 4;

/// Value of `host_ports`: of 64 ports of the host's own, which ever had a flow.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostPorts {
    /// 1 for those, else 0.
    pub noted: [u8; 64],
}

/// Value of `allowances`, per CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Of which second `sent` tells, as `Flow::seen`.
    pub second: u32,
    /// ICMP errors sent in it.
    pub sent: u32,
}

/// Value of `service_stats` and `backend_stats`, per CPU.
#[repr(C)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// From clients.
    pub rx_packets: u64,
    /// Bytes of the IP packets: no link-layer header.
    pub rx_bytes: u64,
    /// To clients.
    pub tx_packets: u64,
    pub tx_bytes: u64,
    /// Flows begun.
    pub flows: u64,
    /// Flows refused: a reject slot, or no backend.
    pub refused: u64,
}

/// Value of `drops`, per CPU: packets dropped, by reason. The field's name is
/// the reason that users see.
#[repr(C)]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Drops {
    /// A header lies about its length, or the packet ends inside one.
    pub malformed: u64,
    /// A fragment without ports, whose first was not seen before it.
    pub fragment: u64,
    /// No route to the backend or to the client.
    pub no_route: u64,
    /// TTL or hop limit would reach 0; its sender was told, unless many were lately. Of
    /// an ICMP error nobody is told, nor of what nodes whose tables differ sent round.
    pub ttl_exceeded: u64,
    /// UDP to a service whose slot refuses.
    pub refused_udp: u64,
    /// TCP to a service whose slot refuses; a RST went back.
    pub refused_tcp: u64,
    /// A flow's backend is gone.
    pub backend_gone: u64,
    /// A map that must have an element has none: a bug in whoever wrote it.
    pub inconsistent: u64,
    /// The flow table took no entry for a new flow.
    pub no_entry: u64,
    /// A helper failed to rewrite the packet, or it is forgotten what its other end
    /// becomes.
    pub rewrite_failed: u64,
    /// To an address of ours that the host does not have, at a port without a
    /// service; TCP got a RST. Or of a protocol, or with such headers, that no service
    /// can be told.
    pub no_service: u64,
    /// Longer than the way out takes; its sender was told, unless many were lately.
    pub too_big: u64,
    /// Every port tried for a flow, whose client cannot go by its own, is held by another.
    pub no_port: u64,
    /// It would begin a flow from an address that is no host's, or from a service's own
    /// address and port.
    pub martian: u64,
}
