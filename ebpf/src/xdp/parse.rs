// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What a packet is, as far as it can be told at once.

use aya_ebpf::bindings::xdp_md;

use super::frame::{first_buffer, length, load};
use crate::{
    flows::Tuple,
    packet::{
        ETH_HLEN, FRAGMENT_OFFSET, IPPROTO_TCP, IPPROTO_UDP, IPV4_HLEN, IPV6_HLEN, MALFORMED,
        MAPPED, MORE_FRAGMENTS, Packet, SOUND, TCP_HLEN, UDP_HLEN,
    },
};

/// Reads a frame like `parse_v4` and `parse_v6` of the other program. None: not TCP
/// or UDP right behind the IP header, a fragment, or headers in a second buffer.
///
/// # Safety
/// `ctx` is the program's context.
#[inline(always)]
pub unsafe fn parse<const V6: bool>(ctx: *mut xdp_md) -> Option<Packet> {
    // SAFETY: as the caller promises.
    unsafe {
        let mut packet = if V6 {
            network_v6(ctx)?
        } else {
            network_v4(ctx)?
        };
        transport(ctx, &mut packet)?;
        Some(packet)
    }
}

#[inline(always)]
unsafe fn network_v4(ctx: *mut xdp_md) -> Option<Packet> {
    // SAFETY: as the caller promises.
    unsafe {
        let [version_ihl, _]: [u8; 2] = load(ctx, ETH_HLEN)?;
        let header = u32::from(version_ihl & 0x0f) * 4;
        let [ttl, protocol]: [u8; 2] = load(ctx, ETH_HLEN + 8)?;
        let fragment = u16::from_be(load(ctx, ETH_HLEN + 6)?);
        if version_ihl >> 4 != 4
            || header < IPV4_HLEN
            || fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET) != 0
        {
            return None;
        }
        let saddr: u32 = load(ctx, ETH_HLEN + 12)?;
        let daddr: u32 = load(ctx, ETH_HLEN + 16)?;
        Some(Packet {
            tuple: Tuple {
                saddr: [0, 0, MAPPED, saddr],
                daddr: [0, 0, MAPPED, daddr],
                sport: 0,
                dport: 0,
                protocol: protocol.into(),
            },
            l4: ETH_HLEN + header,
            length: u32::from(u16::from_be(load(ctx, ETH_HLEN + 2)?)),
            flags: 0,
            ttl,
            defect: SOUND,
            overhead: 0,
        })
    }
}

#[inline(always)]
unsafe fn network_v6(ctx: *mut xdp_md) -> Option<Packet> {
    // SAFETY: as the caller promises.
    unsafe {
        let [version, _]: [u8; 2] = load(ctx, ETH_HLEN)?;
        if version >> 4 != 6 {
            return None;
        }
        let [next, ttl]: [u8; 2] = load(ctx, ETH_HLEN + 6)?;
        let payload = u32::from(u16::from_be(load(ctx, ETH_HLEN + 4)?));
        Some(Packet {
            tuple: Tuple {
                saddr: load(ctx, ETH_HLEN + 8)?,
                daddr: load(ctx, ETH_HLEN + 24)?,
                sport: 0,
                dport: 0,
                protocol: next.into(),
            },
            l4: ETH_HLEN + IPV6_HLEN,
            length: payload + IPV6_HLEN,
            flags: 0,
            ttl,
            defect: SOUND,
            overhead: 0,
        })
    }
}

/// Reads ports and flags, and checks the lengths against each other.
#[inline(always)]
unsafe fn transport(ctx: *mut xdp_md, packet: &mut Packet) -> Option<()> {
    // SAFETY: as the caller promises.
    unsafe {
        let l4 = packet.l4();
        [packet.tuple.sport, packet.tuple.dport] = load::<[u16; 2]>(ctx, l4)?;
        let minimum = match packet.tuple.protocol() {
            IPPROTO_TCP => {
                // A header that the first buffer does not hold may go on in another.
                let [offset, flags]: [u8; 2] = load(ctx, l4 + 12)?;
                load::<u16>(ctx, l4 + TCP_HLEN - 2)?;
                packet.flags = flags;
                let header = u32::from(offset >> 4) * 4;
                if header < TCP_HLEN {
                    packet.defect = MALFORMED;
                }
                header
            }
            IPPROTO_UDP => {
                // RFC 768: the length counts the header.
                if u32::from(u16::from_be(load(ctx, l4 + 4)?)) < UDP_HLEN {
                    packet.defect = MALFORMED;
                }
                load::<u16>(ctx, l4 + UDP_HLEN - 2)?;
                UDP_HLEN
            }
            _ => return None,
        };
        let end = packet.length + ETH_HLEN;
        if packet.length < l4 - ETH_HLEN + minimum || end > first_buffer(ctx) && end > length(ctx) {
            packet.defect = MALFORMED;
        }
        Some(())
    }
}
