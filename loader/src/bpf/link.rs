// SPDX-License-Identifier: Apache-2.0

//! Links between programs and interfaces.

use std::{
    io,
    os::fd::{BorrowedFd, FromRawFd as _, OwnedFd},
};

use super::{bpf, fd_number};

const BPF_OBJ_GET_INFO_BY_FD: i64 = 15;
const BPF_PROG_QUERY: i64 = 16;
const BPF_LINK_CREATE: i64 = 28;
const BPF_LINK_UPDATE: i64 = 29;
const BPF_LINK_DETACH: i64 = 34;

const BPF_LINK_TYPE_XDP: u32 = 6;
const BPF_LINK_TYPE_TCX: u32 = 11;

#[repr(C)]
struct LinkCreateAttributes {
    prog_fd: u32,
    target_ifindex: u32,
    attach_type: u32,
    flags: u32,
    /// For TCX: id or descriptor of the program or link the place is relative to; 0 for all.
    relative: u32,
    pad: u32,
    expected_revision: u64,
}

/// Hangs a program at a hook of an interface and returns the link. `flags` are
/// BPF_F_BEFORE or BPF_F_AFTER for TCX, with BPF_F_ID or BPF_F_LINK as `relative` is
/// meant, and XDP_FLAGS_* for XDP.
///
/// # Errors
/// ENODEV without the interface, EOPNOTSUPP without the hook, EBUSY or EEXIST
/// when the place is taken; ENOENT when what it is relative to is not there.
pub fn link_create(
    program: BorrowedFd<'_>,
    ifindex: u32,
    attach_type: u32,
    flags: u32,
    relative: u32,
) -> io::Result<OwnedFd> {
    let mut attributes = LinkCreateAttributes {
        prog_fd: fd_number(program),
        target_ifindex: ifindex,
        attach_type,
        flags,
        relative,
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

#[repr(C)]
struct LinkDetachAttributes {
    link_fd: u32,
}

/// Takes the program off the interface before it returns. When the last
/// reference to a link goes away the kernel does so too, but some time later.
///
/// # Errors
/// As in bpf(2).
pub fn link_detach(link: BorrowedFd<'_>) -> io::Result<()> {
    let mut attributes = LinkDetachAttributes {
        link_fd: fd_number(link),
    };
    // SAFETY: the layout is that of BPF_LINK_DETACH, which has no pointer.
    unsafe { bpf(BPF_LINK_DETACH, &mut attributes) }.map(drop)
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

/// A TCX or XDP link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NetworkLink {
    /// The kernel's id of the link.
    pub id: u32,
    /// Interface it hangs on.
    pub ifindex: u32,
}

/// Asks about a link; `None` when its interface is gone or it is of another kind.
///
/// # Errors
/// As in bpf(2).
pub fn link_info(link: BorrowedFd<'_>) -> io::Result<Option<NetworkLink>> {
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
    Ok((network && info.ifindex != 0).then_some(NetworkLink {
        id: info.id,
        ifindex: info.ifindex,
    }))
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

/// Programs at one TCX hook at most (BPF_MPROG_MAX of the kernel).
const MOST_PROGRAMS: usize = 64;

/// A program at a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Queried {
    pub program_id: u32,
    /// 0 when it is attached without a link.
    pub link_id: u32,
}

/// The programs at a TCX hook of an interface, in the order in which they run.
///
/// # Errors
/// EINVAL for an unknown attach type, ENODEV without the interface.
pub fn query(ifindex: u32, attach_type: u32) -> io::Result<Vec<Queried>> {
    let (mut programs, mut links) = ([0_u32; MOST_PROGRAMS], [0_u32; MOST_PROGRAMS]);
    let mut attributes = QueryAttributes {
        target_ifindex: ifindex,
        attach_type,
        prog_ids: programs.as_mut_ptr() as u64,
        link_ids: links.as_mut_ptr() as u64,
        prog_cnt: MOST_PROGRAMS as u32,
        ..Default::default()
    };
    // SAFETY: the layout is that of BPF_PROG_QUERY; both arrays have room for
    // the count given, and outlive the call.
    match unsafe { bpf(BPF_PROG_QUERY, &mut attributes) } {
        // A hook that nobody ever used has no list.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return Ok(Vec::new()),
        queried => queried?,
    };
    let found = programs.into_iter().zip(links);
    let found = found.map(|(program_id, link_id)| Queried {
        program_id,
        link_id,
    });
    Ok(found.take(attributes.prog_cnt as usize).collect())
}
