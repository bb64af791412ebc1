// SPDX-License-Identifier: Apache-2.0

//! Running a program by hand.

use std::{io, os::fd::BorrowedFd};

use super::{address_of, bpf, fd_number};

const BPF_PROG_TEST_RUN: i64 = 10;

#[repr(C)]
struct RunAttributes {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
}

/// `struct __sk_buff` up to `ifindex`; what is cut off counts as zeros.
#[repr(C)]
#[derive(Default)]
struct Context {
    before: [u32; 10],
    ifindex: u32,
}

/// Runs a classifier once on `frame`, as if it had come in at the interface, and
/// returns what the program returned.
///
/// # Errors
/// ENODEV or EINVAL without the interface; EINVAL for a frame shorter than an
/// Ethernet header.
pub fn run(program: BorrowedFd<'_>, ifindex: u32, frame: &[u8]) -> io::Result<i32> {
    let context = Context {
        ifindex,
        ..Context::default()
    };
    let mut attributes = RunAttributes {
        prog_fd: fd_number(program),
        retval: 0,
        data_size_in: u32::try_from(frame.len()).map_err(|_| io::ErrorKind::InvalidInput)?,
        data_size_out: 0,
        data_in: address_of(frame),
        data_out: 0,
        repeat: 1,
        duration: 0,
        ctx_size_in: size_of::<Context>() as u32,
        ctx_size_out: 0,
        ctx_in: std::ptr::from_ref(&context) as u64,
        ctx_out: 0,
    };
    // SAFETY: the layout is that of BPF_PROG_TEST_RUN; `frame` and `context` are
    // read up to the sizes given and outlive the call; nothing is written but
    // the attributes.
    unsafe { bpf(BPF_PROG_TEST_RUN, &mut attributes) }?;
    Ok(attributes.retval.cast_signed())
}
