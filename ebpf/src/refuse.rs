// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Refusing a TCP segment: the frame itself goes back as a reset.

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_PSEUDO_HDR, BPF_F_RECOMPUTE_CSUM},
    helpers::generated::{bpf_l4_csum_replace, bpf_skb_change_tail, bpf_skb_store_bytes},
};

use crate::{
    checksum::{TCP_CHECK, folded, pseudo_header},
    deliver::TC_ACT_SHOT,
    global::global,
    header::{Ipv4, Ipv6},
    host::send_back,
    packet::{
        ETH_HLEN, IPPROTO_TCP, IPV4_HLEN, IPV6_HLEN, Packet, TCP_ACK, TCP_FIN, TCP_HLEN, TCP_RST,
        TCP_SYN, load,
    },
};

global! {
    /// Turns the frame into the reset that RFC 9293, section 3.10.7.1 (CLOSED)
    /// asks for and sends it back where it came from. A reset is never answered.
    /// Returns the program's verdict.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to.
    pub fn reset(skb: *mut __sk_buff; packet: Packet) -> i32
        = reset_body, reset4, reset6
}

#[inline(always)]
unsafe fn reset_body<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> i32 {
    if packet.flags & TCP_RST != 0 {
        return TC_ACT_SHOT;
    }
    // SAFETY: helper calls on the context, buffers on the stack.
    unsafe {
        let Some(macs) = load::<[[u8; 6]; 2]>(skb, 0) else {
            return TC_ACT_SHOT;
        };
        let Some(numbers) = load::<[u32; 2]>(skb, packet.l4() + 4) else {
            return TC_ACT_SHOT;
        };
        let Some([offset, _]) = load::<[u8; 2]>(skb, packet.l4() + 12) else {
            return TC_ACT_SHOT;
        };
        let mut tcp = segment(packet, numbers, offset);
        let l4 = if V6 {
            ETH_HLEN + IPV6_HLEN
        } else {
            ETH_HLEN + IPV4_HLEN
        };
        if bpf_skb_change_tail(skb, l4 + TCP_HLEN, 0) != 0 {
            return TC_ACT_SHOT;
        }
        let checksum = checksum::<V6>(packet, &tcp);
        tcp[16..18].copy_from_slice(&checksum.to_ne_bytes());
        if !store(skb, 0, &[macs[1], macs[0]])
            || !(if V6 {
                store(skb, ETH_HLEN, &ipv6_header(packet))
            } else {
                store(skb, ETH_HLEN, &ipv4_header(packet))
            })
            || !store(skb, l4, &tcp)
        {
            return TC_ACT_SHOT;
        }
        let pseudo = pseudo_header::<V6>(&packet.tuple, TCP_HLEN as u16);
        leave_to_device(skb, l4 + TCP_CHECK, checksum, folded(pseudo));
        send_back(skb)
    }
}

/// The TCP header of the reset, its checksum 0. `numbers` are the refused segment's
/// sequence and acknowledgement as they stand there, `offset` its data offset's byte.
#[inline(always)]
pub fn segment(packet: &Packet, numbers: [u32; 2], offset: u8) -> [u8; TCP_HLEN as usize] {
    let [sequence, acknowledged] = numbers;
    let mut tcp = [0u8; TCP_HLEN as usize];
    tcp[0..2].copy_from_slice(&packet.tuple.dport.to_ne_bytes());
    tcp[2..4].copy_from_slice(&packet.tuple.sport.to_ne_bytes());
    if packet.flags & TCP_ACK != 0 {
        tcp[4..8].copy_from_slice(&acknowledged.to_ne_bytes());
        tcp[13] = TCP_RST;
    } else {
        let header = packet.l4() - ETH_HLEN + u32::from(offset >> 4) * 4;
        let length = packet.length.wrapping_sub(header)
            + u32::from(packet.flags & TCP_SYN != 0)
            + u32::from(packet.flags & TCP_FIN != 0);
        let next = u32::from_be(sequence).wrapping_add(length);
        tcp[8..12].copy_from_slice(&next.to_be_bytes());
        tcp[13] = TCP_RST | TCP_ACK;
    }
    tcp[12] = ((TCP_HLEN / 4) << 4) as u8;
    tcp
}

/// Checksum of the reset with this TCP header.
#[inline(always)]
pub fn checksum<const V6: bool>(packet: &Packet, tcp: &[u8; TCP_HLEN as usize]) -> u16 {
    let pseudo = pseudo_header::<V6>(&packet.tuple, TCP_HLEN as u16);
    !folded(sum(tcp) + pseudo)
}

/// Where the checksum was left to the device (CHECKSUM_PARTIAL), the field must
/// hold the pseudo header's sum alone. The program cannot see whether it was,
/// but the kernel can: a change of the segment leaves such a field as it is.
#[inline(always)]
unsafe fn leave_to_device(skb: *mut __sk_buff, at: u32, checksum: u16, pseudo: u16) {
    // SAFETY: helper calls on the context.
    unsafe {
        bpf_l4_csum_replace(skb, at, 0, 1, 2);
        let left = load::<u16>(skb, at) == Some(checksum);
        if !left {
            bpf_l4_csum_replace(skb, at, 1, 0, 2);
        } else if pseudo != checksum {
            // With this flag such a field follows the change as it is.
            bpf_l4_csum_replace(
                skb,
                at,
                checksum.into(),
                pseudo.into(),
                u64::from(BPF_F_PSEUDO_HDR) | 2,
            );
        }
    }
}

#[inline(always)]
unsafe fn store<T>(skb: *mut __sk_buff, at: u32, bytes: &T) -> bool {
    let from = core::ptr::from_ref(bytes).cast();
    // SAFETY: `bytes` is plain data of that size.
    unsafe {
        bpf_skb_store_bytes(
            skb,
            at,
            from,
            size_of::<T>() as u32,
            BPF_F_RECOMPUTE_CSUM.into(),
        ) == 0
    }
}

/// IP header of the reset.
#[inline(always)]
pub fn ipv4_header(packet: &Packet) -> Ipv4 {
    let ends = [packet.tuple.daddr[3], packet.tuple.saddr[3]];
    Ipv4::new(0, IPV4_HLEN + TCP_HLEN, IPPROTO_TCP, ends)
}

/// The same over IPv6.
#[inline(always)]
pub fn ipv6_header(packet: &Packet) -> Ipv6 {
    let ends = [packet.tuple.daddr, packet.tuple.saddr];
    Ipv6::new(0, TCP_HLEN, IPPROTO_TCP, ends)
}

#[inline(always)]
fn sum(bytes: &[u8; TCP_HLEN as usize]) -> u32 {
    let mut total = 0;
    for i in 0..TCP_HLEN as usize / 2 {
        total += u32::from(u16::from_ne_bytes([bytes[2 * i], bytes[2 * i + 1]]));
    }
    total
}
