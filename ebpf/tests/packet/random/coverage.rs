// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What cases have reached, so that nobody takes silence for agreement.

use std::ops::AddAssign;

use blixt_ebpf::layout::{Drops, STATE_FIN_WAIT};

use super::model::{Fate, Model};
use crate::harness::sum;

#[derive(Clone, Copy, Debug, Default)]
pub struct Coverage {
    pub cases: u64,
    pub passed: u64,
    pub dropped: u64,
    pub redirected: u64,
    /// Frames that `early` decided on.
    pub hastened: u64,
    pub drops: Drops,
    /// Entries at the ends of cases: settled ones, and those of connections that one
    /// end has closed, or both.
    pub settled: u64,
    pub closing: u64,
    /// Flows whose client goes by an address of this node.
    pub masked: u64,
    /// Flows that another one keeps from their client's port.
    pub ported: u64,
    /// Flows that took the entries of settled ones.
    pub renewed: u64,
}

impl Coverage {
    pub fn packet(&mut self, fate: Fate) {
        match fate {
            Fate::Passed => self.passed += 1,
            Fate::Dropped => self.dropped += 1,
            Fate::Redirected => self.redirected += 1,
        }
    }

    /// What a case leaves.
    pub fn end(&mut self, model: &Model) {
        self.cases += 1;
        self.drops = sum(&[self.drops, model.drops]);
        self.masked += model.flows.ends.len() as u64 / 2;
        self.ported += model.flows.ported;
        self.renewed += model.flows.renewed;
        let settled = model.flows.settled.values();
        self.settled += settled.clone().count() as u64;
        self.closing += settled
            .filter(|entry| entry.state >= STATE_FIN_WAIT)
            .count() as u64;
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
        self.hastened += other.hastened;
        self.drops = sum(&[self.drops, other.drops]);
        self.settled += other.settled;
        self.closing += other.closing;
        self.masked += other.masked;
        self.ported += other.ported;
        self.renewed += other.renewed;
    }
}
