// SPDX-License-Identifier: Apache-2.0

//! A NETLINK_ROUTE socket in the network namespace of the process.

use std::{
    io,
    os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd as _, OwnedFd, RawFd},
};

use super::message::{
    Attribute, Message, NLM_F_DUMP, NLM_F_DUMP_INTR, NLMSG_DONE, NLMSG_ERROR, messages, read_u32,
    request,
};

/// Longer than any datagram the kernel sends (it fills 32 KiB at most).
const BUFFER: usize = 64 * 1024;

/// How often a dump that the kernel calls inconsistent is taken again.
const DUMP_ATTEMPTS: usize = 10;

/// The kernel answers at once; this only keeps a bug from hanging a call.
const TIMEOUT: libc::timeval = libc::timeval {
    tv_sec: 5,
    tv_usec: 0,
};

#[derive(Debug)]
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// A socket for requests.
    ///
    /// # Errors
    /// As in socket(2).
    pub fn open() -> io::Result<Self> {
        let socket = Self::new(0, 0)?;
        // Without strict checks a dump of routes ignores its filter.
        socket.set(libc::SOL_NETLINK, libc::NETLINK_GET_STRICT_CHK, &1_i32)?;
        socket.set(libc::SOL_SOCKET, libc::SO_RCVTIMEO, &TIMEOUT)?;
        Ok(socket)
    }

    /// A socket, not blocking, that hears of changes. `groups` is a set of
    /// RTMGRP_* bits.
    ///
    /// # Errors
    /// As in socket(2) and bind(2).
    pub fn subscribe(groups: u32) -> io::Result<Self> {
        Self::new(groups, libc::SOCK_NONBLOCK)
    }

    fn new(groups: u32, flags: i32) -> io::Result<Self> {
        let kind = libc::SOCK_RAW | libc::SOCK_CLOEXEC | flags;
        // SAFETY: socket(2) takes plain numbers.
        let fd = unsafe { libc::socket(libc::AF_NETLINK, kind, libc::NETLINK_ROUTE) };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the kernel just made this descriptor for us; nobody else has it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        // SAFETY: sockaddr_nl is made of integers, for which zero is valid.
        let mut address: libc::sockaddr_nl = unsafe { std::mem::zeroed() };
        address.nl_family = libc::AF_NETLINK as libc::sa_family_t;
        address.nl_groups = groups;
        // SAFETY: `address` is a live sockaddr_nl of the size given.
        let bound = unsafe {
            libc::bind(
                fd.as_raw_fd(),
                (&raw const address).cast(),
                size_of::<libc::sockaddr_nl>() as libc::socklen_t,
            )
        };
        if bound != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            fd,
            sequence: 0,
            buffer: vec![0; BUFFER],
        })
    }

    fn set<T>(&self, level: i32, option: i32, value: &T) -> io::Result<()> {
        // SAFETY: `value` is live and of the size given; the kernel reads it as
        // the plain integers that both options used here take.
        let result = unsafe {
            libc::setsockopt(
                self.fd.as_raw_fd(),
                level,
                option,
                std::ptr::from_ref(value).cast(),
                size_of::<T>() as libc::socklen_t,
            )
        };
        if result == 0 {
            Ok(())
        } else {
            Err(io::Error::last_os_error())
        }
    }

    fn send(&self, bytes: &[u8]) -> io::Result<()> {
        // SAFETY: the kernel reads `bytes` up to its length.
        let sent =
            unsafe { libc::send(self.fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), 0) };
        if sent < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(())
    }

    /// Receives one datagram.
    ///
    /// # Errors
    /// EAGAIN when there is none, ENOBUFS when notices were lost.
    pub fn receive(&mut self) -> io::Result<&[u8]> {
        // SAFETY: the kernel writes no more than the buffer's length.
        let received = unsafe {
            libc::recv(
                self.fd.as_raw_fd(),
                self.buffer.as_mut_ptr().cast(),
                self.buffer.len(),
                0,
            )
        };
        let received = usize::try_from(received).map_err(|_| io::Error::last_os_error())?;
        Ok(&self.buffer[..received])
    }

    /// Asks for all objects of a kind and gives each answer's body to `visit`.
    /// An answer that changed while it was given is thrown away and asked for
    /// again, so `visit` also gets the (empty) state to begin from.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn dump<T: Default>(
        &mut self,
        kind: u16,
        fixed: &[u8],
        mut visit: impl FnMut(&mut T, &[u8]),
    ) -> io::Result<T> {
        for _ in 0..DUMP_ATTEMPTS {
            let mut state = T::default();
            let mut consistent = true;
            self.exchange(kind, NLM_F_DUMP, fixed, &[], |message| {
                consistent &= message.flags & NLM_F_DUMP_INTR == 0;
                visit(&mut state, message.body);
            })?;
            if consistent {
                return Ok(state);
            }
        }
        Err(io::Error::other(
            "the kernel's tables change faster than they can be read",
        ))
    }

    /// Asks one question and gives the answer's body to `read`.
    ///
    /// # Errors
    /// What the kernel answered.
    pub fn get<T>(
        &mut self,
        kind: u16,
        fixed: &[u8],
        attributes: &[Attribute<'_>],
        read: impl Fn(&[u8]) -> T,
    ) -> io::Result<Option<T>> {
        let mut answer = None;
        self.exchange(kind, 0, fixed, attributes, |message| {
            answer = Some(read(message.body));
        })?;
        Ok(answer)
    }

    fn exchange(
        &mut self,
        kind: u16,
        flags: u16,
        fixed: &[u8],
        attributes: &[Attribute<'_>],
        mut visit: impl FnMut(Message<'_>),
    ) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        self.send(&request(kind, flags, sequence, fixed, attributes))?;
        let dump = flags & NLM_F_DUMP != 0;
        loop {
            for message in messages(self.receive()?) {
                if message.sequence != sequence {
                    continue;
                }
                match message.kind {
                    NLMSG_DONE => return Ok(()),
                    NLMSG_ERROR => return error_of(message.body),
                    _ => visit(message),
                }
                if !dump {
                    return Ok(());
                }
            }
        }
    }
}

/// The negated errno of an NLMSG_ERROR; 0 acknowledges.
fn error_of(body: &[u8]) -> io::Result<()> {
    match read_u32(body, 0).cast_signed() {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error.wrapping_neg())),
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.fd.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_of_turns_the_negated_errno_round() {
        assert!(error_of(&0_i32.to_ne_bytes()).is_ok());
        let error = error_of(&(-libc::ENETUNREACH).to_ne_bytes()).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(libc::ENETUNREACH));
    }
}
