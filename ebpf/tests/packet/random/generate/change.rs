// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What others do to the maps.

use blixt_ebpf::layout::{
    ADDRESS_ANNOUNCE, ADDRESS_LOCAL, BACKEND_REFUSE, DEVICE_BRIDGE_PORT, DEVICE_OUTWARD,
    DEVICE_PEER, NODE_SELF,
};

use super::ends::stranger;
use crate::random::{
    case::{Change, Chosen},
    config::{
        BACKENDS, Backend, NO_TABLE, SLOTS, Way, another, backend_id, is_v6, other_node, pod,
        service, tables, this_node,
    },
    model::Model,
    rng::Random,
    world::{LINKS, Place, host},
};

/// `number` is the service's that may be changed.
pub fn change(random: &mut Random, model: &Model, number: usize) -> Change {
    match random.below(24) {
        0..4 => slots(random, model, number),
        4..6 => serve(random, number),
        6..11 => {
            let which = random.below(BACKENDS as usize) as u32;
            let which = if random.once_in(2) { 0 } else { which };
            let id = backend_id(number, which);
            let present = &model.config.backends[id as usize];
            Change::Backend(id, backend(random, number, which, present))
        }
        11..16 => Change::Time(random.pick(&[
            0, 0, 1, 1, 2, 5, 8, 9, 16, 17, 28, 29, 55, 56, 57, 60, 112, 113, 232, 233, 558, 559,
            600, 6_938, 6_939,
        ])),
        16..20 => evict(random, model),
        20 => Change::Address(
            if random.once_in(3) {
                another(is_v6(number))
            } else {
                service(number).0.ip()
            },
            random.pick(&[
                None,
                Some(0),
                Some(ADDRESS_ANNOUNCE),
                Some(ADDRESS_ANNOUNCE),
                Some(ADDRESS_LOCAL),
                Some(ADDRESS_LOCAL | ADDRESS_ANNOUNCE),
            ]),
        ),
        21 => {
            let v6 = random.once_in(2);
            let across = random.once_in(2);
            let ip = if random.once_in(3) {
                this_node(v6)
            } else {
                other_node(v6, across)
            };
            Change::Node(ip, random.pick(&[None, Some(0), Some(NODE_SELF)]))
        }
        22 => Change::Device(
            random.pick(&LINKS),
            random.pick(&[
                0,
                DEVICE_OUTWARD,
                DEVICE_PEER,
                DEVICE_PEER,
                DEVICE_OUTWARD | DEVICE_BRIDGE_PORT,
            ]),
        ),
        _ if random.once_in(3) => Change::Exhaust,
        _ if random.once_in(2) => Change::ForgetClients,
        _ => Change::ForgetFragments,
    }
}

/// What a case begins with that is about backends everywhere: all of a service's, in
/// the same way or each in one of its own, and a table of all of them.
pub fn everywhere(random: &mut Random, number: usize) -> Vec<Change> {
    let alike = random.once_in(2).then(|| random.below(WAYS));
    let backends = (0..BACKENDS).map(|which| {
        let way = alike.unwrap_or_else(|| random.below(WAYS));
        let usual = Backend::usual(number, which);
        let there = in_way(random, is_v6(number), usual, way);
        Change::Backend(backend_id(number, which), there)
    });
    let mut changes: Vec<Change> = backends.collect();
    let slots = (0..SLOTS[0]).map(|slot| backend_id(number, slot % BACKENDS));
    changes.push(Change::Slots(tables(number)[0], slots.collect()));
    if random.once_in(3) {
        changes.push(Change::Serve(
            number,
            Some(Chosen {
                table: tables(number)[0],
                slots: SLOTS[0],
                sticky: true,
            }),
        ));
    }
    changes
}

/// Ways that `in_way` knows.
const WAYS: usize = 5;

/// A backend in the way of that number: on the other node, across routers, by an
/// address of this node, in the host, in a pod.
fn in_way(random: &mut Random, v6: bool, backend: Backend, way: usize) -> Backend {
    let far = random.once_in(2);
    let port = backend.address.port();
    let hint = Some(Place::Node);
    match way {
        0 => Backend {
            way: Way::Node(other_node(v6, false)),
            hint,
            ..backend
        },
        1 => Backend {
            way: Way::Tunnel(this_node(far), other_node(far, true)),
            hint,
            ..backend
        },
        2 => Backend {
            address: (behind(v6), port).into(),
            way: Way::Snat(this_node(v6)),
            hint,
            ..backend
        },
        3 => Backend {
            address: (host(v6), port).into(),
            way: Way::Host,
            ..backend
        },
        _ => backend,
    }
}

/// Other slots for one of its tables: all alike, or mixed.
fn slots(random: &mut Random, model: &Model, number: usize) -> Change {
    let used = model.config.services[number].map(|chosen| chosen.table);
    let index = random.below(2);
    let table = match used {
        Some(table) if table != NO_TABLE && !random.once_in(3) => table,
        _ => tables(number)[index],
    };
    let count = SLOTS[(table % 2) as usize];
    let mut slot = || match random.below(9) {
        0 | 1 => BACKEND_REFUSE,
        which => backend_id(number, which as u32 % BACKENDS),
    };
    let first = slot();
    let mixed: Vec<u32> = (0..count).map(|_| slot()).collect();
    let slots = if random.once_in(2) {
        vec![first; count as usize]
    } else {
        mixed
    };
    Change::Slots(table, slots)
}

fn serve(random: &mut Random, number: usize) -> Change {
    let index = random.below(2);
    let mut chosen = Chosen {
        table: tables(number)[index],
        slots: SLOTS[index],
        sticky: random.once_in(3),
    };
    match random.below(10) {
        0 => return Change::Serve(number, None),
        1 => chosen.slots = 0,
        2 => chosen.slots += random.pick(&[3, 20]),
        3 => chosen.table = NO_TABLE,
        _ => {}
    }
    Change::Serve(number, Some(chosen))
}

/// The same backend elsewhere or otherwise, another of the same id, or none.
fn backend(random: &mut Random, number: usize, which: u32, present: &Backend) -> Backend {
    let v6 = is_v6(number);
    let usual = Backend::usual(number, which);
    let base = if present.alive && random.once_in(3) {
        present.clone()
    } else {
        Backend {
            epoch: present.epoch.max(usual.epoch),
            ..usual
        }
    };
    let changed = match random.below(16) {
        12..16 => in_way(random, v6, base, 2),
        0 | 1 => return Backend::none(),
        2 => Backend {
            epoch: base.epoch + 1,
            ..base
        },
        3 | 4 => in_way(random, v6, base, 0),
        5 | 6 => in_way(random, v6, base, 1),
        7 => Backend {
            way: Way::Node(stranger(v6)),
            hint: None,
            ..base
        },
        8 => in_way(random, v6, base, 3),
        9 => Backend {
            address: (pod(v6, 3), base.address.port()).into(),
            epoch: base.epoch + 1,
            ..base
        },
        10 if random.once_in(2) => Backend {
            quiescent: true,
            ..base
        },
        10 => Backend {
            alive: false,
            ..base
        },
        _ => base,
    };
    Backend {
        epoch: changed.epoch + u32::from(random.once_in(6)),
        ..changed
    }
}

fn evict(random: &mut Random, model: &Model) -> Change {
    let settled = model.flows.settled.keys();
    let keys: Vec<_> = settled.chain(model.flows.pending.keys()).collect();
    if keys.is_empty() {
        return Change::Time(0);
    }
    let ends: Vec<_> = model.flows.ends.keys().collect();
    if !ends.is_empty() && random.once_in(3) {
        return Change::EvictEnd(*random.pick(&ends));
    }
    Change::Evict(*random.pick(&keys))
}

/// An address of a pod behind the other node.
fn behind(v6: bool) -> std::net::IpAddr {
    if v6 {
        [0x2001, 0xdb8, 0xb, 0, 0, 0, 0, 3].into()
    } else {
        [10, 1, 2, 3].into()
    }
}
