// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packet tests: frames built here go through the real program in the kernel
//! (BPF_PROG_TEST_RUN), and what comes out is compared whole.
//!
//! The tests that enter the kernel need root and the object; they are ignored
//! otherwise, and run by
//! `cargo test -p blixt-ebpf --test packet -- --include-ignored`.

mod announce;
mod build;
mod checksum;
mod checksums;
mod cost;
mod delivery;
mod diff;
mod dissect;
mod drops;
mod flow_table;
mod forward;
mod harness;
mod pass;
mod random;
mod refuse;
mod select;
mod tracking;
mod wires;
