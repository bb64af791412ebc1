// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Random cases: packets, states and changes of the maps, one after the other. The
//! programs in the kernel and a model of what they must do have to agree on each
//! packet's verdict, every byte of what comes out, and what the maps hold then.
//!
//! A run has a fixed seed and another every time, which it prints. For a long one:
//!
//! ```text
//! BLIXT_CASES=5000000 BLIXT_SEED=7 cargo test --profile cases --locked -p blixt-ebpf \
//!     --test packet -- --include-ignored --nocapture random::tests::run_of
//! ```
//!
//! A case in which they differ is made as small as it goes, and printed as the source
//! of one for `kept.rs`, whose cases run always.

mod case;
mod compare;
mod config;
mod coverage;
mod generate;
mod kept;
mod kernel;
mod maps;
mod model;
mod mutants;
mod rng;
mod run;
mod shrink;
mod source;
mod tests;
mod workers;
mod world;

/// The kernel's coarse clock in units of 2^30 ns, as flows have it.
fn clock() -> u32 {
    (nanoseconds() >> 30) as u32
}

/// The same in nanoseconds.
fn nanoseconds() -> u64 {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the call writes `time` alone.
    let result = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    assert_eq!(result, 0, "there is such a clock");
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
