// SPDX-License-Identifier: Apache-2.0

//! The commands of bpf(2) that aya has no call for: elements as raw bytes,
//! batches, and links by interface index.
//!
//! Each command's attributes are a struct of their own, laid out as the part
//! of `union bpf_attr` (linux/bpf.h) it stands for. The kernel takes a shorter
//! union and reads the rest as zeros.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{AsRawFd as _, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

const BPF_MAP_LOOKUP_ELEM: i64 = 1;
const BPF_MAP_UPDATE_ELEM: i64 = 2;
const BPF_MAP_DELETE_ELEM: i64 = 3;
const BPF_OBJ_PIN: i64 = 6;
const BPF_OBJ_GET: i64 = 7;
const BPF_OBJ_GET_INFO_BY_FD: i64 = 15;
const BPF_PROG_QUERY: i64 = 16;
const BPF_MAP_LOOKUP_BATCH: i64 = 24;
const BPF_MAP_UPDATE_BATCH: i64 = 26;
const BPF_MAP_DELETE_BATCH: i64 = 27;
const BPF_LINK_CREATE: i64 = 28;
const BPF_LINK_UPDATE: i64 = 29;

const BPF_LINK_TYPE_XDP: u32 = 6;
const BPF_LINK_TYPE_TCX: u32 = 11;

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
        Self {
            map_fd: fd_number(map),
            pad: 0,
            key: address_of(key),
            value,
            flags: 0,
        }
    }
}

/// Sizes of a map's elements as bpf(2) transfers them. Taken from the kernel's
/// own answer about the map, so a buffer checked against it is large enough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    pub key: usize,
    /// With all CPUs' values, each padded to 8 bytes, for a per-CPU map.
    pub value: usize,
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

#[repr(C)]
struct LinkCreateAttributes {
    prog_fd: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
    /// For TCX: the program or link the place is relative to; 0 for all.
    relative_id: u32,
    pad: u32,
    expected_revision: u64,
}

/// Hangs a program at a hook of an interface and returns the link. `flags` are
/// BPF_F_BEFORE or BPF_F_AFTER for TCX, XDP_FLAGS_* for XDP.
///
/// # Errors
/// ENODEV without the interface, EOPNOTSUPP without the hook, EBUSY or EEXIST
/// when the place is taken.
pub fn link_create(
    program: BorrowedFd<'_>,
    ifindex: u32,
    attach_type: u32,
    flags: u32,
) -> io::Result<OwnedFd> {
    let mut attributes = LinkCreateAttributes {
        prog_fd: fd_number(program),
        target_ifindex: ifindex,
        attach_type,
        flags,
        relative_id: 0,
        pad: 0,
        expected_revision: 0,
    };
    // SAFETY: the layout is that of BPF_LINK_CREATE, which follows no pointer
    // for these attach types.
    let fd = unsafe { bpf(BPF_LINK_CREATE, &mut attributes) }?;
    // SAFETY: the kernel just made this descriptor for us; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[repr(C)]
struct LinkUpdateAttributes {
    link_fd: u32,
    new_prog_fd: u32,
    flags: u32,
    old_prog_fd: u32,
}

/// Swaps the program behind a link in one step: every packet meets the old one
/// or the new one.
///
/// # Errors
/// ENOLINK when the interface is gone.
pub fn link_update(link: BorrowedFd<'_>, program: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = LinkUpdateAttributes {
        link_fd: fd_number(link),
        new_prog_fd: fd_number(program),
        flags: 0,
        old_prog_fd: 0,
    };
    // SAFETY: the layout is that of BPF_LINK_UPDATE, which has no pointer.
    unsafe { bpf(BPF_LINK_UPDATE, &mut attributes) }.map(drop)
}

/// `struct bpf_link_info` as far as network links fill it.
#[repr(C)]
#[derive(Default)]
struct LinkInfo {
    kind: u32,
    id: u32,
    prog_id: u32,
    pad: u32,
    ifindex: u32,
    attach_type: u32,
    rest: [u64; 6],
}

#[repr(C)]
struct InfoAttributes {
    bpf_fd: u32,
    info_len: u32,
    info: u64,
}

/// Interface a TCX or XDP link hangs on; `None` when the interface is gone or
/// the link is of another kind.
///
/// # Errors
/// As in bpf(2).
pub fn link_ifindex(link: BorrowedFd<'_>) -> io::Result<Option<u32>> {
    let mut info = LinkInfo::default();
    let mut attributes = InfoAttributes {
        bpf_fd: fd_number(link),
        info_len: size_of::<LinkInfo>() as u32,
        info: std::ptr::from_mut(&mut info) as u64,
    };
    // SAFETY: the layout is that of BPF_OBJ_GET_INFO_BY_FD; `info` is a live
    // buffer of `info_len` bytes for which every bit pattern is valid.
    unsafe { bpf(BPF_OBJ_GET_INFO_BY_FD, &mut attributes) }?;
    let network = matches!(info.kind, BPF_LINK_TYPE_XDP | BPF_LINK_TYPE_TCX);
    Ok((network && info.ifindex != 0).then_some(info.ifindex))
}

#[repr(C)]
struct ObjectAttributes {
    pathname: u64,
    bpf_fd: u32,
    file_flags: u32,
}

/// Pins a program, map or link at a path in a bpffs.
///
/// # Errors
/// EEXIST when something is there, EINVAL outside a bpffs, EPERM for a name
/// with a dot.
pub fn pin(fd: BorrowedFd<'_>, path: &Path) -> io::Result<()> {
    let pathname = CString::new(path.as_os_str().as_bytes())?;
    let mut attributes = ObjectAttributes {
        pathname: pathname.as_ptr() as u64,
        bpf_fd: fd_number(fd),
        file_flags: 0,
    };
    // SAFETY: the layout is that of BPF_OBJ_PIN; `pathname` is a C string that
    // outlives the call.
    unsafe { bpf(BPF_OBJ_PIN, &mut attributes) }.map(drop)
}

/// Opens what is pinned at a path.
///
/// # Errors
/// ENOENT when nothing is there.
pub fn open_pin(path: &Path) -> io::Result<OwnedFd> {
    let pathname = CString::new(path.as_os_str().as_bytes())?;
    let mut attributes = ObjectAttributes {
        pathname: pathname.as_ptr() as u64,
        bpf_fd: 0,
        file_flags: 0,
    };
    // SAFETY: the layout is that of BPF_OBJ_GET; `pathname` is a C string that
    // outlives the call.
    let fd = unsafe { bpf(BPF_OBJ_GET, &mut attributes) }?;
    // SAFETY: the kernel just made this descriptor for us; nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[repr(C)]
#[derive(Default)]
struct QueryAttributes {
    target_ifindex: u32,
    attach_type: u32,
    query_flags: u32,
    attach_flags: u32,
    prog_ids: u64,
    prog_cnt: u32,
    pad: u32,
    prog_attach_flags: u64,
    link_ids: u64,
    link_attach_flags: u64,
    revision: u64,
}

/// Asks for the number of programs at a hook of an interface, and drops the
/// answer: only whether the kernel knows the hook is of interest.
///
/// # Errors
/// EINVAL for an unknown attach type, ENODEV without the interface.
pub fn query(ifindex: u32, attach_type: u32) -> io::Result<()> {
    let mut attributes = QueryAttributes {
        target_ifindex: ifindex,
        attach_type,
        ..Default::default()
    };
    // SAFETY: the layout is that of BPF_PROG_QUERY; with null arrays and a
    // count of 0 the kernel writes to the attributes alone.
    unsafe { bpf(BPF_PROG_QUERY, &mut attributes) }.map(drop)
}
