// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What leaves the host, its own packets above all.

use std::{io, net::IpAddr};

use super::{
    ends::Ends,
    lab::{Lab, Port},
    outcome::Outcome,
    test_run::egress_test_run,
};
use crate::build::Packet;

impl Port {
    /// The packet as the program at egress turns it round.
    pub fn turned(&self, packet: &Packet) -> Packet {
        packet.clone().macs(self.mac, self.mac)
    }
}

impl Lab {
    /// A frame leaves by `port`; it came in by another interface, or 0: it is the
    /// host's own.
    pub fn leave(&self, port: &Port, frame: Vec<u8>, came_by: u32) -> Outcome {
        let outcome = self.try_leave(port, frame, came_by);
        outcome.unwrap_or_else(|error| panic!("the run failed: {error}"))
    }

    /// The same with a frame that the kernel may not take for one.
    pub fn try_leave(&self, port: &Port, frame: Vec<u8>, came_by: u32) -> io::Result<Outcome> {
        let run = egress_test_run(self.object.egress(), &frame, port.ifindex, came_by)?;
        Ok(Outcome {
            action: run.action,
            sent: frame,
            frame: run.frame,
        })
    }

    /// The host sends a packet to the router, and it is turned round: what becomes
    /// of it on entering.
    #[track_caller]
    pub fn host_sends(&self, packet: &Packet) -> Outcome {
        let outcome = self.leave(&self.out, self.out.emits(packet).bytes(), 0);
        outcome.is_redirected_as(&self.out.turned(packet));
        self.receive(&self.out, outcome.frame)
    }
}

impl Ends {
    /// The host's own address where clients are.
    pub fn host(&self) -> IpAddr {
        let text = if self.service.is_ipv4() {
            "192.0.2.1"
        } else {
            "2001:db8:1::1"
        };
        text.parse().expect("an address")
    }

    /// The same with the host as the client.
    pub fn by_host(mut self) -> Self {
        self.client.set_ip(self.host());
        self
    }

    /// The same with a backend in the host's own network.
    pub fn in_host(mut self) -> Self {
        self.backend.set_ip(self.host());
        self
    }
}
