// SPDX-License-Identifier: Apache-2.0

//! Many elements of a map in one call.

use std::{io, os::fd::BorrowedFd};

use super::{Sizes, address_of, address_of_mut, bpf, fd_number};

const BPF_MAP_LOOKUP_BATCH: i64 = 24;
const BPF_MAP_UPDATE_BATCH: i64 = 26;
const BPF_MAP_DELETE_BATCH: i64 = 27;

#[repr(C)]
struct BatchAttributes {
    in_batch: u64,
    out_batch: u64,
    keys: u64,
    values: u64,
    count: u32,
    map_fd: u32,
    elem_flags: u64,
    flags: u64,
}

/// A batch that stopped: how many elements were done before, and why.
#[derive(Debug)]
pub struct Stopped {
    pub done: usize,
    pub error: io::Error,
}

/// Creates or replaces many elements, in order. `keys` and `values` are the
/// elements' bytes one after another.
///
/// # Errors
/// ENOTSUPP (524) where the map has no batches; others as for [`update`].
pub fn update_batch(
    map: BorrowedFd<'_>,
    sizes: Sizes,
    keys: &[u8],
    values: &[u8],
) -> Result<(), Stopped> {
    let count = keys.len() / sizes.key;
    assert_eq!(keys.len(), count * sizes.key);
    assert_eq!(values.len(), count * sizes.value);
    // SAFETY: both buffers hold `count` elements of the map's own sizes, as
    // just checked; the kernel reads no more than `count` of each.
    unsafe { write_batch(BPF_MAP_UPDATE_BATCH, map, keys, address_of(values), count) }
}

/// Removes many elements, in order.
///
/// # Errors
/// ENOTSUPP (524) where the map has no batches; ENOENT at the first absent key.
pub fn delete_batch(map: BorrowedFd<'_>, sizes: Sizes, keys: &[u8]) -> Result<(), Stopped> {
    let count = keys.len() / sizes.key;
    assert_eq!(keys.len(), count * sizes.key);
    // SAFETY: `keys` holds `count` keys of the map's own size, as just checked;
    // the kernel reads no more than those, and no values.
    unsafe { write_batch(BPF_MAP_DELETE_BATCH, map, keys, 0, count) }
}

/// # Safety
/// `keys`, and `values` where `command` reads it, must hold `count` elements of
/// the map's sizes.
unsafe fn write_batch(
    command: i64,
    map: BorrowedFd<'_>,
    keys: &[u8],
    values: u64,
    count: usize,
) -> Result<(), Stopped> {
    let asked = u32::try_from(count).expect("a batch is smaller than a request");
    let mut attributes = BatchAttributes {
        in_batch: 0,
        out_batch: 0,
        keys: address_of(keys),
        values,
        count: asked,
        map_fd: fd_number(map),
        elem_flags: 0,
        flags: 0,
    };
    // SAFETY: the layout is that of the batch commands; the buffers are the
    // caller's promise and outlive the call; in_batch and out_batch are unused.
    match unsafe { bpf(command, &mut attributes) } {
        Ok(_) => Ok(()),
        // The kernel writes back how many were done, except where it refuses
        // the request before the first: then `count` is still what was asked.
        Err(error) => Err(Stopped {
            done: if attributes.count < asked {
                attributes.count as usize
            } else {
                0
            },
            error,
        }),
    }
}

/// Where a [`lookup_batch`] continues. The kernel's own mark: a bucket number
/// for hashes, a key for the rest.
#[derive(Debug, Default)]
pub struct Cursor(Option<Vec<u8>>);

impl Cursor {
    /// Buckets read so far, where the map is a hash.
    pub fn bucket(&self) -> u32 {
        let number = self.0.as_deref().and_then(|mark| mark.first_chunk());
        number.map_or(0, |bytes| u32::from_ne_bytes(*bytes))
    }
}

/// What one [`lookup_batch`] found.
#[derive(Debug, PartialEq, Eq)]
pub struct Batch {
    pub count: usize,
    /// True when nothing comes after.
    pub last: bool,
}

/// Reads elements from `cursor` on into `keys` and `values`, as many as fit,
/// and moves the cursor.
///
/// # Errors
/// ENOSPC when one hash bucket holds more than fits (try again with larger
/// buffers); ENOTSUPP (524) where the map has no batches.
pub fn lookup_batch(
    map: BorrowedFd<'_>,
    sizes: Sizes,
    cursor: &mut Cursor,
    keys: &mut [u8],
    values: &mut [u8],
) -> io::Result<Batch> {
    let capacity = (keys.len() / sizes.key).min(values.len() / sizes.value);
    let mut next = vec![0; sizes.key.max(size_of::<u32>())];
    let mut attributes = BatchAttributes {
        in_batch: cursor.0.as_deref().map_or(0, address_of),
        out_batch: address_of_mut(&mut next),
        keys: address_of_mut(keys),
        values: address_of_mut(values),
        count: u32::try_from(capacity).unwrap_or(u32::MAX),
        map_fd: fd_number(map),
        elem_flags: 0,
        flags: 0,
    };
    // SAFETY: the layout is that of the batch commands; `keys` and `values`
    // have room for `count` elements of the map's own sizes; a cursor is a u32
    // or a key, and both cursor buffers have room for the larger of them.
    let last = match unsafe { bpf(BPF_MAP_LOOKUP_BATCH, &mut attributes) } {
        Ok(_) => false,
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => true,
        Err(error) => return Err(error),
    };
    cursor.0 = Some(next);
    Ok(Batch {
        count: attributes.count as usize,
        last,
    })
}
