// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Pings to addresses that traffic is taken for, sent back from the driver.

use aya_ebpf::bindings::{
    xdp_action::{XDP_PASS, XDP_TX},
    xdp_md,
};
use blixt_ebpf::layout::{ADDRESS_LOCAL, Address};

use super::frame::{is_for_host, load, place, swap};
use crate::{
    checksum::{folded, replaced},
    echo::{begin_hops, kinds},
    header::TTL,
    packet::{ETH_HLEN, FRAGMENT_OFFSET, MAPPED, MORE_FRAGMENTS},
    select,
};

/// Answers an echo request that is no fragment, as the other program would.
/// Returns the program's verdict.
///
/// # Safety
/// `ctx` is the program's context and holds an ICMP or ICMPv6 packet.
#[inline(never)]
pub unsafe fn echo<const V6: bool>(ctx: *mut xdp_md) -> u32 {
    let (l4, request, reply) = kinds::<V6>();
    // SAFETY: as the caller promises; no helper moves the frame meanwhile.
    unsafe {
        let Some(icmp) = place::<[u16; 2]>(ctx, l4) else {
            return XDP_PASS;
        };
        let [request, reply] = [request, reply].map(u16::from_ne_bytes);
        if (*icmp)[0] != request || !is_for_host(ctx) {
            return XDP_PASS;
        }
        let Some(daddr) = destination::<V6>(ctx) else {
            return XDP_PASS;
        };
        let Some(flags) = select::address::<V6>(&daddr) else {
            return XDP_PASS;
        };
        if flags & ADDRESS_LOCAL != 0 {
            return XDP_PASS;
        }
        let Some([dmac, smac]) = place::<[[u8; 6]; 2]>(ctx, 0).map(|macs| {
            let first = macs.cast::<[u8; 6]>();
            [first, first.add(1)]
        }) else {
            return XDP_PASS;
        };
        swap(dmac, smac);
        let at = if V6 { 8 } else { 12 };
        if V6 {
            let Some(first) = place::<[Address; 2]>(ctx, ETH_HLEN + at) else {
                return XDP_PASS;
            };
            swap(first.cast::<Address>(), first.cast::<Address>().add(1));
            let Some(word) = place::<[u8; 2]>(ctx, ETH_HLEN + 6) else {
                return XDP_PASS;
            };
            (*word)[1] = TTL;
        } else {
            let Some(first) = place::<[u32; 2]>(ctx, ETH_HLEN + at) else {
                return XDP_PASS;
            };
            swap(first.cast::<u32>(), first.cast::<u32>().add(1));
            let Some(word) = place::<[u16; 2]>(ctx, ETH_HLEN + 8) else {
                return XDP_PASS;
            };
            begin_hops(word.cast(), word.cast::<u16>().add(1));
        }
        // The addresses change places, which no sum notices; the type does not.
        (*icmp)[1] = !folded(replaced(u32::from(!(*icmp)[1]), request, reply));
        (*icmp)[0] = reply;
        XDP_TX
    }
}

/// The destination, mapped into IPv6; none where IPv4 options are in the way, or
/// of a fragment.
#[inline(always)]
unsafe fn destination<const V6: bool>(ctx: *mut xdp_md) -> Option<Address> {
    // SAFETY: as the caller promises.
    unsafe {
        let [version_ihl, _] = load::<[u8; 2]>(ctx, ETH_HLEN)?;
        if V6 {
            return load::<Address>(ctx, ETH_HLEN + 24).filter(|_| version_ihl >> 4 == 6);
        }
        let fragment = u16::from_be(load(ctx, ETH_HLEN + 6)?);
        if version_ihl != 0x45 || fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0 {
            return None;
        }
        Some([0, 0, MAPPED, load::<u32>(ctx, ETH_HLEN + 16)?])
    }
}
