// SPDX-License-Identifier: Apache-2.0

//! An ELF file with eBPF programs: checked by itself, then brought into the
//! kernel. Nothing is pinned or attached here.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
};

use aya::{
    Ebpf, EbpfError, EbpfLoader,
    maps::MapError,
    programs::{Program, ProgramError},
};
use aya_obj::{EbpfSectionKind, Object, ProgramSection};

use crate::{
    error::{Error, Result},
    proto,
    shape::Shape,
};

/// Lines of the verifier's log that go into an error.
const LOG_LINES: usize = 12;

#[derive(Debug)]
pub struct Bytecode<'a> {
    file: Vec<u8>,
    request: &'a proto::LoadRequest,
    maps: BTreeMap<String, Declared>,
    programs: Vec<String>,
}

/// A map as the file declares it, with the request's max_entries.
#[derive(Debug)]
pub struct Declared {
    pub shape: Shape,
    /// Of a map of maps: what the inner maps look like.
    pub inner: Option<aya_obj::Map>,
}

impl<'a> Bytecode<'a> {
    /// Reads the file and checks the rest of the request against it.
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a file that is no eBPF object, a program of a type
    /// that has no hook here, a max_entries or global that names nothing.
    pub fn parse(request: &'a proto::LoadRequest) -> Result<Self> {
        // A copy, because the parser needs an aligned start and a field of a
        // message can begin anywhere.
        let file = request.object.to_vec();
        let mut object = Object::parse(&file).map_err(|error| {
            Error::invalid(format!(
                "The object is no eBPF ELF file: {}",
                causes(&error)
            ))
        })?;
        let globals: HashMap<&str, (&[u8], bool)> = request
            .globals
            .iter()
            .map(|(name, bytes)| (name.as_str(), (&bytes[..], true)))
            .collect();
        object
            .patch_map_data(globals)
            .map_err(|error| Error::invalid(format!("A global cannot be set: {error}")))?;
        let mut maps = BTreeMap::new();
        for (name, map) in &object.maps {
            if private(map.section_kind()) {
                continue;
            }
            let mut shape = Shape::declared(map);
            if let Some(max_entries) = request.max_entries.get(name) {
                shape.max_entries = *max_entries;
            }
            let inner = map.inner();
            maps.insert(name.clone(), Declared { shape, inner });
        }
        for name in request.max_entries.keys() {
            if !maps.contains_key(name) {
                return Err(Error::invalid(format!(
                    "max_entries names map {name:?}, which the object does not have"
                )));
            }
        }
        for (name, program) in &object.programs {
            if !matches!(
                program.section,
                ProgramSection::SchedClassifier | ProgramSection::Xdp { .. }
            ) {
                return Err(Error::invalid(format!(
                    "Program {name} is neither a classifier nor XDP: the loader has no hook for it"
                )));
            }
        }
        let programs = object.programs.into_keys().collect();
        Ok(Self {
            file,
            request,
            maps,
            programs,
        })
    }

    /// Maps that outlive a program version: all but the sections of globals.
    pub fn maps(&self) -> &BTreeMap<String, Declared> {
        &self.maps
    }

    pub fn programs(&self) -> &[String] {
        &self.programs
    }

    /// Creates the maps, except those in `adopted` (name to pin), and loads
    /// every program.
    ///
    /// # Errors
    /// FAILED_PRECONDITION with the end of the verifier's log when it refuses.
    pub fn load(&self, adopted: &BTreeMap<String, PathBuf>) -> Result<Ebpf> {
        let mut loader = EbpfLoader::new();
        loader.allow_unsupported_maps();
        for (name, pin) in adopted {
            loader.map_pin_path(name, pin.as_path());
        }
        for (name, max_entries) in &self.request.max_entries {
            loader.map_max_entries(name, *max_entries);
        }
        for (name, bytes) in &self.request.globals {
            loader.override_global(name, &bytes[..], true);
        }
        let mut ebpf = loader.load(&self.file).map_err(|error| refused(&error))?;
        for (name, program) in ebpf.programs_mut() {
            let loaded = match program {
                Program::SchedClassifier(program) => program.load(),
                Program::Xdp(program) => program.load(),
                _ => Err(ProgramError::UnexpectedProgramType),
            };
            loaded.map_err(|error| verifier_refused(name, &error))?;
        }
        Ok(ebpf)
    }
}

/// Whether a map holds a program version's own globals.
fn private(section: EbpfSectionKind) -> bool {
    matches!(
        section,
        EbpfSectionKind::Bss | EbpfSectionKind::Data | EbpfSectionKind::Rodata
    )
}

fn refused(error: &EbpfError) -> Error {
    match error {
        EbpfError::MapError(MapError::CreateError { name, io_error }) => {
            Error::kernel(format!("create map {name}"), io_error)
        }
        EbpfError::MapError(MapError::SyscallError(syscall)) => Error::kernel(
            format!("create the maps ({})", syscall.call),
            &syscall.io_error,
        ),
        EbpfError::ParseError(_)
        | EbpfError::RelocationError(_)
        | EbpfError::NoBTF
        | EbpfError::MapError(_) => {
            Error::invalid(format!("The object cannot be loaded: {}", causes(error)))
        }
        _ => Error::precondition(format!(
            "The object does not fit this kernel: {}",
            causes(error)
        )),
    }
}

fn verifier_refused(program: &str, error: &ProgramError) -> Error {
    match error {
        ProgramError::LoadError {
            io_error,
            verifier_log,
        } => {
            let log = verifier_log.to_string();
            if log.trim().is_empty() {
                return Error::kernel(format!("load program {program}"), io_error);
            }
            Error::precondition(format!(
                "The kernel's verifier refuses program {program} ({io_error}); its last words: {}",
                tail(&log)
            ))
        }
        other => Error::internal(format!("Cannot load program {program}: {}", causes(other))),
    }
}

/// The last lines of a verifier log.
fn tail(log: &str) -> String {
    let lines: Vec<&str> = log
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty())
        .collect();
    lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
}

/// An error and what caused it, in one line.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    #[test]
    fn parse_refuses_bytes_that_are_no_elf_file() {
        let request = proto::LoadRequest {
            object: b"not an object".as_slice().into(),
            ..Default::default()
        };
        let error = Bytecode::parse(&request).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert!(error.message.starts_with("The object is no eBPF ELF file"));
    }

    #[test]
    fn tail_keeps_the_end_of_a_log_and_drops_empty_lines() {
        let log: String = (0..100).map(|line| format!("line {line}\n\n")).collect();
        let tail = tail(&log);
        assert_eq!(tail.lines().count(), LOG_LINES);
        assert!(tail.starts_with("line 88\n") && tail.ends_with("line 99"));
        assert_eq!(super::tail("one\n"), "one");
    }

    #[test]
    fn verifier_refused_is_a_precondition_that_carries_the_log() {
        let error = verifier_refused(
            "p",
            &ProgramError::LoadError {
                io_error: std::io::Error::from_raw_os_error(libc::EACCES),
                verifier_log: aya_obj::VerifierLog::new("R0 !read_ok".into()),
            },
        );
        assert_eq!(error.code, Code::FailedPrecondition);
        assert!(error.message.contains("program p") && error.message.ends_with("R0 !read_ok"));
    }

    #[test]
    fn verifier_refused_without_a_log_is_what_the_kernel_answered() {
        let error = verifier_refused(
            "p",
            &ProgramError::LoadError {
                io_error: std::io::Error::from_raw_os_error(libc::EPERM),
                verifier_log: aya_obj::VerifierLog::new(String::new()),
            },
        );
        assert_eq!(error.code, Code::PermissionDenied);
    }
}
