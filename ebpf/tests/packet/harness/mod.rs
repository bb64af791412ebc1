// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The way from a test into the kernel: a namespace with devices and routes,
//! the loaded object, its maps, and runs of its program.

mod ends;
mod lab;
mod maps;
mod namespace;
mod object;
mod outcome;
mod raw;
mod test_run;
mod wire;

pub use ends::{Ends, bare_reset};
pub use lab::{Forwarding, Lab, Port, with_lab};
pub use maps::NO_STATS;
pub use namespace::ip;
pub use outcome::Outcome;
pub use raw::address;
pub use wire::{Offload, Wire};
