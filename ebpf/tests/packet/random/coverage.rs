// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What cases have reached, so that nobody takes silence for agreement.

use std::ops::AddAssign;

use blixt_ebpf::layout::Drops;

use super::model::Fate;
use crate::harness::sum;

#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    pub cases: u64,
    pub passed: u64,
    pub dropped: u64,
    pub redirected: u64,
    pub drops: Drops,
}

impl Coverage {
    pub fn packet(&mut self, fate: Fate) {
        match fate {
            Fate::Passed => self.passed += 1,
            Fate::Dropped => self.dropped += 1,
            Fate::Redirected => self.redirected += 1,
        }
    }

    pub fn packets(&self) -> u64 {
        self.passed + self.dropped + self.redirected
    }
}

impl AddAssign for Coverage {
    fn add_assign(&mut self, other: Self) {
        self.cases += other.cases;
        self.passed += other.passed;
        self.dropped += other.dropped;
        self.redirected += other.redirected;
        self.drops = sum(&[self.drops, other.drops]);
    }
}
