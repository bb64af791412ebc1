// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Network namespaces without names: they go when the last thread and the last
//! descriptor on them do, so nothing is left behind however a test ends.

use std::{
    fs::File,
    io::{self, Write},
    os::fd::AsRawFd,
    panic,
    process::{self, Command, Stdio},
    thread,
};

pub struct Namespace(File);

impl Namespace {
    /// Makes an empty one. Needs CAP_SYS_ADMIN.
    pub fn new() -> io::Result<Self> {
        // Namespaces belong to threads, and this one is its maker's only for a moment.
        thread::scope(|scope| {
            let made = scope.spawn(|| {
                // SAFETY: the call touches no memory and only this thread's namespace.
                check(unsafe { libc::unshare(libc::CLONE_NEWNET) })?;
                File::open("/proc/thread-self/ns/net").map(Self)
            });
            made.join()
                .expect("a thread that makes a namespace does not panic")
        })
    }

    /// Runs `task` on a thread in this namespace; a panic goes on in the caller.
    pub fn enter<T: Send>(&self, task: impl FnOnce() -> T + Send) -> T {
        let inside = || {
            // SAFETY: the descriptor is open, and the call only moves this thread.
            let moved = check(unsafe { libc::setns(self.0.as_raw_fd(), libc::CLONE_NEWNET) });
            moved.expect("a namespace of one's own may be entered");
            task()
        };
        thread::scope(|scope| match scope.spawn(inside).join() {
            Ok(value) => value,
            Err(cause) => panic::resume_unwind(cause),
        })
    }

    /// How other processes can name it while this value lives.
    pub fn path(&self) -> String {
        format!("/proc/{}/fd/{}", process::id(), self.0.as_raw_fd())
    }
}

fn check(result: libc::c_int) -> io::Result<()> {
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// Runs a batch of commands of ip(8) in the calling thread's namespace.
pub fn ip(commands: &str) {
    let mut child = Command::new("ip")
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("ip(8) of iproute2 is installed");
    let mut stdin = child.stdin.take().expect("it was asked for");
    stdin
        .write_all(commands.as_bytes())
        .expect("ip reads its commands");
    drop(stdin);
    let status = child.wait().expect("ip ends");
    assert!(
        status.success(),
        "ip refused one of these commands:\n{commands}"
    );
}
