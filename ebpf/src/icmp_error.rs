// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! ICMP errors of this node's own (RFC 792, RFC 4443) about packets that end here: who
//! may be told, and how often; the packet itself becomes the error.

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
    global::global,
    header::{Ipv4, Ipv6},
    maps::ALLOWANCE,
    packet::{ETH_HLEN, ICMP, ICMPV6, IPV4_HLEN, IPV6_HLEN, LATER_FRAGMENT, Packet, copied, load},
    tracking,
};

/// ICMP errors that a CPU may send in a unit of `now()`, as many as Linux sends
/// (net.ipv4.icmp_msgs_per_sec) by default since it has that limit.
const PER_SECOND: u32 = 1_000;

const ICMP_HLEN: u32 = 8;

/// Bytes of the whole error: RFC 1812, section 4.3.2.3; RFC 4443, section 3.2.
const LONGEST: u32 = 576;
const LONGEST_V6: u32 = 1_280;

/// Whether the packet's sender may be told of its end; if so, that is counted. Later
/// fragments are not answered (RFC 1122, section 3.2.2; of IPv6 they lack the ports
/// that would say what they belong to).
#[inline(always)]
pub fn may_tell<const V6: bool>(packet: &Packet) -> bool {
    packet.defect != LATER_FRAGMENT && is_host::<V6>(&packet.tuple.saddr) && may_send()
}

global! {
    /// Turns a packet into the error about itself, from the address that `packet` has as
    /// its destination, in a frame for who sent it. `kind` is type and code as they stand
    /// there, `mtu` what is the most that the way takes, else 0. False when the kernel
    /// would not make the packet so.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to; it is not rewritten yet.
    /// Pointers into the frame are void afterwards.
    pub fn become_error(skb: *mut __sk_buff, kind: u16, mtu: u16; packet: Packet) -> bool
        = become_body, become_error4, become_error6
}

#[inline(always)]
unsafe fn become_body<const V6: bool>(
    skb: *mut __sk_buff,
    kind: u16,
    mtu: u16,
    packet: &Packet,
) -> bool {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(macs) = load::<[[u8; 6]; 2]>(skb, 0) else {
            return false;
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
        // Of a packet that it put into another itself (between nodes on one machine, say)
        // the kernel cuts nothing. Most need no cut.
        let cut = (*skb).len != ETH_HLEN + quote || (*skb).gso_size != 0;
        let keep = BPF_F_ADJ_ROOM_NO_CSUM_RESET.into();
        if cut && bpf_skb_change_tail(skb, ETH_HLEN + quote, 0) != 0
            || bpf_skb_adjust_room(skb, room as i32, BPF_ADJ_ROOM_MAC, keep) != 0
            || bpf_skb_pull_data(skb, ETH_HLEN + room + quote) != 0
        {
            return false;
        }
        // The device will make the part behind sum up to what is not in it: the
        // pseudo header, whose sum the field has until then.
        let (summed, rest) = match unfinished {
            FINISHED => (quote, 0),
            pseudo => (packet.l4() - ETH_HLEN, !pseudo as u16),
        };
        let sum = sum(skb, ETH_HLEN + room, summed, longest - room) + u64::from(rest);
        let Packet { tuple, .. } = packet;
        store(skb, 0, &[macs[1], macs[0]])
            && if V6 {
                let length = ICMP_HLEN + quote;
                let ip = Ipv6::new(0, length, ICMPV6, [tuple.daddr, tuple.saddr]);
                let pseudo = words(&tuple.daddr)
                    + words(&tuple.saddr)
                    + u64::from((length as u16).to_be())
                    + u64::from(u16::from_ne_bytes([0, ICMPV6]));
                store(skb, ETH_HLEN, &ip)
                    && store(skb, ETH_HLEN + outer, &icmp(kind, mtu, sum + pseudo))
            } else {
                let ends = [tuple.daddr[3], tuple.saddr[3]];
                let ip = Ipv4::new(0, room + quote, ICMP, ends);
                store(skb, ETH_HLEN, &ip) && store(skb, ETH_HLEN + outer, &icmp(kind, mtu, sum))
            }
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

/// No checksum that is left to a device: more than its field can hold.
const FINISHED: u32 = u32::MAX;

/// What the transport checksum's field holds where that sum is left to the device
/// (CHECKSUM_PARTIAL). The program cannot see whether it is, but the kernel can: a
/// change of the segment leaves such a field as it is. Else FINISHED: of an Option, the
/// compiler reads what is in it even when there is none, and the verifier minds.
#[inline(always)]
unsafe fn unfinished_checksum(skb: *mut __sk_buff, packet: &Packet) -> u32 {
    let at = packet.l4() + place_in(packet.tuple.protocol());
    // SAFETY: as the caller promises.
    unsafe {
        let Some(before) = copied::<u16>(skb, at) else {
            return FINISHED;
        };
        if bpf_l4_csum_replace(skb, at, 0, 1, 2) != 0 {
            return FINISHED;
        }
        if copied::<u16>(skb, at) == Some(before) {
            return before.into();
        }
        // What it covers is as it was, so hardware's sum of the packet need not follow.
        let _ = bpf_skb_store_bytes(skb, at, (&raw const before).cast(), 2, 0);
        FINISHED
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
fn icmp(kind: u16, mtu: u16, sum: u64) -> [u16; 4] {
    let mut header = [kind, 0, 0, mtu.to_be()];
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
