// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Refusing a packet of no flow in the driver.

use aya_ebpf::{
    bindings::{
        xdp_action::{XDP_DROP, XDP_PASS, XDP_TX},
        xdp_md,
    },
    helpers::generated::bpf_xdp_adjust_tail,
};
use blixt_ebpf::layout::{ADDRESS_LOCAL, BACKEND_REFUSE};

use super::frame::{first_buffer, is_for_host, length, load, place};
use crate::{
    counters,
    packet::{ETH_HLEN, IPPROTO_TCP, IPV4_HLEN, IPV6_HLEN, Packet, TCP_HLEN, TCP_RST},
    refuse::{checksum, ipv4_header, ipv6_header, segment},
    select,
};

/// Refuses what is for an address of ours and no service, or a service whose slot
/// refuses; anything else is for the other program. Returns the program's verdict.
///
/// # Safety
/// `ctx` is the program's context, `packet` what it parsed to and of no flow.
#[inline(never)]
pub unsafe fn refuse<const V6: bool>(ctx: *mut xdp_md, packet: &Packet) -> u32 {
    let Some(flags) = select::address::<V6>(&packet.tuple.daddr) else {
        return XDP_PASS;
    };
    if packet.tuple.is_within() {
        // Another node may have answered the host itself.
        return XDP_PASS;
    }
    let service = select::service(&packet.tuple);
    let refused = match &service {
        None => flags & ADDRESS_LOCAL == 0,
        // Where a client sticks to its backend is not for its hash alone to say.
        Some(service) if service.affinity != 0 => false,
        Some(service) => {
            let hash = select::hash(&packet.tuple, false);
            select::backend(service, hash) == Some(BACKEND_REFUSE)
        }
    };
    // SAFETY: as the caller promises.
    unsafe {
        // A frame in several buffers cannot be cut to a reset in one step.
        if !refused || !is_for_host(ctx) || length(ctx) != first_buffer(ctx) {
            return XDP_PASS;
        }
        let tcp = packet.tuple.protocol() == IPPROTO_TCP;
        if let Some(service) = service {
            counters::refused(service.id);
            if tcp {
                counters::dropped(|drops| &mut drops.refused_tcp);
            } else {
                counters::dropped(|drops| &mut drops.refused_udp);
            }
        } else {
            counters::dropped(|drops| &mut drops.no_service);
        }
        if tcp {
            reset::<V6>(ctx, packet)
        } else {
            XDP_DROP
        }
    }
}

/// Turns the frame into the reset that answers it and sends it back.
#[inline(always)]
unsafe fn reset<const V6: bool>(ctx: *mut xdp_md, packet: &Packet) -> u32 {
    if packet.flags & TCP_RST != 0 {
        return XDP_DROP;
    }
    // SAFETY: as the caller promises; places are asked for anew once the end moved.
    unsafe {
        let Some(macs) = load::<[[u8; 6]; 2]>(ctx, 0) else {
            return XDP_DROP;
        };
        let Some(numbers) = load::<[u32; 2]>(ctx, packet.l4() + 4) else {
            return XDP_DROP;
        };
        let Some([offset, _]) = load::<[u8; 2]>(ctx, packet.l4() + 12) else {
            return XDP_DROP;
        };
        let mut tcp = segment(packet, numbers, offset);
        let sum = checksum::<V6>(packet, &tcp);
        tcp[16..18].copy_from_slice(&sum.to_ne_bytes());
        let l4 = ETH_HLEN + if V6 { IPV6_HLEN } else { IPV4_HLEN };
        let change = (l4 + TCP_HLEN) as i32 - first_buffer(ctx) as i32;
        if bpf_xdp_adjust_tail(ctx, change) != 0 {
            return XDP_DROP;
        }
        let written = store(ctx, 0, [macs[1], macs[0]])
            && (if V6 {
                store(ctx, ETH_HLEN, ipv6_header(packet))
            } else {
                store(ctx, ETH_HLEN, ipv4_header(packet))
            })
            && store(ctx, l4, tcp);
        if written { XDP_TX } else { XDP_DROP }
    }
}

#[inline(always)]
unsafe fn store<T>(ctx: *mut xdp_md, at: u32, bytes: T) -> bool {
    // SAFETY: the place is within the frame.
    unsafe {
        let Some(place) = place::<T>(ctx, at) else {
            return false;
        };
        place.write_unaligned(bytes);
        true
    }
}
