// SPDX-License-Identifier: Apache-2.0

//! The commands of bpf(2) that aya has no call for: elements as raw bytes,
//! batches, links by interface index, and running a program by hand.
//!
//! Each command's attributes are a struct of their own, laid out as the part
//! of `union bpf_attr` (linux/bpf.h) it stands for. The kernel takes a shorter
//! union and reads the rest as zeros.

mod batch;
mod element;
mod link;
mod memory;
mod pin;
mod run;

use std::{
    io,
    os::fd::{AsRawFd as _, BorrowedFd, RawFd},
};

pub use batch::{Batch, Cursor, Stopped, delete_batch, lookup_batch, update_batch};
pub use element::{delete, insert, lookup, update};
pub use link::{NetworkLink, Queried, link_create, link_detach, link_info, link_update, query};
pub use memory::map_memory;
pub use pin::{open_pin, pin};
pub use run::run;

/// Sizes of a map's elements as bpf(2) transfers them. Taken from the kernel's
/// own answer about the map, so a buffer checked against it is large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub key: usize,
    /// With all CPUs' values, each padded to 8 bytes, for a per-CPU map.
    pub value: usize,
}

/// Calls bpf(2).
///
/// # Safety
/// `T` must be `repr(C)`, without padding that was not zeroed, laid out as the
/// attributes of `command`, and every pointer in it must be valid for what
/// `command` reads or writes there.
unsafe fn bpf<T>(command: i64, attributes: &mut T) -> io::Result<i32> {
    // SAFETY: `attributes` is an exclusive, live reference of exactly the size
    // given; what it points to is the caller's promise.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command,
            std::ptr::from_mut(attributes),
            size_of::<T>(),
        )
    };
    if result < 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(result as i32)
}

fn fd_number(fd: BorrowedFd<'_>) -> u32 {
    RawFd::cast_unsigned(fd.as_raw_fd())
}

fn address_of(bytes: &[u8]) -> u64 {
    bytes.as_ptr() as u64
}

fn address_of_mut(bytes: &mut [u8]) -> u64 {
    bytes.as_mut_ptr() as u64
}
