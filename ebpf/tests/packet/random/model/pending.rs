// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Flows that have not shown yet that there is somebody at both ends.

use blixt_ebpf::layout::STATE_NEW;

use super::{Arrival, Fault, Model, flows::Pending, packet::Packet};
use crate::{
    build::{ACK, RST, SYN},
    random::case::Key,
};

/// Client's packets that make a flow where no answer could prove it.
const PACKETS: u32 = 4;

impl Model<'_> {
    /// Takes account of a packet of a pending flow, which settles with it or not.
    pub fn prove(&mut self, arrival: &Arrival, packet: &Packet, key: &Key) {
        let pending = self.flows.pending[key].clone();
        let entry = &pending.entry;
        let named = self.flows.twin(key, entry);
        let twin = named.unwrap_or(*key);
        let same = |other: &Pending| other.entry.service == entry.service;
        let other = named.is_some() && self.flows.pending.get(&twin).is_some_and(same);
        if other {
            let clock = self.clock;
            self.other(&twin).entry.used = clock;
        } else if named.is_some() && !entry.is_remote(key) && self.flows.find(&twin).is_none() {
            // It was pushed out.
            let ifindex = self.world.ifindex(arrival.place);
            let turned = entry.turned(key, ifindex, arrival.by_host());
            self.flows.put_pending(twin, turned.into());
        }
        let answers = packet.is_tcp() && packet.flags & (SYN | RST) == SYN;
        if answers && !entry.forward {
            if other {
                let expected = packet.sequence(&arrival.frame).wrapping_add(1);
                let client = self.other(&twin);
                (client.answered, client.acknowledgement) = (true, expected);
            }
            return;
        }
        if self.settles(arrival, packet, key) {
            if packet.is_tcp() && (entry.forward || named.is_some()) {
                let client = if entry.forward { key } else { &twin };
                self.remember_settled(client, entry);
            }
            self.flows.settle(key);
            if other {
                self.flows.settle(&twin);
            }
            if entry.snat {
                self.settle_ends(key, named);
            }
        }
    }

    fn other(&mut self, twin: &Key) -> &mut Pending {
        self.flows.pending.get_mut(twin).expect("it was there")
    }

    fn settles(&mut self, arrival: &Arrival, packet: &Packet, key: &Key) -> bool {
        let enough = PACKETS - u32::from(self.fault == Fault::Settles);
        let pending = self.other(key);
        let entry = &pending.entry;
        if packet.is_tcp() {
            if packet.flags & (SYN | RST) != 0 {
                return false;
            }
            if !entry.forward {
                // The backend goes on with what it takes for a connection.
                return true;
            }
            let acknowledges = packet.flags & ACK != 0;
            if !entry.is_remote(key) {
                return pending.answered
                    && acknowledges
                    && packet.acknowledged(&arrival.frame) == pending.acknowledgement;
            }
            // No answer comes by here: what the client sends after its SYN has to do.
            if entry.state == STATE_NEW {
                return acknowledges;
            }
        } else if !entry.forward {
            return false;
        }
        pending.packets += 1;
        pending.packets >= enough
    }
}
