// SPDX-License-Identifier: Apache-2.0

//! What a map costs. bpf(2) does not tell; procfs does.

use std::{
    fs, io,
    os::fd::{AsRawFd as _, BorrowedFd},
};

/// Bytes of kernel memory of a map, inner maps left out: `memlock` of its
/// fdinfo (bpf_map_show_fdinfo() in kernel/bpf/syscall.c), which the kernel
/// reckons by map_mem_usage() of the map's type since Linux 6.4.
///
/// # Errors
/// When procfs is not there, or says something else.
pub fn map_memory(map: BorrowedFd<'_>) -> io::Result<u64> {
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", map.as_raw_fd()))?;
    memlock(&info).ok_or_else(|| io::Error::other("fdinfo has no memlock"))
}

fn memlock(info: &str) -> Option<u64> {
    info.lines()
        .find_map(|line| line.strip_prefix("memlock:"))
        .and_then(|number| number.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::memlock;

    #[test]
    fn memlock_is_found_among_the_other_lines() {
        let info =
            "pos:\t0\nmap_type:\t9\nmax_entries:\t2000000\nmemlock:\t337641472\nfrozen:\t0\n";
        assert_eq!(memlock(info), Some(337_641_472));
    }

    #[test]
    fn memlock_is_none_where_there_is_none() {
        assert_eq!(memlock("pos:\t0\nflags:\t02\n"), None);
        assert_eq!(memlock("memlock:\tmuch\n"), None);
    }
}
