// SPDX-License-Identifier: Apache-2.0

//! Names in a bpffs, which keep what they name alive.

use std::{
    ffi::CString,
    io,
    os::{
        fd::{BorrowedFd, FromRawFd as _, OwnedFd},
        unix::ffi::OsStrExt as _,
    },
    path::Path,
};

use super::{bpf, fd_number};

const BPF_OBJ_PIN: i64 = 6;
const BPF_OBJ_GET: i64 = 7;

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
