// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The way out: which interface, which neighbour, which redirect.

use core::{mem, ptr};

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_INGRESS, bpf_fib_lookup as Fib, bpf_redir_neigh},
    bindings::{
        BPF_FIB_LKUP_RET_FWD_DISABLED, BPF_FIB_LKUP_RET_NO_NEIGH, BPF_FIB_LKUP_RET_SUCCESS,
    },
    helpers::generated::{
        bpf_check_mtu, bpf_fib_lookup, bpf_redirect, bpf_redirect_neigh, bpf_redirect_peer,
        bpf_skb_change_type,
    },
};
use blixt_ebpf::layout::{
    Address, BACKEND_LOCAL, BACKEND_REMOTE, BACKEND_SNAT, BACKEND_TUNNEL, Backend, DELIVERY_HOST,
    DELIVERY_MAC, DELIVERY_NEIGH, DELIVERY_PEER, DELIVERY_STACK, DELIVERY_UNKNOWN, DEVICE_PEER,
    Flow,
};

use crate::{
    counters,
    global::global,
    hairpin::is_hairpin,
    host::{self, LOOPBACK},
    maps::{BACKEND, DEVICE},
    packet::Packet,
    path_mtu, snat,
    tunnel::{enter, is_v4, overhead},
};

pub const AF_INET: u8 = 2;
pub const AF_INET6: u8 = 10;
/// linux/if_packet.h: to this host; to another host.
pub const PACKET_HOST: u32 = 0;
pub const PACKET_OTHERHOST: u32 = 3;

pub const TC_ACT_OK: i32 = 0;
pub const TC_ACT_SHOT: i32 = 2;

global! {
    /// Finds the way of a flow's packets to `daddr` and keeps it in the flow.
    ///
    /// The FIB is asked first. It refuses on a host whose forwarding is off; then
    /// `Flow::ifindex` as it was found stands (for replies: where the client's
    /// packets come in), or the one that user space resolved for the backend.
    /// Returns 0.
    ///
    /// # Safety
    /// `skb` is the program's context.
    pub fn resolve(skb: *mut __sk_buff; packet: Packet, flow: Flow) -> i32
        = resolve_body, resolve4, resolve6
}

#[inline(always)]
unsafe fn resolve_body<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &mut Packet,
    flow: &mut Flow,
) -> i32 {
    // SAFETY: `fib` is zeroed plain data; unions are written before they are read.
    unsafe {
        let mut fib: Fib = mem::zeroed();
        let forward = flow.is_forward();
        flow.overhead = 0;
        // Put together where the helper reads it: the stack has no room for more.
        let saddr = &mut fib.__bindgen_anon_3.ipv6_src;
        let daddr = &mut fib.__bindgen_anon_4.ipv6_dst;
        if forward {
            target(packet, flow, saddr, daddr);
            if is_here(flow.backend) {
                flow.delivery = DELIVERY_STACK;
                host::note(flow.port);
                return 0;
            }
        } else if flow.ifindex == LOOPBACK {
            host::stay(flow);
            return 0;
        } else if flow.delivery == DELIVERY_HOST {
            host::resolve(flow);
            return 0;
        } else if flow.is_snat() {
            let Some(client) = snat::client::<V6>(&mut packet.tuple) else {
                return 0;
            };
            *saddr = flow.address;
            *daddr = client;
        } else {
            *saddr = flow.address;
            *daddr = if is_hairpin(&packet.tuple, flow) {
                packet.tuple.saddr
            } else {
                packet.tuple.daddr
            };
        }
        let (v6, most) = if flow.overhead == 0 {
            (V6, u16::MAX)
        } else {
            (!is_v4(daddr), path_mtu::known(daddr, u16::MAX))
        };
        if v6 {
            fib.family = AF_INET6;
        } else {
            fib.family = AF_INET;
            let (saddr, daddr) = (saddr[3], daddr[3]);
            fib.__bindgen_anon_3.ipv4_src = saddr;
            fib.__bindgen_anon_4.ipv4_dst = daddr;
        }
        fib.l4_protocol = packet.tuple.protocol();
        fib.ifindex = (*skb).ifindex;
        // The way is the flow's: with a length of its own, the helper does not
        // measure this packet against the MTU and refuse the way to all.
        fib.__bindgen_anon_1.tot_len = 1;
        let answer = bpf_fib_lookup(skb.cast(), &raw mut fib, size_of::<Fib>() as i32, 0) as u32;
        if answer == BPF_FIB_LKUP_RET_SUCCESS {
            flow.dmac = fib.dmac;
            flow.smac = fib.smac;
            flow.ifindex = fib.ifindex;
            flow.mtu = fib.__bindgen_anon_1.mtu_result;
            flow.delivery = if is_peer(fib.ifindex) {
                // Into the pod at once: no link is in between.
                flow.mtu = u16::MAX;
                DELIVERY_PEER
            } else {
                DELIVERY_MAC
            };
        } else if answer == BPF_FIB_LKUP_RET_NO_NEIGH {
            flow.ifindex = fib.ifindex;
            flow.delivery = DELIVERY_NEIGH;
        } else if answer == BPF_FIB_LKUP_RET_FWD_DISABLED {
            flow.ifindex = if forward {
                hint(flow.backend)
            } else {
                host::way_back(flow.ifindex)
            };
            flow.delivery = if flow.ifindex == 0 {
                DELIVERY_UNKNOWN
            } else {
                DELIVERY_NEIGH
            };
        } else {
            flow.delivery = DELIVERY_UNKNOWN;
        }
        if flow.delivery == DELIVERY_NEIGH {
            flow.mtu = device_mtu(skb, flow.ifindex);
        }
        if flow.overhead != 0 {
            flow.mtu = flow.mtu.min(most).saturating_sub(flow.overhead.into());
        }
    }
    0
}

/// Bytes of the longest IP packet that an interface takes; unlimited when unknown.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn device_mtu(skb: *mut __sk_buff, ifindex: u32) -> u16 {
    let mut mtu = 0;
    // SAFETY: the helper writes `mtu`, or fails.
    unsafe { bpf_check_mtu(skb.cast(), ifindex, &raw mut mtu, 0, 0) };
    if mtu == 0 || mtu > u16::MAX.into() {
        u16::MAX
    } else {
        mtu as u16
    }
}

/// Where a client's packets go: to the backend, or to the node that has it. What
/// the flow writes follows, since the one may turn into the other. The source is the
/// client, what stands for it, or that of the packet around.
#[inline(always)]
fn target(packet: &Packet, flow: &mut Flow, saddr: &mut Address, daddr: &mut Address) {
    *saddr = packet.tuple.saddr;
    match BACKEND.get(flow.backend) {
        Some(backend) if backend.epoch != flow.epoch => *daddr = flow.address,
        Some(backend) if backend.flags & BACKEND_REMOTE != 0 => {
            flow.address = packet.tuple.daddr;
            flow.port = packet.tuple.dport;
            *daddr = backend.gateway;
            if backend.flags & BACKEND_TUNNEL != 0 {
                flow.overhead = overhead(&backend.gateway);
                *saddr = backend.source;
            }
        }
        Some(backend) => {
            flow.address = backend.address;
            flow.port = backend.port;
            *daddr = backend.address;
            if backend.flags & BACKEND_SNAT != 0 {
                *saddr = backend.source;
            }
        }
        None => *daddr = flow.address,
    }
}

/// Whether the backend is in the host's own network.
#[inline(always)]
fn is_here(backend: u32) -> bool {
    BACKEND
        .get(backend)
        .is_some_and(|backend: &Backend| backend.flags & BACKEND_LOCAL != 0)
}

#[inline(always)]
fn is_peer(ifindex: u32) -> bool {
    // SAFETY: read at once.
    unsafe {
        DEVICE
            .get(ifindex)
            .is_some_and(|device| device.flags & DEVICE_PEER != 0)
    }
}

#[inline(always)]
fn hint(backend: u32) -> u32 {
    BACKEND
        .get(backend)
        .map_or(0, |backend: &Backend| backend.ifindex)
}

/// Sends a rewritten packet on its flow's way; with `asks`, the neighbour there is the
/// kernel's to find even if it is known. Returns the program's verdict.
///
/// # Safety
/// `skb` is the program's context; pointers into the frame are void afterwards.
#[inline(always)]
pub unsafe fn deliver<const V6: bool>(skb: *mut __sk_buff, flow: &Flow, asks: bool) -> i32 {
    // SAFETY: helper calls on the context.
    unsafe {
        if flow.overhead != 0 && !enter::<V6>(skb, flow.backend, flow.epoch) {
            return TC_ACT_SHOT;
        }
        if flow.delivery == DELIVERY_NEIGH {
            return neighbour::<V6>(skb, flow);
        }
        if flow.delivery == DELIVERY_UNKNOWN {
            counters::dropped(|drops| &mut drops.no_route);
            return TC_ACT_SHOT;
        }
        if flow.delivery == DELIVERY_STACK {
            return TC_ACT_OK;
        }
        if !write_macs(skb, flow) {
            counters::dropped(|drops| &mut drops.rewrite_failed);
            return TC_ACT_SHOT;
        }
        if flow.delivery == DELIVERY_PEER {
            // What a bridge's port saw as another host's would be dropped in the pod.
            if (*skb).pkt_type != PACKET_HOST {
                bpf_skb_change_type(skb, PACKET_HOST);
            }
            return bpf_redirect_peer(flow.ifindex, 0) as i32;
        }
        if asks {
            return neighbour::<V6>(skb, flow);
        }
        let flags = if flow.delivery == DELIVERY_HOST {
            BPF_F_INGRESS
        } else {
            0
        };
        bpf_redirect(flow.ifindex, flags.into()) as i32
    }
}

global! {
    /// Lets the kernel find the neighbour: through the backend's next hop where
    /// user space named one and the FIB none, else by the packet's own destination. Returns the
    /// program's verdict.
    fn neighbour(skb: *mut __sk_buff; flow: Flow) -> i32 = neighbour_body, neighbour4, neighbour6
}

#[inline(always)]
unsafe fn neighbour_body<const V6: bool>(skb: *mut __sk_buff, flow: &Flow) -> i32 {
    if flow.ifindex == LOOPBACK {
        // SAFETY: as the caller promises.
        return unsafe { host::take(skb) };
    }
    let mut hop: bpf_redir_neigh = unsafe { mem::zeroed() };
    let mut gateway: Address = [0; 4];
    // Of a packet around another the kernel knows the way itself.
    if flow.is_forward()
        && flow.overhead == 0
        && let Some(backend) = BACKEND.get(flow.backend)
        && (backend.flags & BACKEND_REMOTE != 0
            || backend.ifindex == flow.ifindex && flow.delivery == DELIVERY_NEIGH)
    {
        gateway = backend.gateway;
    }
    // SAFETY: a zeroed union of plain data; the helper reads `size_of` bytes or none.
    unsafe {
        if gateway[3] == 0 && gateway[0] == 0 {
            return bpf_redirect_neigh(flow.ifindex, ptr::null_mut(), 0, 0) as i32;
        }
        if V6 {
            hop.nh_family = AF_INET6.into();
            hop.__bindgen_anon_1.ipv6_nh = gateway;
        } else {
            hop.nh_family = AF_INET.into();
            hop.__bindgen_anon_1.ipv4_nh = gateway[3];
        }
        let size = size_of::<bpf_redir_neigh>() as i32;
        bpf_redirect_neigh(flow.ifindex, &raw mut hop, size, 0) as i32
    }
}

#[inline(always)]
unsafe fn write_macs(skb: *mut __sk_buff, flow: &Flow) -> bool {
    // SAFETY: both writes are inside the bound.
    unsafe {
        let data = (*skb).data as usize;
        if data + 12 > (*skb).data_end as usize {
            return false;
        }
        // Both lie in the flow as in the frame. In words: of six bytes the compiler
        // makes a call.
        let macs = (&raw const flow.dmac).cast::<u32>();
        for word in 0..3 {
            *(data as *mut u32).add(word) = *macs.add(word);
        }
        true
    }
}
