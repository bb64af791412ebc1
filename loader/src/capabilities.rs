// SPDX-License-Identifier: Apache-2.0

//! Capabilities: keep the three that are needed, give up all others for good.
//!
//! Capabilities belong to a thread, so this must run before the first thread
//! is started.

use std::{fmt, io};

// linux/capability.h
const CAP_NET_ADMIN: u32 = 12;
const CAP_PERFMON: u32 = 38;
const CAP_BPF: u32 = 39;
const LINUX_CAPABILITY_VERSION_3: u32 = 0x2008_0522;

const NEEDED: [(u32, &str); 3] = [
    (CAP_NET_ADMIN, "CAP_NET_ADMIN"),
    (CAP_PERFMON, "CAP_PERFMON"),
    (CAP_BPF, "CAP_BPF"),
];

#[derive(Debug)]
pub enum CapabilityError {
    /// Names of the capabilities that are not permitted.
    Missing(Vec<&'static str>),
    Kernel(&'static str, io::Error),
}

impl fmt::Display for CapabilityError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(names) => write!(
                f,
                "The loader lacks {}; run it as root, or grant CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON",
                names.join(" and ")
            ),
            Self::Kernel(call, error) => write!(f, "Cannot drop capabilities: {call}: {error}"),
        }
    }
}

/// `struct __user_cap_header_struct`.
#[repr(C)]
struct Header {
    version: u32,
    /// 0 for the calling thread.
    pid: i32,
}

/// `struct __user_cap_data_struct`: 32 capabilities.
#[repr(C)]
#[derive(Clone, Copy, Default)]
struct Data {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Keeps CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, permitted and effective, and
/// drops the rest from every set. Dropping from the bounding set takes
/// CAP_SETPCAP; without it the set stays, which no_new_privs makes harmless.
///
/// # Errors
/// When one of the three is not permitted, or the kernel refuses.
pub fn restrict() -> Result<(), CapabilityError> {
    let permitted = permitted()?;
    let missing = missing(permitted);
    if !missing.is_empty() {
        return Err(CapabilityError::Missing(missing));
    }
    prctl("PR_SET_NO_NEW_PRIVS", libc::PR_SET_NO_NEW_PRIVS, 1)?;
    drop_bounding()?;
    prctl(
        "PR_CAP_AMBIENT",
        libc::PR_CAP_AMBIENT,
        libc::PR_CAP_AMBIENT_CLEAR_ALL,
    )?;
    set(needed())
}

/// The user this process acts as.
pub fn effective_uid() -> u32 {
    // SAFETY: geteuid(2) takes nothing and cannot fail.
    unsafe { libc::geteuid() }
}

fn needed() -> u64 {
    NEEDED.iter().map(|(capability, _)| 1 << capability).sum()
}

fn missing(permitted: u64) -> Vec<&'static str> {
    NEEDED
        .iter()
        .filter(|(capability, _)| permitted & (1 << capability) == 0)
        .map(|(_, name)| *name)
        .collect()
}

fn drop_bounding() -> Result<(), CapabilityError> {
    for capability in 0..u64::BITS {
        if needed() & (1 << capability) != 0 {
            continue;
        }
        match prctl("PR_CAPBSET_DROP", libc::PR_CAPBSET_DROP, capability as i32) {
            // Past the last capability this kernel knows.
            Err(CapabilityError::Kernel(_, error))
                if error.raw_os_error() == Some(libc::EINVAL) =>
            {
                break;
            }
            Err(CapabilityError::Kernel(_, error)) if error.raw_os_error() == Some(libc::EPERM) => {
                log::debug!("the bounding set stays as it is: CAP_SETPCAP is missing");
                break;
            }
            dropped => dropped?,
        }
    }
    Ok(())
}

fn prctl(name: &'static str, option: i32, argument: i32) -> Result<(), CapabilityError> {
    let argument = libc::c_ulong::from(argument.cast_unsigned());
    let zero: libc::c_ulong = 0;
    // SAFETY: the options used here take plain numbers; the kernel follows no
    // pointer and changes only this thread's credentials.
    if unsafe { libc::prctl(option, argument, zero, zero, zero) } == 0 {
        Ok(())
    } else {
        Err(CapabilityError::Kernel(name, io::Error::last_os_error()))
    }
}

fn permitted() -> Result<u64, CapabilityError> {
    let mut data = [Data::default(); 2];
    call("capget", libc::SYS_capget, &mut data)?;
    Ok(u64::from(data[0].permitted) | u64::from(data[1].permitted) << 32)
}

fn set(capabilities: u64) -> Result<(), CapabilityError> {
    let half = |bits: u64| Data {
        effective: bits as u32,
        permitted: bits as u32,
        inheritable: 0,
    };
    call(
        "capset",
        libc::SYS_capset,
        &mut [half(capabilities), half(capabilities >> 32)],
    )
}

fn call(name: &'static str, number: i64, data: &mut [Data; 2]) -> Result<(), CapabilityError> {
    let mut header = Header {
        version: LINUX_CAPABILITY_VERSION_3,
        pid: 0,
    };
    // SAFETY: version 3 means two data structs, which `data` has; both
    // structs are laid out as linux/capability.h says, and outlive the call.
    let result = unsafe { libc::syscall(number, &raw mut header, data.as_mut_ptr()) };
    if result == 0 {
        Ok(())
    } else {
        Err(CapabilityError::Kernel(name, io::Error::last_os_error()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_names_what_is_not_permitted() {
        assert_eq!(missing(u64::MAX), Vec::<&str>::new());
        assert_eq!(missing(needed()), Vec::<&str>::new());
        assert_eq!(missing(1 << CAP_BPF | 1 << CAP_NET_ADMIN), ["CAP_PERFMON"]);
        assert_eq!(missing(0), ["CAP_NET_ADMIN", "CAP_PERFMON", "CAP_BPF"]);
    }

    #[test]
    fn display_says_in_one_sentence_what_is_missing() {
        let error = CapabilityError::Missing(vec!["CAP_BPF"]).to_string();
        assert!(error.starts_with("The loader lacks CAP_BPF;"), "{error}");
    }
}
