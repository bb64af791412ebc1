// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The programs in the kernel as cases use them.

use blixt_ebpf::layout::FragmentKey;

use super::{
    case::{Change, Frame, Key},
    config::{self, Config, SERVICES},
    maps::Maps,
    model::{Fate, Via},
    world::{LOOPBACK, PLACES, Place, World},
};
use crate::harness::{
    Lab, Run, TCX_NEXT, TO_NEIGHBOUR, TO_PEER, egress_test_run, segments_test_run,
};

/// What came of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    pub fate: Fate,
    pub frame: Vec<u8>,
    /// How it left, when it was redirected.
    pub via: Option<Via>,
    /// Whether `early` decided.
    pub early: bool,
}

pub struct Kernel<'a> {
    lab: &'a mut Lab,
    pub world: World,
    pub maps: Maps,
    /// Whether `early` comes before `ingress`.
    pub early: bool,
    /// What the maps hold of user space's.
    config: Config,
}

impl<'a> Kernel<'a> {
    /// With the maps as cases find them.
    pub fn new(lab: &'a mut Lab, forwards: bool) -> Self {
        let ports = [&lab.out, &lab.pod, &lab.node, &LOOPBACK].map(Clone::clone);
        let usual = Config::usual();
        for (index, slots) in (0..).zip(&usual.tables) {
            lab.object.set_table(index, slots);
        }
        let world = World { ports, forwards };
        let maps = Maps::new(&lab.object, &world, usual.tables.len());
        maps.write_all(&usual);
        Self {
            lab,
            world,
            maps,
            early: false,
            config: usual,
        }
    }

    /// Runs the programs over a frame that comes in; none where the kernel takes it for none.
    pub fn arrives(&self, frame: &Frame) -> Option<Came> {
        let ifindex = self.world.ifindex(frame.at);
        if self.early && frame.segment == 0 && frame.at != Place::Lo {
            let run = self.lab.object.run_early(&frame.bytes, ifindex).ok()?;
            let (fate, via) = match run.action {
                1 => (Fate::Dropped, None),
                2 => (Fate::Passed, None),
                3 => (Fate::Redirected, Some(Via::Interface(ifindex))),
                other => panic!("early returned {other}"),
            };
            if fate != Fate::Passed || run.frame != frame.bytes {
                return Some(Came {
                    fate,
                    frame: run.frame,
                    via,
                    early: true,
                });
            }
        }
        let program = self.lab.object.program();
        let run = segments_test_run(program, &frame.bytes, ifindex, frame.segment).ok()?;
        Some(came(run))
    }

    /// The same over a frame that the host sends: what it is turned round as, if it is.
    pub fn leaves(&self, frame: &Frame) -> Option<Came> {
        let ifindex = self.world.ifindex(frame.at);
        let program = self.lab.object.egress();
        let run = egress_test_run(program, &frame.bytes, ifindex, 0).ok()?;
        Some(came(run))
    }

    /// Does to the maps what others do. `keys` are those of all flows and of their other
    /// ends, `notes` those of all fragments.
    pub fn changes(&mut self, change: &Change, keys: [&[Key]; 2], notes: &[FragmentKey]) {
        match change {
            Change::Serve(number, chosen) => {
                self.config.services[*number] = *chosen;
                self.maps.write_service(*number, *chosen);
            }
            Change::Slots(table, slots) => {
                self.config.tables[*table as usize].clone_from(slots);
                self.maps.write_slots(*table, slots);
            }
            Change::Backend(id, backend) => {
                self.config.backends[*id as usize].clone_from(backend);
                self.maps.write_backend(*id, backend);
            }
            Change::Address(ip, flags) => self.maps.write_address(*ip, *flags),
            Change::Node(ip, flags) => {
                let node = |flags| config::Node {
                    flags,
                    ..Default::default()
                };
                self.maps.write_node(*ip, flags.map(node));
            }
            Change::Device(place, flags) => {
                self.config.devices[*place as usize] = *flags;
                self.maps.write_device(*place, *flags);
            }
            Change::Time(units) => self.maps.age(*units, keys, notes),
            Change::Evict(key) => self.maps.remove(key),
            Change::EvictEnd(key) => self.maps.remove_end(key),
            Change::ForgetFragments => notes
                .iter()
                .for_each(|key| self.maps.fragments.remove(*key)),
            Change::ForgetClients => self.maps.clients.clear(),
            Change::Exhaust => self.maps.allow(1_000, super::clock()),
        }
    }

    /// Writes what every case begins with over what the last one changed. Flows and
    /// fragments are the caller's to remove.
    pub fn restore(&mut self, usual: &Config) {
        for number in 0..SERVICES {
            if self.config.services[number] != usual.services[number] {
                self.maps.write_service(number, usual.services[number]);
            }
        }
        for (table, slots) in (0..).zip(&usual.tables) {
            if self.config.tables[table as usize] != *slots {
                self.maps.write_slots(table, slots);
            }
        }
        for (id, backend) in (0..).zip(&usual.backends) {
            if self.config.backends[id as usize] != *backend {
                self.maps.write_backend(id, backend);
            }
        }
        for place in PLACES {
            let flags = usual.devices[place as usize];
            if self.config.devices[place as usize] != flags {
                self.maps.write_device(place, flags);
            }
        }
        self.config.clone_from(usual);
    }
}

/// What a program that tells where it redirects to made of a frame.
fn came(run: Run) -> Came {
    let via = match run.action {
        TO_PEER => Some(Via::Pod),
        TO_NEIGHBOUR => Some(Via::Neighbour),
        ifindex @ 100.. if ifindex != TCX_NEXT => Some(Via::Interface(ifindex)),
        _ => None,
    };
    let fate = match run.action {
        _ if via.is_some() => Fate::Redirected,
        TCX_NEXT => Fate::Passed,
        2 => Fate::Dropped,
        other => panic!("the program returned {other}"),
    };
    Came {
        fate,
        frame: run.frame,
        via,
        early: false,
    }
}
