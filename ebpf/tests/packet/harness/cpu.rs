// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Where a test runs.

use std::{io, mem};

/// Keeps the present thread on the CPU that it runs on. An LRU map has a list for each
/// CPU (kernel/bpf/bpf_lru_list.c): what is there of a CPU that is left stays there,
/// however old it gets.
///
/// # Panics
/// When the kernel refuses.
pub fn stay_on_this_cpu() {
    // SAFETY: a call without arguments; a set of CPUs is plain old data, and the call
    // reads it alone.
    unsafe {
        let cpu = libc::sched_getcpu();
        assert!(cpu >= 0, "{}", io::Error::last_os_error());
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(cpu as usize, &mut set);
        let refused = libc::sched_setaffinity(0, mem::size_of_val(&set), &set);
        assert_eq!(refused, 0, "{}", io::Error::last_os_error());
    }
}
