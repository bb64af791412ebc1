// SPDX-License-Identifier: Apache-2.0

//! A verified, pinned program of a loaded object.

#![forbid(unsafe_code)]

use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};

use aya::programs::{ProgramInfo, ProgramType};
use aya_obj::generated::bpf_prog_type::{BPF_PROG_TYPE_SCHED_CLS, BPF_PROG_TYPE_XDP};

use crate::{
    bpf,
    error::{Error, Result},
    pins::Pins,
    proto,
};

/// Bytes of an eBPF instruction.
const INSTRUCTION_SIZE: u32 = 8;

#[derive(Debug)]
pub struct Program {
    fd: OwnedFd,
    program_type: ProgramType,
    info: proto::ProgramInfo,
}

impl Program {
    /// Opens what is pinned.
    pub fn open(pins: &Pins, name: &str) -> Result<Self> {
        let path = pins.program(name);
        let fd = bpf::open_pin(&path)
            .map_err(|error| Error::kernel(format!("open the pinned program {name}"), &error))?;
        let info = ProgramInfo::from_pin(&path).map_err(|error| {
            Error::internal(format!(
                "Cannot read about the pinned program {name}: {error}"
            ))
        })?;
        let (program_type, type_name) = match info.program_type() {
            BPF_PROG_TYPE_SCHED_CLS => (ProgramType::SchedClassifier, "sched_cls"),
            BPF_PROG_TYPE_XDP => (ProgramType::Xdp, "xdp"),
            _ => {
                return Err(Error::precondition(format!(
                    "The pinned program {name} is neither a classifier nor XDP; remove its pin"
                )));
            }
        };
        Ok(Self {
            fd,
            program_type,
            info: proto::ProgramInfo {
                name: name.to_owned(),
                r#type: type_name.to_owned(),
                instructions: info.size_translated().unwrap_or(0) / INSTRUCTION_SIZE,
                verified_instructions: info.verified_instruction_count().unwrap_or(0),
            },
        })
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }

    pub fn program_type(&self) -> ProgramType {
        self.program_type
    }

    pub fn describe(&self) -> proto::ProgramInfo {
        self.info.clone()
    }
}
