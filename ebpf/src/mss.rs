// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! How long segments a client may send whose packets come inside others: a backend
//! does not know of the header around, so what it announces (RFC 9293, section
//! 3.7.1) is lowered on its way to the client. Replies go straight to the client;
//! what that announces stays.

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_l4_csum_replace, bpf_skb_store_bytes},
};

use blixt_ebpf::layout::Flow;

use crate::{
    deliver::device_mtu,
    flows,
    global::global,
    packet::{IPPROTO_TCP, IPV4_HLEN, IPV6_HLEN, Packet, TCP_HLEN, copied},
    tracking,
};

/// RFC 9293, section 3.2: kinds of options, and the length of the one in question.
const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: [u8; 2] = [2, 4];
/// Options that are looked at. Every stack puts this one first or nearly so, and each
/// more doubles the paths that the verifier walks.
const OPTIONS: u32 = 6;

/// What RFC 9293, section 3.7.1, takes for granted: nobody is asked for less.
const LEAST: u16 = 536;

global! {
    /// Notes for the replies of a flow whose first packet came inside another, and opens
    /// a connection, the longest segment that the way takes: it leads back as it led
    /// here. Returns 0.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to, `flow` the entry of
    /// the client's packets.
    pub fn note(skb: *mut __sk_buff; packet: Packet, flow: Flow) -> i32
        = note_body, note_mss4, note_mss6
}

#[inline(always)]
unsafe fn note_body<const V6: bool>(skb: *mut __sk_buff, packet: &Packet, flow: &Flow) -> i32 {
    if packet.tuple.protocol() != IPPROTO_TCP || !tracking::opens(packet) {
        return 0;
    }
    let network = if V6 { IPV6_HLEN } else { IPV4_HLEN };
    let headers = network + TCP_HLEN + u32::from(packet.overhead);
    // SAFETY: as the caller promises.
    let mtu = unsafe { device_mtu(skb, (*skb).ifindex) };
    let twin = packet.tuple.twin(&flow.address, flow.port, true);
    let replies = flows::find_any::<V6>(&twin);
    if !replies.is_null() {
        // SAFETY: the element stays readable and writable for this run (RCU).
        unsafe { (*replies).mss = mtu.saturating_sub(headers as u16).max(LEAST) };
    }
    0
}

/// Lowers the maximum segment size that a SYN announces to `most`. What has no such
/// option, or options that lie, stays as it is.
///
/// # Safety
/// `skb` is the program's context, `packet` a TCP segment that it parsed to.
#[inline(always)]
pub unsafe fn clamp(skb: *mut __sk_buff, packet: &Packet, most: u16) {
    // SAFETY: as the caller promises.
    unsafe { clamp_at(skb, packet.l4(), most) };
}

/// Global, see `crate::global`. Returns 0.
#[unsafe(no_mangle)]
#[inline(never)]
unsafe extern "C" fn clamp_at(skb: *mut __sk_buff, l4: u32, most: u16) -> i32 {
    // SAFETY: as the caller promises.
    unsafe { lower_option(skb, l4, most) };
    0
}

#[inline(always)]
unsafe fn lower_option(skb: *mut __sk_buff, l4: u32, most: u16) {
    // SAFETY: helper calls on the context; they check where they read and write.
    unsafe {
        let Some([offset, _]) = copied::<[u8; 2]>(skb, l4 + 12) else {
            return;
        };
        let end = u32::from(offset >> 4) * 4;
        let mut at = TCP_HLEN;
        for _ in 0..OPTIONS {
            let Some([kind, length]) = copied::<[u8; 2]>(skb, l4 + at) else {
                return;
            };
            if kind == END || at + 4 > end {
                return;
            }
            if [kind, length] == MSS {
                lower(skb, l4, at + 2, most);
                return;
            }
            let length = if kind == NO_OPERATION { 1 } else { length };
            if length == 0 || kind != NO_OPERATION && length == 1 {
                return;
            }
            at += u32::from(length);
            if at > end {
                return;
            }
            // `end` is 60 at most, which the verifier does not remember.
            at &= 0x3f;
        }
    }
}

/// Writes `most` over the 16 bits at `at` in the segment, if they are more.
#[inline(always)]
unsafe fn lower(skb: *mut __sk_buff, l4: u32, at: u32, most: u16) {
    // SAFETY: as the caller promises.
    unsafe {
        let Some(announced) = copied::<u16>(skb, l4 + at) else {
            return;
        };
        if u16::from_be(announced) <= most {
            return;
        }
        let lowered = most.to_be();
        // Of a sum of words, one that straddles two counts with its bytes swapped.
        let (from, to) = if at % 2 == 0 {
            (announced, lowered)
        } else {
            (announced.swap_bytes(), lowered.swap_bytes())
        };
        if bpf_l4_csum_replace(skb, l4 + 16, from.into(), to.into(), 2) == 0 {
            bpf_skb_store_bytes(skb, l4 + at, (&raw const lowered).cast(), 2, 0);
        }
    }
}
