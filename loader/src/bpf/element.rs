// SPDX-License-Identifier: Apache-2.0

//! Single elements of maps, as raw bytes.

use std::{io, os::fd::BorrowedFd};

use super::{Sizes, address_of, address_of_mut, bpf, fd_number};

const BPF_MAP_LOOKUP_ELEM: i64 = 1;
const BPF_MAP_UPDATE_ELEM: i64 = 2;
const BPF_MAP_DELETE_ELEM: i64 = 3;

const BPF_NOEXIST: u64 = 1;

#[repr(C)]
struct ElementAttributes {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

impl ElementAttributes {
    fn new(map: BorrowedFd<'_>, key: &[u8], value: u64) -> Self {
        Self::with_flags(map, key, value, 0)
    }

    fn with_flags(map: BorrowedFd<'_>, key: &[u8], value: u64, flags: u64) -> Self {
        Self {
            map_fd: fd_number(map),
            pad: 0,
            key: address_of(key),
            value,
            flags,
        }
    }
}

/// Reads one element into `value`.
///
/// # Errors
/// ENOENT when there is none; others as in bpf(2).
pub fn lookup(map: BorrowedFd<'_>, sizes: Sizes, key: &[u8], value: &mut [u8]) -> io::Result<()> {
    assert_eq!((key.len(), value.len()), (sizes.key, sizes.value));
    let mut attributes = ElementAttributes::new(map, key, address_of_mut(value));
    // SAFETY: the layout is that of the element commands; `key` is read and
    // `value` written up to the sizes just checked, and both outlive the call.
    unsafe { bpf(BPF_MAP_LOOKUP_ELEM, &mut attributes) }.map(drop)
}

/// Creates or replaces one element.
///
/// # Errors
/// As in bpf(2).
pub fn update(map: BorrowedFd<'_>, sizes: Sizes, key: &[u8], value: &[u8]) -> io::Result<()> {
    assert_eq!((key.len(), value.len()), (sizes.key, sizes.value));
    let mut attributes = ElementAttributes::new(map, key, address_of(value));
    // SAFETY: the layout is that of the element commands; `key` and `value` are
    // read up to the sizes just checked, and both outlive the call.
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &mut attributes) }.map(drop)
}

/// Creates one element where there is none.
///
/// # Errors
/// EEXIST when there is one; others as in bpf(2).
pub fn insert(map: BorrowedFd<'_>, sizes: Sizes, key: &[u8], value: &[u8]) -> io::Result<()> {
    assert_eq!((key.len(), value.len()), (sizes.key, sizes.value));
    let mut attributes = ElementAttributes::with_flags(map, key, address_of(value), BPF_NOEXIST);
    // SAFETY: as in update().
    unsafe { bpf(BPF_MAP_UPDATE_ELEM, &mut attributes) }.map(drop)
}

/// Removes one element.
///
/// # Errors
/// ENOENT when there is none; others as in bpf(2).
pub fn delete(map: BorrowedFd<'_>, sizes: Sizes, key: &[u8]) -> io::Result<()> {
    assert_eq!(key.len(), sizes.key);
    let mut attributes = ElementAttributes::new(map, key, 0);
    // SAFETY: the layout is that of the element commands; `key` is read up to
    // the size just checked and outlives the call; no value is touched.
    unsafe { bpf(BPF_MAP_DELETE_ELEM, &mut attributes) }.map(drop)
}
