// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What tests read and change of the clients that services remember.

use blixt_ebpf::layout::{Affinity, AffinityKey, BACKEND_QUIESCENT};

use super::{ends::Ends, lab::Lab, raw::address};

const MILLISECOND: u64 = 1_000_000;

impl Lab {
    /// Makes the service keep clients at their backends for so many seconds.
    pub fn keep_clients(&mut self, ends: &Ends, seconds: u32) {
        self.put_service(ends, |service| service.affinity = seconds);
    }

    /// Where the client's last flow to the service went.
    pub fn affinity(&mut self, ends: &Ends) -> Option<Affinity> {
        self.object.get("affinities", affinity_key(ends))
    }

    /// Makes the client's last flow as old as if it had begun so much earlier.
    pub fn age_affinity(&mut self, ends: &Ends, milliseconds: u64) {
        let mut last = self.affinity(ends).expect("a client to forget");
        last.seen = last.seen.wrapping_sub(milliseconds * MILLISECOND);
        self.object.put("affinities", affinity_key(ends), last);
    }

    /// Clients that are remembered, counted once for each service.
    pub fn clients(&mut self) -> usize {
        self.object.count::<AffinityKey, Affinity>("affinities")
    }

    /// From now on the backend takes no new flows.
    pub fn quiesce(&mut self, ends: &Ends) {
        self.put_backend(ends, |backend| backend.flags |= BACKEND_QUIESCENT);
    }
}

fn affinity_key(ends: &Ends) -> AffinityKey {
    AffinityKey {
        address: address(ends.client.ip()),
        service: ends.service_id,
    }
}
