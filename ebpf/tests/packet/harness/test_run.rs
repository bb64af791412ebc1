// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! BPF_PROG_TEST_RUN by the bare system call: aya's has no way to ask for
//! BPF_F_TEST_SKB_CHECKSUM_COMPLETE.

use std::{
    io,
    os::fd::{AsRawFd, BorrowedFd},
    ptr,
};

use super::syscall::{Command, bpf};

/// The kernel sums the packet up as hardware would (skb->csum), and the run
/// fails with EBADMSG if the program leaves that sum wrong. Linux 6.11.
const CHECKSUM_COMPLETE: u32 = 1 << 2;
/// Room for what a program may add.
const HEADROOM: usize = 256;

/// The member `test` of `union bpf_attr` (linux/bpf.h).
#[repr(C)]
#[derive(Default)]
struct Attributes {
    prog_fd: u32,
    retval: u32,
    data_size_in: u32,
    data_size_out: u32,
    data_in: u64,
    data_out: u64,
    repeat: u32,
    /// Nanoseconds a run, on average.
    duration: u32,
    ctx_size_in: u32,
    ctx_size_out: u32,
    ctx_in: u64,
    ctx_out: u64,
    flags: u32,
    cpu: u32,
    batch_size: u32,
    pad: u32,
}

/// `struct __sk_buff` (linux/bpf.h), as words.
#[repr(C, align(8))]
struct SkBuff {
    before: [u32; 9],
    ingress_ifindex: u32,
    ifindex: u32,
    after: [u32; 37],
}

/// How the kernel treats the packet's checksum meanwhile.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summed {
    /// Nobody has looked at it (CHECKSUM_NONE).
    No,
    /// Hardware summed the whole packet up (CHECKSUM_COMPLETE).
    Complete,
}

pub struct Run {
    /// The program's return value: a TC_ACT of linux/pkt_cls.h, or an
    /// `enum xdp_action` of linux/bpf.h.
    pub action: u32,
    /// The frame as the program left it.
    pub frame: Vec<u8>,
    /// On average over the runs.
    pub nanoseconds: u32,
}

/// Runs a classifier `repeat` times over `frame`, as received by the interface
/// `ifindex` of the calling thread's network namespace. Each run finds the packet
/// as the one before left it.
///
/// Errors: EBADMSG when `skb->csum` is wrong afterwards, EINVAL for a frame the
/// kernel takes for none.
pub fn test_run(
    program: BorrowedFd<'_>,
    frame: &[u8],
    ifindex: u32,
    summed: Summed,
    repeat: u32,
) -> io::Result<Run> {
    let context = context(ifindex, 0);
    let flags = if summed == Summed::Complete {
        CHECKSUM_COMPLETE
    } else {
        0
    };
    run(program, frame, &context, flags, repeat)
}

fn context(ifindex: u32, ingress_ifindex: u32) -> SkBuff {
    SkBuff {
        before: [0; 9],
        ingress_ifindex,
        ifindex,
        after: [0; 37],
    }
}

/// Places in `SkBuff::after` of `gso_segs` and `gso_size`.
const SEGMENTS: usize = 30;
const SEGMENT: usize = 33;

/// Runs a classifier like `test_run`, once, over a super-packet whose segments have
/// `segment` bytes of payload each; 0 for one packet.
pub fn segments_test_run(
    program: BorrowedFd<'_>,
    frame: &[u8],
    ifindex: u32,
    segment: u32,
) -> io::Result<Run> {
    let mut context = context(ifindex, 0);
    context.after[SEGMENTS] = u32::from(segment != 0) * 2;
    context.after[SEGMENT] = segment;
    run(program, frame, &context, 0, 1)
}

/// The same over a frame that leaves by `ifindex` and came in by `came_by`, 0 for
/// the host's own.
pub fn egress_test_run(
    program: BorrowedFd<'_>,
    frame: &[u8],
    ifindex: u32,
    came_by: u32,
) -> io::Result<Run> {
    run(program, frame, &context(ifindex, came_by), 0, 1)
}

/// `struct xdp_md` (linux/bpf.h).
#[repr(C)]
struct XdpMd {
    data: u32,
    data_end: u32,
    data_meta: u32,
    ingress_ifindex: u32,
    rx_queue_index: u32,
    egress_ifindex: u32,
}

/// Runs an XDP program `repeat` times over `frame`, like `test_run`. What does not fit in a
/// page comes in several buffers.
///
/// Errors: EINVAL for a frame the kernel takes for none.
pub fn xdp_test_run(
    program: BorrowedFd<'_>,
    frame: &[u8],
    ifindex: u32,
    repeat: u32,
) -> io::Result<Run> {
    let context = XdpMd {
        data: 0,
        data_end: frame.len() as u32,
        data_meta: 0,
        ingress_ifindex: ifindex,
        rx_queue_index: 0,
        egress_ifindex: 0,
    };
    run(program, frame, &context, 0, repeat)
}

/// Runs `repeat` times with a context as the program's type has it.
fn run<C>(
    program: BorrowedFd<'_>,
    frame: &[u8],
    context: &C,
    flags: u32,
    repeat: u32,
) -> io::Result<Run> {
    let mut out = vec![0; frame.len() + HEADROOM];
    let mut attributes = Attributes {
        prog_fd: program.as_raw_fd() as u32,
        data_in: frame.as_ptr() as u64,
        data_size_in: frame.len() as u32,
        data_out: out.as_mut_ptr() as u64,
        data_size_out: out.len() as u32,
        ctx_in: ptr::from_ref(context) as u64,
        ctx_size_in: size_of::<C>() as u32,
        repeat,
        flags,
        ..Attributes::default()
    };
    // SAFETY: the kernel reads `frame` and `context` and writes `out` and
    // `attributes`, each within the size beside its pointer; all outlive the call.
    unsafe { bpf(Command::ProgTestRun, &mut attributes)? };
    out.truncate(attributes.data_size_out as usize);
    Ok(Run {
        action: attributes.retval,
        frame: out,
        nanoseconds: attributes.duration,
    })
}
