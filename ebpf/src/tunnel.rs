// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets inside packets between nodes: IPv4 or IPv6 in IPv4 (RFC 2003, RFC 4213)
//! or in IPv6 (RFC 2473), nothing in between.

use aya_ebpf::{
    bindings::{
        __sk_buff, BPF_F_ADJ_ROOM_DECAP_L3_IPV4, BPF_F_ADJ_ROOM_DECAP_L3_IPV6,
        BPF_F_ADJ_ROOM_ENCAP_L3_IPV4, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6, BPF_F_ADJ_ROOM_FIXED_GSO,
        BPF_F_ADJ_ROOM_NO_CSUM_RESET, BPF_F_RECOMPUTE_CSUM, bpf_adj_room_mode::BPF_ADJ_ROOM_MAC,
    },
    helpers::generated::{bpf_skb_adjust_room, bpf_skb_store_bytes},
};
use blixt_ebpf::layout::{Address, BACKEND_TUNNEL, Backend, NODE_SELF};

use crate::{
    counters,
    header::{Ipv4, Ipv6},
    maps::{ADDRESS, BACKEND, NODE},
    packet::{
        ETH_HLEN, ETH_P_IP, ETH_P_IPV6, IPPROTO_IPIP, IPPROTO_IPV6, IPV4_HLEN, IPV6_HLEN, MAPPED,
        copied,
    },
};

/// RFC 791, section 3.1: flags and offset in bytes 6 and 7 of the header.
const MORE_FRAGMENTS_OR_OFFSET: u16 = 0x3fff;

/// Whether an address is an IPv4 one.
#[inline(always)]
pub fn is_v4(address: &Address) -> bool {
    address[0] == 0 && address[1] == 0 && address[2] == MAPPED
}

/// Bytes of the header around packets to a node of that address.
#[inline(always)]
pub fn overhead(node: &Address) -> u8 {
    (if is_v4(node) { IPV4_HLEN } else { IPV6_HLEN }) as u8
}

/// Puts the packet of a flow to a remote backend inside one for its node.
/// Segments of a super-packet keep their size. The outer packet must not be
/// fragmented, since nobody would put it together at the other end; its traffic
/// class is that of the inner one, without the two bits of congestion
/// notification (RFC 6040, section 4.3, compatibility mode).
///
/// False when it was dropped and counted: the backend is none of another node any
/// more, or the kernel would not make room.
///
/// # Safety
/// `skb` is the program's context and holds a packet of that family; pointers into
/// the frame are void afterwards.
#[inline(never)]
pub unsafe fn enter<const V6: bool>(skb: *mut __sk_buff, backend: u32, epoch: u32) -> bool {
    let backend = match BACKEND.get(backend) {
        Some(backend) if backend.flags & BACKEND_TUNNEL != 0 && backend.epoch == epoch => backend,
        // Later fragments and errors come here without a look at it.
        _ => {
            counters::dropped(|drops| &mut drops.backend_gone);
            return false;
        }
    };
    // SAFETY: as the caller promises.
    let done = unsafe { wrap::<V6>(skb, backend) };
    if !done {
        counters::dropped(|drops| &mut drops.rewrite_failed);
    }
    done
}

#[inline(always)]
unsafe fn wrap<const V6: bool>(skb: *mut __sk_buff, backend: &Backend) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(inner) = copied::<[u16; 4]>(skb, ETH_HLEN) else {
            return false;
        };
        let length = if (*skb).gso_size != 0 {
            // May be longer than its length field can say.
            (*skb).len - ETH_HLEN
        } else if V6 {
            u32::from(u16::from_be(inner[2])) + IPV6_HLEN
        } else {
            u16::from_be(inner[1]).into()
        };
        let [first, second] = inner[0].to_ne_bytes();
        let class = if V6 { first << 4 | second >> 4 } else { second } & 0xfc;
        let protocol = if V6 { IPPROTO_IPV6 } else { IPPROTO_IPIP };
        if is_v4(&backend.gateway) {
            let total = length + IPV4_HLEN;
            let ends = [backend.source[3], backend.gateway[3]];
            let header = Ipv4::new(class, total, protocol, ends);
            grow(skb, &header, BPF_F_ADJ_ROOM_ENCAP_L3_IPV4)
                && (!V6 || set_ethertype(skb, ETH_P_IP))
        } else {
            let ends = [backend.source, backend.gateway];
            let header = Ipv6::new(class, length, protocol, ends);
            grow(skb, &header, BPF_F_ADJ_ROOM_ENCAP_L3_IPV6)
                && (V6 || set_ethertype(skb, ETH_P_IPV6))
        }
    }
}

/// Makes room before the IP header and writes another one there.
#[inline(always)]
unsafe fn grow<T>(skb: *mut __sk_buff, header: &T, family: u32) -> bool {
    let size = size_of::<T>() as u32;
    let flags = family | BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
    let from = core::ptr::from_ref(header).cast();
    // SAFETY: helper calls on the context; `header` is plain data of that size.
    unsafe {
        bpf_skb_adjust_room(skb, size as i32, BPF_ADJ_ROOM_MAC, flags.into()) == 0
            && bpf_skb_store_bytes(skb, ETH_HLEN, from, size, BPF_F_RECOMPUTE_CSUM.into()) == 0
    }
}

#[inline(always)]
unsafe fn set_ethertype(skb: *mut __sk_buff, kind: u16) -> bool {
    let kind = kind.to_be();
    // SAFETY: the helper reads `kind` alone. The sum that hardware made begins behind.
    unsafe { bpf_skb_store_bytes(skb, ETH_HLEN - 2, (&raw const kind).cast(), 2, 0) == 0 }
}

/// What `leave` made of a packet.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub enum Inside {
    /// An IPv4 packet stands there now.
    V4,
    V6,
    /// Not ours: it is as it came.
    Foreign,
    /// It was dropped and counted.
    Dropped,
}

/// Takes a packet out of the one that another node sent it in. Others may use
/// the same protocols between the same nodes, so only what is for an address of
/// ours is touched; and strangers must not get anything in this way, so only
/// what a known node sent to this one is.
///
/// # Safety
/// `skb` is the program's context and holds an IP packet of that family; pointers
/// into the frame are void afterwards.
#[inline(never)]
pub unsafe fn leave<const V6: bool>(skb: *mut __sk_buff) -> Inside {
    // SAFETY: as the caller promises.
    unsafe {
        let protocol = if V6 {
            let Some(outer) = copied::<Ipv6>(skb, ETH_HLEN) else {
                return Inside::Foreign;
            };
            if outer.version[0] >> 4 != 6 || !is_between_nodes(&outer.saddr, &outer.daddr) {
                return Inside::Foreign;
            }
            outer.next
        } else {
            let Some(outer) = copied::<Ipv4>(skb, ETH_HLEN) else {
                return Inside::Foreign;
            };
            let (saddr, daddr) = ([0, 0, MAPPED, outer.saddr], [0, 0, MAPPED, outer.daddr]);
            // Ours have no options and are not cut.
            if outer.version_ihl != 0x45
                || u16::from_be(outer.fragment) & MORE_FRAGMENTS_OR_OFFSET != 0
                || !is_between_nodes(&saddr, &daddr)
            {
                return Inside::Foreign;
            }
            outer.protocol
        };
        let overhead = if V6 { IPV6_HLEN } else { IPV4_HLEN };
        let inside = if protocol == IPPROTO_IPV6 {
            Inside::V6
        } else {
            Inside::V4
        };
        if !is_ours(skb, ETH_HLEN + overhead, inside) {
            return Inside::Foreign;
        }
        let (family, kind) = if inside == Inside::V6 {
            (BPF_F_ADJ_ROOM_DECAP_L3_IPV6, ETH_P_IPV6)
        } else {
            (BPF_F_ADJ_ROOM_DECAP_L3_IPV4, ETH_P_IP)
        };
        let flags = family | BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
        let less = -(overhead as i32);
        let failed = bpf_skb_adjust_room(skb, less, BPF_ADJ_ROOM_MAC, flags.into()) != 0
            || !set_ethertype(skb, kind);
        if failed {
            counters::dropped(|drops| &mut drops.rewrite_failed);
            return Inside::Dropped;
        }
        inside
    }
}

/// Whether a packet travels from another node to this one.
#[inline(always)]
pub fn is_between_nodes(saddr: &Address, daddr: &Address) -> bool {
    // SAFETY: read at once.
    unsafe {
        NODE.get(saddr)
            .is_some_and(|node| node.flags & NODE_SELF == 0)
            && NODE
                .get(daddr)
                .is_some_and(|node| node.flags & NODE_SELF != 0)
    }
}

/// Whether the packet at `at` in the frame is one that nodes send each other.
#[inline(always)]
unsafe fn is_ours(skb: *mut __sk_buff, at: u32, inside: Inside) -> bool {
    // SAFETY: as the caller of `leave` promises.
    let inner = unsafe {
        if inside == Inside::V6 {
            copied::<Ipv6>(skb, at)
                .filter(|inner| inner.version[0] >> 4 == 6 && !is_v4(&inner.daddr))
                .map(|inner| inner.daddr)
        } else {
            copied::<Ipv4>(skb, at)
                .filter(|inner| inner.version_ihl >> 4 == 4)
                .map(|inner| [0, 0, MAPPED, inner.daddr])
        }
    };
    // SAFETY: not read at all.
    inner.is_some_and(|daddr| unsafe { ADDRESS.get(&daddr).is_some() })
}
