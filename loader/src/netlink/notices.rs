// SPDX-License-Identifier: Apache-2.0

//! Notices of changes to links, addresses, routes and rules.

use std::io;

use tokio::io::{Interest, unix::AsyncFd};

use super::{message::messages, socket::Socket};

// RTMGRP_* of linux/rtnetlink.h: links, addresses, routes and rules, both families.
const GROUPS: u32 = 0x1 | 0x10 | 0x40 | 0x80 | 0x100 | 0x400 | 1 << 18;

// Notices about links; all others are about addresses, routes and rules.
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;

#[derive(Debug)]
pub struct Notices {
    socket: AsyncFd<Socket>,
}

impl Notices {
    /// Hears of every change from now on. Needs a tokio runtime.
    ///
    /// # Errors
    /// As in socket(2).
    pub fn subscribe() -> io::Result<Self> {
        let socket = Socket::subscribe(GROUPS)?;
        // SAFETY: the socket owns its descriptor, which no method of it closes
        // or replaces, and nothing in this module replaces the socket.
        let socket = unsafe { AsyncFd::register_with_interest(socket, Interest::READABLE) }?;
        Ok(Self { socket })
    }

    /// Waits for a notice and reads all there are. True when one, or one that
    /// was lost, may be about routes.
    ///
    /// # Errors
    /// As in recv(2).
    pub async fn wait(&mut self) -> io::Result<bool> {
        let mut ready = self.socket.readable_mut().await?;
        let routes_changed = drain(ready.get_inner_mut())?;
        ready.clear_ready();
        Ok(routes_changed)
    }

    /// As [`Self::wait`], for what is there already.
    ///
    /// # Errors
    /// As in recv(2).
    pub fn drain(&mut self) -> io::Result<bool> {
        drain(self.socket.get_mut())
    }
}

fn drain(socket: &mut Socket) -> io::Result<bool> {
    let mut routes_changed = false;
    loop {
        match socket.receive() {
            Ok(notices) => {
                routes_changed |= messages(notices)
                    .any(|notice| !matches!(notice.kind, RTM_NEWLINK | RTM_DELLINK));
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(routes_changed),
            Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => routes_changed = true,
            Err(error) => return Err(error),
        }
    }
}
