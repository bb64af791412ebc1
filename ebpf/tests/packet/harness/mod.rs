// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The way from a test into the kernel: a namespace with devices and routes,
//! the loaded object, its maps, and runs of its program.

mod affinity;
mod assembly;
mod contents;
mod cpu;
mod early;
mod egress;
mod elf;
mod ends;
mod flows;
mod lab;
mod maps;
mod namespace;
mod object;
mod outcome;
mod pool;
mod raw;
mod snat;
mod syscall;
mod table;
mod telling;
mod test_run;
mod trampoline;
mod verified;
mod wire;

pub use early::Early;
pub use elf::{Elf, INSTRUCTION, NOTHING, Site};
pub use ends::{Ends, bare_reset};
pub use lab::{Chain, Forwarding, Lab, Port, with_chain, with_lab, with_lab_of, with_telling};
pub use maps::{NO_STATS, SLOTS};
pub use namespace::ip;
pub use object::Object;
pub use outcome::{Outcome, TC_ACT_REDIRECT, TCX_NEXT};
pub use raw::{FlowKey, Layout, address, service_key, sum};
pub use snat::{Masked, SOURCE_PORTS};
pub use syscall::Kind;
pub use table::Table;
pub use telling::{TO_NEIGHBOUR, TO_PEER, telling};
pub use test_run::{Run, Summed, egress_test_run, segments_test_run};
pub use trampoline::{Client, Trampoline, look_up4, nothing};
pub use verified::verified_instructions;
pub use wire::{Offload, Wire};
