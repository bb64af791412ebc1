// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Per-CPU counters: no atomics, the reader adds up.

use blixt_ebpf::layout::{Drops, Flow, Stats};

use crate::maps::{BACKEND_STATS, DROPS, SERVICE_STATS};

/// Counts one dropped packet under the reason that `field` picks.
#[inline(always)]
pub fn dropped(field: fn(&mut Drops) -> &mut u64) {
    if let Some(drops) = DROPS.get_ptr_mut(0) {
        // SAFETY: the element is this CPU's own, and the program is not preempted in it.
        unsafe { *field(&mut *drops) += 1 }
    }
}

/// Counts a packet of a flow, `bytes` of IP long.
#[inline(always)]
pub fn forwarded(flow: &Flow, bytes: u32) {
    // SAFETY: as in `dropped`.
    unsafe {
        if let Some(stats) = SERVICE_STATS.get_ptr_mut(flow.service) {
            count(&mut *stats, flow.is_forward(), bytes);
        }
        if let Some(stats) = BACKEND_STATS.get_ptr_mut(flow.backend) {
            count(&mut *stats, flow.is_forward(), bytes);
        }
    }
}

#[inline(always)]
fn count(stats: &mut Stats, forward: bool, bytes: u32) {
    if forward {
        stats.rx_packets += 1;
        stats.rx_bytes += u64::from(bytes);
    } else {
        stats.tx_packets += 1;
        stats.tx_bytes += u64::from(bytes);
    }
}

/// Counts a flow begun.
#[inline(always)]
pub fn begun(service: u32, backend: u32) {
    // SAFETY: as in `dropped`.
    unsafe {
        if let Some(stats) = SERVICE_STATS.get_ptr_mut(service) {
            (*stats).flows += 1;
        }
        if let Some(stats) = BACKEND_STATS.get_ptr_mut(backend) {
            (*stats).flows += 1;
        }
    }
}

/// Counts a flow refused.
#[inline(always)]
pub fn refused(service: u32) {
    if let Some(stats) = SERVICE_STATS.get_ptr_mut(service) {
        // SAFETY: as in `dropped`.
        unsafe { (*stats).refused += 1 }
    }
}
