// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What the host itself sends and gets. `egress` turns its frames for us round,
//! so that they enter by `ingress` like everybody else's; they are known by their
//! MAC addresses, which are both that interface's own.
//!
//! What it sends to an address of its own does not leave: it comes by the loopback
//! interface, and is answered there. The source of an answer is the host's own address
//! too, which the stack refuses wherever a packet comes in (RFC 1812, section 5.3.8),
//! but not of one that was sent there and so has its route already.

use core::ptr;

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_INGRESS},
    helpers::generated::{bpf_redirect, bpf_redirect_neigh, bpf_skb_change_type},
};
use blixt_ebpf::layout::{
    DELIVERY_HOST, DELIVERY_NEIGH, DELIVERY_UNKNOWN, DEVICE_BRIDGE_PORT, Flow,
};

use crate::{
    deliver::PACKET_OTHERHOST,
    flows::{self, Tuple},
    maps::{DEVICE, HOST_PORT},
    packet::load,
    tracking::is_remote,
};

/// Index of the loopback interface of every network namespace (LOOPBACK_IFINDEX).
pub const LOOPBACK: u32 = 1;

/// Begins the way of replies to who sent the frame: all of it when that is the
/// host, since an error may go there before the first reply.
///
/// # Safety
/// `skb` is the program's context, its frame as it came.
#[inline(always)]
pub unsafe fn begin_way(skb: *mut __sk_buff, flow: &mut Flow) {
    flow.delivery = DELIVERY_UNKNOWN;
    // SAFETY: as the caller promises.
    if let Some([to, from]) = unsafe { load::<[[u8; 6]; 2]>(skb, 0) }
        && to == from
    {
        if flow.ifindex == LOOPBACK {
            return stay(flow);
        }
        flow.delivery = DELIVERY_HOST;
        flow.dmac = to;
        flow.smac = from;
    }
}

/// The way of replies to a client on the host that sent to an address of the host's.
#[inline(always)]
pub fn stay(flow: &mut Flow) {
    flow.delivery = DELIVERY_NEIGH;
    flow.mtu = u16::MAX;
}

/// Whether the host sent the frame: nobody else's comes from the MAC address that
/// it goes to.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn is_from_host(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises.
    unsafe { load::<[[u8; 6]; 2]>(skb, 0) }.is_some_and(|[to, from]| to == from)
}

/// Whether the host may have a flow at this port of its own (network byte order). Of
/// one that was ever noted, the flow tables know.
#[inline(always)]
pub fn may_have(port: u16) -> bool {
    let port = u32::from(port);
    HOST_PORT
        .get(port >> 6)
        .is_some_and(|ports| ports.noted[port as usize & 63] != 0)
}

/// Notes that the host has a flow at this port of its own (network byte order).
#[inline(always)]
pub fn note(port: u16) {
    let port = u32::from(port);
    if let Some(ports) = HOST_PORT.get_ptr_mut(port >> 6) {
        // SAFETY: a byte of a map's element, and all that write it write the same.
        unsafe { (*ports).noted[port as usize & 63] = 1 };
    }
}

/// Sends a frame, made out to who sent it, back there. Returns the program's verdict.
///
/// # Safety
/// `skb` is the program's context.
#[inline(never)]
pub unsafe fn send_back(skb: *mut __sk_buff) -> i32 {
    // SAFETY: helper calls on the context.
    unsafe {
        if (*skb).ifindex == LOOPBACK {
            return take(skb);
        }
        let flags = if is_from_host(skb) { BPF_F_INGRESS } else { 0 };
        bpf_redirect((*skb).ifindex, flags.into()) as i32
    }
}

/// Whether a packet between two ports of one address of ours is another node's answer to
/// a flow of the host's own.
#[inline(always)]
pub fn is_answered<const V6: bool>(tuple: &Tuple) -> bool {
    let request = Tuple {
        sport: tuple.dport,
        dport: tuple.sport,
        ..*tuple
    };
    let flow = flows::find_any::<V6>(&request);
    // SAFETY: the element stays valid for this run.
    !flow.is_null() && unsafe { is_remote(&request, &*flow) }
}

/// Hands a packet to the host as one that came over loopback, marked as what `ingress`
/// has no more to do with there. Returns the program's verdict.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn take(skb: *mut __sk_buff) -> i32 {
    // SAFETY: helper calls on the context.
    unsafe {
        bpf_skb_change_type(skb, PACKET_OTHERHOST);
        bpf_redirect_neigh(LOOPBACK, ptr::null_mut(), 0, 0) as i32
    }
}

/// The way of replies to the host: in by the interface that its packets leave by.
#[inline(always)]
pub fn resolve(flow: &mut Flow) {
    // SAFETY: read at once.
    if let Some(device) = unsafe { DEVICE.get(flow.ifindex) } {
        flow.dmac = device.mac;
        flow.smac = device.mac;
    }
}

/// Where a client behind this interface is reached: a bridge's port has neither
/// addresses nor neighbours, its bridge has.
#[inline(always)]
pub fn way_back(ifindex: u32) -> u32 {
    // SAFETY: read at once.
    match unsafe { DEVICE.get(ifindex) } {
        Some(device) if device.flags & DEVICE_BRIDGE_PORT != 0 => device.master,
        _ => ifindex,
    }
}
