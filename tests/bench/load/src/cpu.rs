// SPDX-License-Identifier: Apache-2.0

//! Processor time. What the kernel does for a packet on its way, from one network
//! namespace to the next, it does in the sender's time.

use std::{ffi::c_int, time::Duration};

/// Of linux/time.h.
const CLOCK_PROCESS_CPUTIME_ID: c_int = 2;

/// `struct timespec` of a 64-bit system.
#[repr(C)]
#[derive(Default)]
struct Timespec {
    seconds: i64,
    nanoseconds: i64,
}

unsafe extern "C" {
    fn clock_gettime(clock: c_int, time: *mut Timespec) -> c_int;
}

/// Processor time of this process so far, threads that have ended included.
pub fn spent() -> Duration {
    let mut time = Timespec::default();
    // SAFETY: `time` has the layout that the C library expects, and outlives the call.
    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    Duration::new(time.seconds as u64, time.nanoseconds as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::{thread, time::Instant};

    #[test]
    fn a_loop_spends_time_and_sleep_spends_none() {
        let before = spent();
        thread::sleep(Duration::from_millis(50));
        let begin = Instant::now();
        let rested = spent() - before;
        while spent() - before < rested + Duration::from_millis(20) {
            assert!(
                begin.elapsed() < Duration::from_secs(20),
                "the clock stands still"
            );
        }
        assert!(begin.elapsed() >= Duration::from_millis(1));
    }
}
