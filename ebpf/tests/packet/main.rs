// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packet tests: frames built here go through the real program in the kernel
//! (BPF_PROG_TEST_RUN), and what comes out is compared whole.
//!
//! Tests that enter the kernel need root, ip(8) and the object that the build
//! left under `BLIXT_CACHE` (or ~/.cache/blixt). `cargo test` ignores them;
//! `cargo test -p blixt-ebpf --test packet -- --include-ignored` runs them all.
//! Each has network namespaces of its own and maps that nobody else uses meanwhile
//! and that held nothing before; nothing outlives the run.

mod affinity;
mod affinity_nodes;
mod announce;
mod build;
mod checksum;
mod checksums;
mod connection_cost;
mod cost;
mod delivery;
mod diff;
mod dissect;
mod drops;
mod early;
mod errors;
mod flood;
mod flow_table;
mod forward;
mod fragments;
mod hairpin;
mod harness;
mod host;
mod host_ports;
mod icmp_error;
mod lifetimes;
mod martian;
mod mss;
mod own_address;
mod pass;
mod path_mtu;
mod random;
mod refuse;
mod remote;
mod renew;
mod same_port;
mod select;
mod snat;
mod snat_errors;
mod source_port;
mod time_exceeded;
mod too_big;
mod tracking;
mod tunnel;
mod tunnel_cost;
mod verifier;
mod wires;
