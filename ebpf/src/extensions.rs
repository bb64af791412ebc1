// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What stands between an IPv6 header and the transport header.

use aya_ebpf::bindings::__sk_buff;

use crate::packet::{FIRST_FRAGMENT, IPPROTO_TCP, IPPROTO_UDP, LATER_FRAGMENT, copied};

/// RFC 8200, section 4: extension headers that may stand before the transport header.
const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const DESTINATION_OPTIONS: u8 = 60;

/// Headers that are looked at, the one sought among them: more extension headers than
/// five are in nobody's honest packet.
const HEADERS_MAX: u32 = 6;

/// Walks IPv6 extension headers from `offset` in the frame, where one of type
/// `first` is. Returns 0 when neither a TCP or UDP header nor a later fragment's
/// data follow, else from the highest bit: the identification of fragments (32),
/// the offset of what follows in the frame (16), a `Packet::defect` that tells
/// fragments (8), the protocol (8), which of a later fragment is a guess.
///
/// # Safety
/// `skb` is the program's context.
#[inline(never)]
pub unsafe fn walk_extensions(skb: *mut __sk_buff, first: u8, offset: u32) -> u64 {
    let mut next = first;
    let mut offset = offset;
    let mut fragment = 0;
    for _ in 0..HEADERS_MAX {
        if next == IPPROTO_TCP || next == IPPROTO_UDP {
            return fragment | u64::from(offset) << 16 | u64::from(next);
        }
        // SAFETY: as the caller promises. No extension header is shorter.
        let Some(head) = (unsafe { copied::<[u8; 8]>(skb, offset) }) else {
            return 0;
        };
        match next {
            HOP_BY_HOP | ROUTING | DESTINATION_OPTIONS => {
                // RFC 8200, section 4.3: in units of 8 octets, the first not counted.
                offset += (u32::from(head[1]) + 1) * 8;
            }
            FRAGMENT => {
                // RFC 8200, section 4.5: 13 bits of offset, and whether more follow;
                // neither makes it a whole packet (RFC 6946).
                let position = u16::from_be_bytes([head[2], head[3]]);
                let id = u64::from(u32::from_ne_bytes([head[4], head[5], head[6], head[7]])) << 32;
                offset += 8;
                if position & 0xfff8 != 0 {
                    return id
                        | u64::from(offset) << 16
                        | u64::from(LATER_FRAGMENT) << 8
                        | u64::from(head[0]);
                }
                if position & 1 != 0 {
                    fragment = id | u64::from(FIRST_FRAGMENT) << 8;
                }
            }
            _ => return 0,
        }
        next = head[0];
    }
    0
}
