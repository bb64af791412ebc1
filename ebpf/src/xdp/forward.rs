// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets of flows in their steady state, whose way leads back through the
//! interface they came in at: to a node or a backend on the same link, and back.

use aya_ebpf::bindings::{
    xdp_action::{XDP_DROP, XDP_PASS, XDP_TX},
    xdp_md,
};
use blixt_ebpf::layout::{DELIVERY_MAC, DELIVERY_PEER, Flow, STATE_ESTABLISHED};

use super::{
    frame::{is_for_host, load},
    refuse::refuse,
    rewrite::rewrite,
};
use crate::{
    counters, flows,
    forward::{is_alive, is_ours},
    packet::{IPPROTO_TCP, Packet, SOUND, TCP_FIN, TCP_RST, TCP_SYN},
    tracking,
};

/// Forwards, refuses or drops one parsed packet, or passes it on.
///
/// # Safety
/// `ctx` is the program's context, `packet` what it parsed to.
#[inline(always)]
pub unsafe fn forward<const V6: bool>(ctx: *mut xdp_md, packet: &Packet) -> u32 {
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    unsafe {
        if packet.defect != SOUND {
            return malformed::<V6>(ctx, packet);
        }
        match flows::find::<V6>(&packet.tuple) {
            Some(flow) => go_on::<V6>(ctx, packet, &*flow),
            None if flows::pending::<V6>(&packet.tuple).is_some() => XDP_PASS,
            None => refuse::<V6>(ctx, packet),
        }
    }
}

#[inline(never)]
unsafe fn malformed<const V6: bool>(ctx: *mut xdp_md, packet: &Packet) -> u32 {
    // SAFETY: as the caller promises.
    if !is_ours::<V6>(packet) || !unsafe { is_for_host(ctx) } {
        return XDP_PASS;
    }
    counters::dropped(|drops| &mut drops.malformed);
    XDP_DROP
}

#[inline(always)]
unsafe fn go_on<const V6: bool>(ctx: *mut xdp_md, packet: &Packet, flow: &Flow) -> u32 {
    // SAFETY: as the caller promises.
    unsafe {
        if !matches!(flow.delivery, DELIVERY_MAC | DELIVERY_PEER)
            || flow.overhead != 0
            || flow.mtu != 0 && packet.length > flow.mtu.into()
            || flow.ifindex != (*ctx).ingress_ifindex
            || packet.ttl <= 1
            || flow.is_snat()
            || is_hairpin(packet, flow)
            || !is_steady(packet, flow)
        {
            return XDP_PASS;
        }
        // What leaves here has the address that frames for this host have.
        if load::<[u8; 6]>(ctx, 0) != Some(flow.smac) || !rewrite::<V6>(ctx, packet, flow) {
            return XDP_PASS;
        }
        counters::forwarded(flow, packet.length);
        XDP_TX
    }
}

/// Whether client and backend have one address, where more has to be written than
/// the flow says. The last word alone tells enough.
#[inline(always)]
fn is_hairpin(packet: &Packet, flow: &Flow) -> bool {
    let tuple = &packet.tuple;
    let other = if flow.is_forward() {
        tuple.saddr[3]
    } else {
        tuple.daddr[3]
    };
    flow.address[3] == other
}

/// Whether the packet changes nothing of the flow: that, and the way it takes, is
/// looked after once a tick, by the packet that is passed on.
#[inline(always)]
fn is_steady(packet: &Packet, flow: &Flow) -> bool {
    let forward = flow.is_forward();
    if flow.tick != tracking::tick() || forward && !is_alive(flow) {
        return false;
    }
    if packet.tuple.protocol() == IPPROTO_TCP {
        flow.state == STATE_ESTABLISHED && packet.flags & (TCP_SYN | TCP_FIN | TCP_RST) == 0
    } else {
        forward || flow.state == STATE_ESTABLISHED
    }
}
