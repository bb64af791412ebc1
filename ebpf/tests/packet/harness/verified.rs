// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What the kernel says of a program that it has verified.

use std::{
    fs,
    os::fd::{AsRawFd, BorrowedFd},
};

/// Instructions that the verifier went through, those of all paths, before it took
/// the program (`verified_insns` in proc_pid_fdinfo(5)).
pub fn verified_instructions(program: BorrowedFd<'_>) -> u32 {
    let path = format!("/proc/self/fdinfo/{}", program.as_raw_fd());
    let said = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let number = said
        .lines()
        .find_map(|line| line.strip_prefix("verified_insns:"))
        .unwrap_or_else(|| panic!("no program's: {said}"));
    number.trim().parse().expect("a number")
}
