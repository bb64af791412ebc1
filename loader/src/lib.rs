// SPDX-License-Identifier: Apache-2.0

//! A daemon that loads eBPF objects, attaches their programs and mutates their
//! maps on command. It knows nothing of what the programs are for.
//!
//! A request goes from [`service`] to the [`object`] it names, and from there
//! to [`bytecode`] (into the kernel), [`links`] (onto interfaces), [`plan`],
//! [`apply`], [`copy`] and [`dump`] (maps). Everything that has to outlive the process is in
//! [`pins`]. [`network`] and [`resolve`] report on interfaces and routes.

pub mod adopt;
pub mod apply;
pub mod args;
pub mod bpf;
pub mod bytecode;
pub mod capabilities;
pub mod chain;
pub mod copy;
pub mod count;
pub mod dump;
pub mod error;
pub mod hook;
pub mod links;
pub mod logging;
pub mod map;
pub mod netlink;
pub mod network;
pub mod note;
pub mod object;
pub mod objects;
pub mod order;
pub mod pieces;
pub mod pins;
pub mod plan;
pub mod probe;
pub mod program;
pub mod resolve;
pub mod service;
pub mod shape;
pub mod socket;
pub mod tables;
pub mod watch;

/// The messages and the service of proto/loader.proto.
pub mod proto {
    #![allow(missing_docs, clippy::all, reason = "generated")]
    tonic::include_proto!("blixt.loader.v1");
}
