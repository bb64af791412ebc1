// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! bpf(2) where aya has no way in: programs and maps of the tests' own.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd},
};

/// Commands of `enum bpf_cmd` (linux/bpf.h).
#[derive(Clone, Copy)]
pub enum Command {
    MapCreate = 0,
    MapLookupElem = 1,
    MapUpdateElem = 2,
    MapDeleteElem = 3,
    MapGetNextKey = 4,
    ProgLoad = 5,
    ProgTestRun = 10,
    MapGetFdById = 14,
    MapLookupAndDeleteElem = 21,
}

/// What a program is of: BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Classifier = 3,
    Xdp = 6,
}

/// BPF_F_XDP_HAS_FRAGS and BPF_XDP of `enum bpf_attach_type`: programs jump only to
/// those that have the same, and aya loads so.
const HAS_FRAGS: u32 = 1 << 5;
const ATTACH_XDP: u32 = 37;
/// Room for the verifier's words.
const LOG: usize = 1 << 16;

/// Runs a command. Returns what the kernel does: a descriptor or 0.
///
/// # Safety
/// `A` is the member of `union bpf_attr` that belongs to the command, and what it
/// points at is as large as it says.
pub unsafe fn bpf<A>(command: Command, attributes: &mut A) -> io::Result<i32> {
    // SAFETY: as the caller promises.
    let result = unsafe {
        libc::syscall(
            libc::SYS_bpf,
            command as libc::c_long,
            std::ptr::from_mut(attributes),
            size_of::<A>(),
        )
    };
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result as i32)
    }
}

#[repr(C)]
struct MapCreate {
    map_type: u32,
    key_size: u32,
    value_size: u32,
    max_entries: u32,
}

#[repr(C)]
pub struct MapElem {
    map_fd: u32,
    pad: u32,
    key: u64,
    value: u64,
    flags: u64,
}

impl MapElem {
    /// Key and value by their addresses; of MapGetNextKey, the latter is where the next
    /// key goes.
    pub fn new(map: impl AsFd, key: u64, value: u64) -> Self {
        Self {
            map_fd: map.as_fd().as_raw_fd() as u32,
            pad: 0,
            key,
            value,
            flags: 0,
        }
    }
}

#[repr(C)]
struct ProgLoad {
    prog_type: u32,
    insn_cnt: u32,
    insns: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log_buf: u64,
    kern_version: u32,
    prog_flags: u32,
    prog_name: [u8; 16],
    prog_ifindex: u32,
    expected_attach_type: u32,
}

/// An array map with elements of `value_size` bytes; `map_type` of `enum bpf_map_type`.
pub fn create_array(map_type: u32, value_size: u32, max_entries: u32) -> OwnedFd {
    let mut attributes = MapCreate {
        map_type,
        key_size: 4,
        value_size,
        max_entries,
    };
    // SAFETY: the struct is what the command takes; a descriptor comes back that is ours alone.
    unsafe {
        let map = bpf(Command::MapCreate, &mut attributes).expect("the kernel makes an array");
        OwnedFd::from_raw_fd(map)
    }
}

/// Writes an element of an array map whose values are `V`.
pub fn write<V>(map: BorrowedFd<'_>, index: u32, value: &V) {
    let (key, value) = ((&raw const index) as u64, std::ptr::from_ref(value) as u64);
    let mut attributes = MapElem::new(map, key, value);
    // SAFETY: key and value outlive the call and have the map's sizes.
    unsafe { bpf(Command::MapUpdateElem, &mut attributes).expect("the array takes the element") };
}

/// Loads a program. Panics with the verifier's words when that refuses.
pub fn load(kind: Kind, instructions: &[u64]) -> OwnedFd {
    let mut log = vec![0u8; LOG];
    let (prog_flags, expected_attach_type) = match kind {
        Kind::Classifier => (0, 0),
        Kind::Xdp => (HAS_FRAGS, ATTACH_XDP),
    };
    let mut attributes = ProgLoad {
        prog_type: kind as u32,
        insn_cnt: instructions.len() as u32,
        insns: instructions.as_ptr() as u64,
        license: c"GPL".as_ptr() as u64,
        log_level: 1,
        log_size: LOG as u32,
        log_buf: log.as_mut_ptr() as u64,
        kern_version: 0,
        prog_flags,
        prog_name: [0; 16],
        prog_ifindex: 0,
        expected_attach_type,
    };
    // SAFETY: all that the struct points at outlives the call and is as large as it says.
    unsafe {
        match bpf(Command::ProgLoad, &mut attributes) {
            Ok(program) => OwnedFd::from_raw_fd(program),
            Err(error) => panic!("{error}: {}", String::from_utf8_lossy(&log)),
        }
    }
}
