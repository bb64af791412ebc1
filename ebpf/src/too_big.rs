// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets that the way out does not take: their sender is told how much it does
//! (RFC 1191, RFC 8201), else connections would hang without a word.

use aya_ebpf::bindings::__sk_buff;

use crate::{
    counters,
    deliver::TC_ACT_SHOT,
    global::global,
    host::send_back,
    icmp_error::{become_error, may_tell},
    packet::{ETH_HLEN, IPPROTO_TCP, Packet, UDP_HLEN, copied},
};

/// Destination unreachable, fragmentation needed (RFC 792); packet too big (RFC 4443).
const TOO_BIG: u16 = u16::from_ne_bytes([3, 4]);
const TOO_BIG_V6: u16 = u16::from_ne_bytes([2, 0]);

/// What every IPv6 path takes (RFC 8200, section 5): senders go no lower.
const LEAST_MTU_V6: u16 = 1_280;

/// Whether a packet, or any segment of a super-packet, is longer than its flow's
/// way takes. Asked only of what is longer than that as a whole.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to.
#[inline(never)]
pub unsafe fn is_too_big(skb: *mut __sk_buff, packet: &Packet, mtu: u16) -> bool {
    // SAFETY: a context read, and as the caller promises.
    let length = unsafe {
        match (*skb).gso_size {
            0 => packet.length,
            segment => segment + headers(skb, packet),
        }
    };
    mtu != 0 && length > mtu.into()
}

/// Bytes before the data of a segment.
#[inline(always)]
unsafe fn headers(skb: *mut __sk_buff, packet: &Packet) -> u32 {
    let transport = if packet.tuple.protocol() == IPPROTO_TCP {
        // SAFETY: as the caller promises.
        let words = unsafe { copied::<[u8; 2]>(skb, packet.l4() + 12) };
        words.map_or(0, |[offset, _]| u32::from(offset >> 4) * 4)
    } else {
        UDP_HLEN
    };
    packet.l4() - ETH_HLEN + transport
}

global! {
    /// Drops a packet that is too big, and turns it into the error about itself, from
    /// the address that it was sent to, where its sender may be told.
    ///
    /// That is so too for IPv4 without "don't fragment", which nobody here could cut:
    /// hosts that hear of it cut their next packets themselves. Returns the program's
    /// verdict.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to; it is not rewritten yet.
    pub fn tell(skb: *mut __sk_buff, mtu: u16; packet: Packet) -> i32
        = tell_body, tell4, tell6
}

#[inline(always)]
unsafe fn tell_body<const V6: bool>(skb: *mut __sk_buff, mtu: u16, packet: &Packet) -> i32 {
    counters::dropped(|drops| &mut drops.too_big);
    let (kind, mtu) = if V6 {
        (TOO_BIG_V6, mtu.max(LEAST_MTU_V6))
    } else {
        (TOO_BIG, mtu)
    };
    // SAFETY: as the caller promises.
    unsafe {
        if may_tell::<V6>(packet) && become_error::<V6>(skb, kind, mtu, packet) {
            send_back(skb)
        } else {
            TC_ACT_SHOT
        }
    }
}
