// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Answers to ARP and neighbour solicitations, sent back from the driver.

use aya_ebpf::bindings::{
    xdp_action::{XDP_PASS, XDP_TX},
    xdp_md,
};

use super::frame::place;
use crate::announce::{Arp, Neighbour, announced};

/// Answers an ARP request for one of our addresses. Returns the program's verdict.
///
/// # Safety
/// `ctx` is the program's context.
#[inline(never)]
pub unsafe fn arp(ctx: *mut xdp_md) -> u32 {
    // SAFETY: as the caller promises; no helper moves the frame meanwhile.
    unsafe {
        let Some(frame) = place::<Arp>(ctx, 0) else {
            return XDP_PASS;
        };
        let Some(target) = (*frame).asked() else {
            return XDP_PASS;
        };
        let Some(mac) = announced::<false>((*ctx).ingress_ifindex, &target) else {
            return XDP_PASS;
        };
        (*frame).reply(mac);
        XDP_TX
    }
}

/// Answers a neighbour solicitation for one of our addresses, like `arp`.
///
/// # Safety
/// `ctx` is the program's context and holds an IPv6 packet.
#[inline(never)]
pub unsafe fn solicitation(ctx: *mut xdp_md) -> u32 {
    // SAFETY: as the caller promises; no helper moves the frame meanwhile.
    unsafe {
        let Some(frame) = place::<Neighbour>(ctx, 0) else {
            return XDP_PASS;
        };
        let Some(target) = (*frame).asked() else {
            return XDP_PASS;
        };
        let Some(mac) = announced::<true>((*ctx).ingress_ifindex, &target) else {
            return XDP_PASS;
        };
        (*frame).advertise(mac);
        XDP_TX
    }
}
