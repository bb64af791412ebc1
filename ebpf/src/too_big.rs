// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets that the way out does not take: their sender is told how much it does
//! (RFC 1191, RFC 8201), else connections would hang without a word.

use aya_ebpf::{
    bindings::{
        __sk_buff, BPF_F_ADJ_ROOM_NO_CSUM_RESET, BPF_F_RECOMPUTE_CSUM,
        bpf_adj_room_mode::BPF_ADJ_ROOM_MAC,
    },
    helpers::generated::{
        bpf_l4_csum_replace, bpf_skb_adjust_room, bpf_skb_change_tail, bpf_skb_pull_data,
        bpf_skb_store_bytes,
    },
};
use blixt_ebpf::layout::Address;

use crate::{
    checksum::{folded, place_in},
    counters,
    deliver::TC_ACT_SHOT,
    global::global,
    header::{Ipv4, Ipv6},
    host::send_back,
    maps::ALLOWANCE,
    packet::{
        ETH_HLEN, ICMP, ICMPV6, IPPROTO_TCP, IPV4_HLEN, IPV6_HLEN, LATER_FRAGMENT, Packet,
        UDP_HLEN, copied, load,
    },
    tracking,
};

/// ICMP errors that a CPU may send in a unit of `now()`, as many as Linux sends
/// (net.ipv4.icmp_msgs_per_sec) by default since it has that limit.
const PER_SECOND: u32 = 1_000;

/// Destination unreachable, fragmentation needed (RFC 792); packet too big (RFC 4443).
const TOO_BIG: [u8; 2] = [3, 4];
const TOO_BIG_V6: [u8; 2] = [2, 0];
const ICMP_HLEN: u32 = 8;

/// Bytes of the whole error: RFC 1812, section 4.3.2.3; RFC 4443, section 3.2.
const LONGEST: u32 = 576;
const LONGEST_V6: u32 = 1_280;

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
    /// hosts that hear of it cut their next packets themselves. Later fragments
    /// are not answered (RFC 1122, section 3.2.2). Returns the program's verdict.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to; it is not rewritten yet.
    pub fn tell(skb: *mut __sk_buff, mtu: u16; packet: Packet) -> i32
        = tell_body, tell4, tell6
}

#[inline(always)]
unsafe fn tell_body<const V6: bool>(skb: *mut __sk_buff, mtu: u16, packet: &Packet) -> i32 {
    counters::dropped(|drops| &mut drops.too_big);
    if packet.defect == LATER_FRAGMENT || !is_host::<V6>(&packet.tuple.saddr) || !may_send() {
        return TC_ACT_SHOT;
    }
    // SAFETY: as the caller promises.
    unsafe {
        let Some(macs) = load::<[[u8; 6]; 2]>(skb, 0) else {
            return TC_ACT_SHOT;
        };
        let unfinished = unfinished_checksum(skb, packet);
        let (outer, longest) = if V6 {
            (IPV6_HLEN, LONGEST_V6)
        } else {
            (IPV4_HLEN, LONGEST)
        };
        let room = outer + ICMP_HLEN;
        let whole = if (*skb).gso_size != 0 {
            (*skb).len - ETH_HLEN
        } else {
            packet.length
        };
        // In whole words, as sums are made.
        let quote = (if whole < longest - room {
            whole
        } else {
            longest - room
        }) & !3;
        let keep = BPF_F_ADJ_ROOM_NO_CSUM_RESET.into();
        if bpf_skb_change_tail(skb, ETH_HLEN + quote, 0) != 0
            || bpf_skb_adjust_room(skb, room as i32, BPF_ADJ_ROOM_MAC, keep) != 0
            || bpf_skb_pull_data(skb, ETH_HLEN + room + quote) != 0
        {
            return TC_ACT_SHOT;
        }
        // The device will make the part behind sum up to what is not in it: the
        // pseudo header, whose sum the field has until then.
        let (summed, rest) = match unfinished {
            Some(pseudo) => (packet.l4() - ETH_HLEN, !pseudo),
            None => (quote, 0),
        };
        let sum = sum(skb, ETH_HLEN + room, summed, longest - room) + u64::from(rest);
        let Packet { tuple, .. } = packet;
        let done = store(skb, 0, &[macs[1], macs[0]])
            && if V6 {
                let mtu = if mtu < LEAST_MTU_V6 {
                    LEAST_MTU_V6
                } else {
                    mtu
                };
                let length = ICMP_HLEN + quote;
                let ip = Ipv6::new(0, length, ICMPV6, [tuple.daddr, tuple.saddr]);
                let pseudo = words(&tuple.daddr)
                    + words(&tuple.saddr)
                    + u64::from((length as u16).to_be())
                    + u64::from(u16::from_ne_bytes([0, ICMPV6]));
                store(skb, ETH_HLEN, &ip)
                    && store(skb, ETH_HLEN + outer, &icmp(TOO_BIG_V6, mtu, sum + pseudo))
            } else {
                let ends = [tuple.daddr[3], tuple.saddr[3]];
                let ip = Ipv4::new(0, room + quote, ICMP, ends);
                store(skb, ETH_HLEN, &ip) && store(skb, ETH_HLEN + outer, &icmp(TOO_BIG, mtu, sum))
            };
        if !done {
            return TC_ACT_SHOT;
        }
        send_back(skb)
    }
}

/// RFC 1122, section 3.2.2; RFC 4443, section 2.4: whether an address names one host.
#[inline(always)]
fn is_host<const V6: bool>(address: &Address) -> bool {
    let [first, ..] = if V6 { address[0] } else { address[3] }.to_ne_bytes();
    if V6 {
        first != 0xff && address[0] | address[1] | address[2] | address[3] != 0
    } else {
        first != 0 && first != 127 && first < 224
    }
}

/// Counts one error more, unless there were too many lately.
#[inline(always)]
fn may_send() -> bool {
    let Some(allowance) = ALLOWANCE.get_ptr_mut(0) else {
        return false;
    };
    let now = tracking::now();
    // SAFETY: the element is this CPU's own, and the program is not preempted in it.
    unsafe {
        if (*allowance).second != now {
            (*allowance).second = now;
            (*allowance).sent = 0;
        }
        (*allowance).sent += 1;
        (*allowance).sent <= PER_SECOND
    }
}

/// What the transport checksum's field holds where that sum is left to the device
/// (CHECKSUM_PARTIAL). The program cannot see whether it is, but the kernel can: a
/// change of the segment leaves such a field as it is.
#[inline(always)]
unsafe fn unfinished_checksum(skb: *mut __sk_buff, packet: &Packet) -> Option<u16> {
    let at = packet.l4() + place_in(packet.tuple.protocol());
    // SAFETY: as the caller promises.
    unsafe {
        let before = copied::<u16>(skb, at)?;
        if bpf_l4_csum_replace(skb, at, 0, 1, 2) != 0 {
            return None;
        }
        let after = copied::<u16>(skb, at)?;
        if after == before {
            return Some(before);
        }
        // What it covers is as it was, so hardware's sum of the packet need not follow.
        let _ = bpf_skb_store_bytes(skb, at, (&raw const before).cast(), 2, 0);
        None
    }
}

/// Sum of `length` bytes of the frame from `at` on, `most` at most.
#[inline(always)]
unsafe fn sum(skb: *mut __sk_buff, at: u32, length: u32, most: u32) -> u64 {
    let mut total = 0;
    let mut offset = 0;
    while offset < most && offset < length {
        // SAFETY: as the caller promises.
        let Some(word) = (unsafe { load::<u32>(skb, at + offset) }) else {
            break;
        };
        total += u64::from(word);
        offset += 4;
    }
    total
}

#[inline(always)]
fn words(address: &Address) -> u64 {
    address.iter().map(|word| u64::from(*word)).sum()
}

/// The ICMP header; `sum` is of all that its checksum covers besides.
#[inline(always)]
fn icmp(kind: [u8; 2], mtu: u16, sum: u64) -> [u16; 4] {
    let mut header = [u16::from_ne_bytes(kind), 0, 0, mtu.to_be()];
    let mut total = sum + u64::from(header[0]) + u64::from(header[3]);
    total = (total & 0xffff_ffff) + (total >> 32);
    total = (total & 0xffff) + (total >> 16 & 0xffff) + (total >> 32);
    header[1] = !folded(total as u32);
    header
}

#[inline(always)]
unsafe fn store<T>(skb: *mut __sk_buff, at: u32, bytes: &T) -> bool {
    let from = core::ptr::from_ref(bytes).cast();
    // The link-layer header is not part of skb->csum.
    let flags = if at == 0 { 0 } else { BPF_F_RECOMPUTE_CSUM };
    // SAFETY: `bytes` is plain data of that size.
    unsafe { bpf_skb_store_bytes(skb, at, from, size_of::<T>() as u32, flags.into()) == 0 }
}
