// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Sources that no client has.

use blixt_ebpf::layout::Address;

use crate::{flows::Tuple, select, tunnel::is_v4};

/// Whether a packet that would begin a flow is from where no client is: an address that
/// names no host (RFC 1122, section 3.2.1.3; RFC 4291, sections 2.5.2, 2.5.3 and 2.7), or
/// a service's own address and port. A router would bring the answer to the latter back
/// here, for that service's backend to answer, and so on without end.
#[inline(never)]
pub fn is_martian<const V6: bool>(tuple: &Tuple) -> bool {
    let source = &tuple.saddr;
    let nobody = if V6 {
        is_nobody6(source)
    } else {
        is_nobody4(source[3])
    };
    nobody || select::service_at(source, tuple.sport, tuple.protocol()).is_some()
}

/// Network 0, loopback, a group, or everybody.
#[inline(always)]
fn is_nobody4(source: u32) -> bool {
    let [first, ..] = source.to_ne_bytes();
    matches!(first, 0 | 127 | 224..=239) || source == u32::MAX
}

/// `::`, `::1`, a group, or an IPv4 address as maps have it.
#[inline(always)]
fn is_nobody6(source: &Address) -> bool {
    let [first, ..] = source[0].to_ne_bytes();
    let low = (source[0] | source[1] | source[2]) == 0 && u32::from_be(source[3]) <= 1;
    first == 0xff || low || is_v4(source)
}
