// SPDX-License-Identifier: Apache-2.0

//! What went wrong, as the client will see it: a gRPC status code and one
//! sentence that says what to do.

#![forbid(unsafe_code)]

use std::io;

use tonic::{Code, Status, metadata::MetadataValue};

/// Trailer of an Apply that stopped half way: the operations done, decimal.
pub const APPLIED_OPERATIONS: &str = "applied-operations";

pub type Result<T> = std::result::Result<T, Error>;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    pub code: Code,
    pub message: String,
    /// Operations of an Apply done before this error; `None` outside Apply.
    pub applied: Option<u64>,
}

impl Error {
    fn new(code: Code, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            applied: None,
        }
    }

    /// The request can never work.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(Code::InvalidArgument, message)
    }

    /// Something the request names does not exist.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Code::NotFound, message)
    }

    /// The request fits, but not the present state.
    pub fn precondition(message: impl Into<String>) -> Self {
        Self::new(Code::FailedPrecondition, message)
    }

    /// The loader itself is broken.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(Code::Internal, message)
    }

    /// Maps what the kernel answered while doing `what` ("pin map x").
    pub fn kernel(what: impl AsRef<str>, error: &io::Error) -> Self {
        let what = what.as_ref();
        match error.raw_os_error() {
            Some(libc::E2BIG | libc::ENOMEM | libc::ENOSPC) => Self::new(
                Code::ResourceExhausted,
                format!(
                    "Cannot {what}: the kernel has no room ({error}); raise max_entries or free memory"
                ),
            ),
            Some(libc::EPERM | libc::EACCES) => Self::new(
                Code::PermissionDenied,
                format!(
                    "Cannot {what}: {error}; the loader needs CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, and must own its pin directory"
                ),
            ),
            Some(libc::ENODEV) => Self::not_found(format!("Cannot {what}: the interface is gone")),
            _ => Self::internal(format!("Cannot {what}: {error}")),
        }
    }

    /// Adds how many operations were done before the error.
    pub fn after(mut self, applied: u64) -> Self {
        self.applied = Some(applied);
        self
    }
}

impl From<Error> for Status {
    fn from(error: Error) -> Self {
        let mut status = Status::new(error.code, error.message);
        if let Some(applied) = error.applied {
            status
                .metadata_mut()
                .insert(APPLIED_OPERATIONS, MetadataValue::from(applied));
        }
        status
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(errno: i32) -> Code {
        Error::kernel("do it", &io::Error::from_raw_os_error(errno)).code
    }

    #[test]
    fn kernel_maps_errnos_to_the_codes_of_the_contract() {
        assert_eq!(code(libc::E2BIG), Code::ResourceExhausted);
        assert_eq!(code(libc::ENOMEM), Code::ResourceExhausted);
        assert_eq!(code(libc::ENOSPC), Code::ResourceExhausted);
        assert_eq!(code(libc::EPERM), Code::PermissionDenied);
        assert_eq!(code(libc::EACCES), Code::PermissionDenied);
        assert_eq!(code(libc::ENODEV), Code::NotFound);
        assert_eq!(code(libc::EINVAL), Code::Internal);
    }

    #[test]
    fn kernel_says_what_failed_and_how_the_kernel_answered() {
        let error = Error::kernel("pin map m", &io::Error::from_raw_os_error(libc::EINVAL));
        assert_eq!(
            error.message,
            "Cannot pin map m: Invalid argument (os error 22)"
        );
    }

    #[test]
    fn status_carries_the_number_of_applied_operations_as_a_trailer() {
        let status = Status::from(Error::internal("Broken").after(17));
        assert_eq!(status.metadata().get(APPLIED_OPERATIONS).unwrap(), "17");
        let status = Status::from(Error::internal("Broken"));
        assert!(status.metadata().get(APPLIED_OPERATIONS).is_none());
    }
}
