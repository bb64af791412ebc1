// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A frame as the driver has it: read and written in place.

use aya_ebpf::{bindings::xdp_md, helpers::generated::bpf_xdp_get_buff_len};

use crate::maps::DEVICE;

/// Where a `T` of the frame is at `offset`, or nothing past the first buffer's end.
///
/// # Safety
/// `ctx` is the program's context. The pointer is void after a helper that moves
/// the frame's ends; kernel and verifier accept unaligned access through it.
#[inline(always)]
pub unsafe fn place<T>(ctx: *mut xdp_md, offset: u32) -> Option<*mut T> {
    // Read anew each time: of two bounds, the compiler would drop the one that the
    // other implies, which the verifier does not follow.
    // SAFETY: the bound below is what the verifier asks for.
    unsafe {
        let at = (&raw const (*ctx).data).read_volatile() as usize + offset as usize;
        let end = (&raw const (*ctx).data_end).read_volatile() as usize;
        if at + size_of::<T>() > end {
            return None;
        }
        Some(at as *mut T)
    }
}

/// Reads a `T` of the frame at `offset`, or nothing past the first buffer's end.
///
/// # Safety
/// `ctx` is the program's context; `T` is of integers alone, of alignment 1 or
/// read by a kernel that takes unaligned ones.
#[inline(always)]
pub unsafe fn load<T: Copy>(ctx: *mut xdp_md, offset: u32) -> Option<T> {
    // SAFETY: the place is within the frame.
    unsafe { place::<T>(ctx, offset).map(|at| *at) }
}

/// Bytes of the first buffer, which has the headers.
///
/// # Safety
/// `ctx` is the program's context.
#[inline(always)]
pub unsafe fn first_buffer(ctx: *mut xdp_md) -> u32 {
    // SAFETY: context reads.
    unsafe { (*ctx).data_end - (*ctx).data }
}

/// Bytes of the frame in all its buffers.
///
/// # Safety
/// `ctx` is the program's context.
#[inline(always)]
pub unsafe fn length(ctx: *mut xdp_md) -> u32 {
    // SAFETY: a helper call on the context.
    unsafe { bpf_xdp_get_buff_len(ctx) as u32 }
}

/// Whether the frame is addressed to the interface it came in at. A driver hears
/// more than that: what a switch floods, what is for a bridge above.
///
/// # Safety
/// `ctx` is the program's context.
#[inline(always)]
pub unsafe fn is_for_host(ctx: *mut xdp_md) -> bool {
    // SAFETY: a context read; the element is read at once.
    unsafe {
        let Some(dmac) = load::<[u8; 6]>(ctx, 0) else {
            return false;
        };
        DEVICE
            .get((*ctx).ingress_ifindex)
            .is_some_and(|device| device.mac == dmac)
    }
}

/// Lets two parts of the frame change places.
///
/// # Safety
/// Both pointers came of `place()` and are still good.
#[inline(always)]
pub unsafe fn swap<T: Copy>(one: *mut T, other: *mut T) {
    // SAFETY: as the caller promises.
    unsafe {
        let kept = *one;
        *one = *other;
        *other = kept;
    }
}
