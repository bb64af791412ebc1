// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Whether the kernel did what the model does, and its maps hold what the model has.

use std::collections::BTreeSet;

use blixt_ebpf::layout::{
    AffinityKey, DELIVERY_HOST, DELIVERY_MAC, DELIVERY_NEIGH, DELIVERY_PEER, Drops, Flow,
    FragmentKey, Pending, Stats,
};

use super::{
    case::Key,
    kernel::Came,
    maps::{HOST_PORTS, Maps, NO_PORTS, beside},
    model::{Entry, Fate, Haste, Model, NoteKey, Verdict, Via, Waiting},
};
use crate::{
    diff::difference,
    harness::{FlowKey, NO_STATS, address, sum},
};

/// What differs, in words.
pub type Difference = String;

/// Counters before the case.
#[derive(Clone)]
pub struct Counted {
    pub drops: Drops,
    pub services: Vec<Stats>,
    pub backends: Vec<Stats>,
}

/// `here` is the index of the interface that the frame came in or leaves by.
pub fn verdict(expected: &Verdict, came: &Came, here: u32) -> Result<(), Difference> {
    if expected.fate != came.fate {
        let verdict = format!("{:?} came, {:?} expected", came.fate, expected.fate);
        let frame = match expected.fate {
            Fate::Dropped => String::new(),
            _ => difference(&came.frame, &expected.frame).unwrap_or_default(),
        };
        return Err(format!("{verdict}\n{frame}"));
    }
    if expected.fate == Fate::Redirected {
        let via = expected.via.unwrap_or(Via::Interface(here));
        // Sent back where it came from, a frame is in the pod at once, too.
        let back = came.early && via == Via::Pod;
        if came.via != Some(via) && !back {
            return Err(format!("via {:?}, expected {via:?}", came.via));
        }
    }
    if expected.is(&came.frame) {
        return Ok(());
    }
    Err(difference(&came.frame, &expected.frame).unwrap_or_default())
}

/// Whether `early` decided, or not, as it should.
pub fn haste(expected: Haste, came: &Came) -> Result<(), Difference> {
    let right = match expected {
        Haste::Never => !came.early,
        Haste::May => true,
        Haste::Must => came.early,
    };
    if right {
        return Ok(());
    }
    let early = came.early;
    Err(format!("early decided: {early}, expected {expected:?}"))
}

/// Whether an entry holds what the model's does, so far as anybody reads it.
pub fn entry(expected: &Entry, came: &Flow) -> Result<(), Difference> {
    let mut wanted = expected.clone();
    let mut macs = [0; 12];
    macs[..6].copy_from_slice(&came.dmac);
    macs[6..].copy_from_slice(&came.smac);
    // What is left of a way that is no more.
    if !matches!(
        wanted.delivery,
        DELIVERY_MAC | DELIVERY_PEER | DELIVERY_HOST
    ) {
        wanted.macs = macs;
    }
    if !matches!(
        wanted.delivery,
        DELIVERY_MAC | DELIVERY_PEER | DELIVERY_NEIGH
    ) {
        wanted.mtu = came.mtu;
    }
    let got = Entry {
        address: expected.address,
        forward: came.is_forward(),
        state: came.state,
        backend: came.backend,
        epoch: came.epoch,
        service: came.service,
        seen: came.seen,
        used: came.used,
        ifindex: came.ifindex,
        delivery: came.delivery,
        overhead: came.overhead,
        looked_at: came.tick != 0,
        macs,
        mtu: came.mtu,
        mss: came.mss,
        snat: came.is_snat(),
        own: came.is_own(),
    };
    let ends = (came.address, came.port);
    let wanted_ends = (
        address(expected.address.ip()),
        expected.address.port().to_be(),
    );
    if ends != wanted_ends {
        return Err(format!("address {ends:x?}, expected {wanted_ends:x?}"));
    }
    if got != wanted {
        return Err(format!("{got:?},\nexpected {wanted:?}"));
    }
    Ok(())
}

fn pending(expected: &Waiting, came: &Pending) -> Result<(), Difference> {
    entry(&expected.entry, &came.flow)?;
    let got = (
        came.acknowledgement,
        came.packets,
        came.answered != 0,
        came.hops,
    );
    let wanted = (
        expected.acknowledgement,
        expected.packets,
        expected.answered,
        expected.hops.into(),
    );
    if got == wanted {
        return Ok(());
    }
    Err(format!("pending {got:?}, expected {wanted:?}"))
}

/// Takes the flows that the model has out of the maps, each as it should be.
pub fn take_flows(model: &Model, maps: &Maps) -> Result<(), Difference> {
    for (key, expected) in &model.flows.settled {
        let came = match FlowKey::new(key.0, key.1, key.2) {
            FlowKey::V4(key) => maps.flows4.take(key),
            FlowKey::V6(key) => maps.flows6.take(key),
        };
        let came = came.ok_or_else(|| none("settled", key))?;
        entry(expected, &came).map_err(|text| format!("{key:?}: {text}"))?;
    }
    for (key, expected) in &model.flows.pending {
        let came = match FlowKey::new(key.0, key.1, key.2) {
            FlowKey::V4(key) => maps.pending4.take(key),
            FlowKey::V6(key) => maps.pending6.take(key),
        };
        let came = came.ok_or_else(|| none("pending", key))?;
        pending(expected, &came).map_err(|text| format!("{key:?}: {text}"))?;
    }
    Ok(())
}

/// The same of what becomes of other ends.
pub fn take_ends(model: &Model, maps: &Maps) -> Result<(), Difference> {
    for (key, expected) in &model.flows.ends {
        let (settled, pending) = match beside(key) {
            FlowKey::V4(key) => (maps.flows4.take(key), maps.pending4.take(key)),
            FlowKey::V6(key) => (maps.flows6.take(key), maps.pending6.take(key)),
        };
        let waiting = settled.is_none();
        let came = settled.or(pending.map(|pending| pending.flow));
        let came = came.ok_or_else(|| format!("no other end of {key:?}"))?;
        let got = (
            came.address,
            u16::from_be(came.port),
            came.service,
            came.used,
            waiting,
        );
        let wanted = (
            address(expected.address.ip()),
            expected.address.port(),
            expected.service,
            expected.used,
            expected.pending,
        );
        if got != wanted {
            return Err(format!(
                "other end of {key:?}: {got:x?}, expected {wanted:x?}"
            ));
        }
    }
    Ok(())
}

fn none(what: &str, key: &Key) -> Difference {
    format!("no {what} entry of {key:?}")
}

pub fn note_key((source, destination, id, protocol): NoteKey) -> FragmentKey {
    let id = if source.is_ipv4() {
        u32::from((id as u16).to_be())
    } else {
        id.to_be()
    };
    FragmentKey {
        saddr: address(source),
        daddr: address(destination),
        id,
        protocol: protocol.into(),
    }
}

/// The same of what first fragments said.
pub fn take_notes(model: &Model, maps: &Maps) -> Result<(), Difference> {
    for (key, expected) in &model.notes {
        let came = maps.fragments.take(note_key(*key));
        let came = came.ok_or_else(|| format!("no note of {key:?}"))?;
        let got = (
            [came.sport, came.dport].map(u16::from_be),
            came.protocol,
            came.seen,
        );
        let wanted = (expected.ports, expected.protocol.into(), expected.seen);
        if got != wanted {
            return Err(format!("note {got:?}, expected {wanted:?}"));
        }
    }
    Ok(())
}

/// The same of clients.
pub fn take_clients(model: &Model, maps: &Maps) -> Result<(), Difference> {
    for ((ip, service), expected) in &model.clients {
        let key = AffinityKey {
            address: address(*ip),
            service: *service,
        };
        let came = maps.clients.take(key);
        let came = came.ok_or_else(|| format!("no client {ip} of {service}"))?;
        let age = super::nanoseconds().wrapping_sub(came.seen) >> 30;
        let got = (came.backend, came.epoch);
        // A case may take long, but not a unit.
        if got != (expected.backend, expected.epoch) || age != u64::from(expected.age) {
            return Err(format!(
                "client {came:?} of age {age}, expected {expected:?}"
            ));
        }
    }
    Ok(())
}

/// The same of the host's ports.
pub fn take_ports(model: &Model, maps: &Maps) -> Result<(), Difference> {
    let elements = model.host_ports.iter().map(|port| u32::from(*port) / 64);
    for element in elements.collect::<BTreeSet<_>>() {
        let mut expected = NO_PORTS;
        for port in &model.host_ports {
            if u32::from(*port) / 64 == element {
                expected.noted[usize::from(*port) % 64] = 1;
            }
        }
        let came = maps.host_ports.get(element);
        if came != Some(expected) {
            return Err(format!(
                "ports of element {element}: {came:?}, expected {expected:?}"
            ));
        }
        maps.host_ports.put(element, NO_PORTS);
    }
    Ok(())
}

pub fn nodes(model: &Model, maps: &Maps) -> Result<(), Difference> {
    for (ip, expected) in &model.config.nodes {
        let came = maps.nodes.get(address(*ip));
        let got = came.map(|node| (node.flags, node.mtu, node.seen));
        let wanted = Some((expected.flags, expected.mtu, expected.seen));
        if got != wanted {
            return Err(format!("node {ip}: {got:?}, expected {wanted:?}"));
        }
    }
    Ok(())
}

/// Reads the counters as they are now.
pub fn counters(maps: &Maps, model: &Model) -> Counted {
    let read = |count: usize, table: &crate::harness::Table<u32, Stats>| {
        (0..count as u32)
            .map(|id| sum(&table.get_each(id)))
            .collect()
    };
    Counted {
        drops: drops(maps),
        services: read(model.service_stats.len(), &maps.service_stats),
        backends: read(model.backend_stats.len(), &maps.backend_stats),
    }
}

pub fn drops(maps: &Maps) -> Drops {
    sum(&maps.drops.get_each(0))
}

/// Whether the counters have moved as the model's have.
pub fn moved(before: &[Stats], after: &[Stats], by: &[Stats]) -> Result<(), Difference> {
    for (id, ((before, after), by)) in before.iter().zip(after).zip(by).enumerate() {
        let expected = sum(&[*before, *by]);
        if *after != expected {
            return Err(format!(
                "counters of {id}: {after:?}, expected {expected:?}"
            ));
        }
    }
    Ok(())
}

pub fn dropped(before: &Drops, after: &Drops, by: &Drops) -> Result<(), Difference> {
    let expected = sum(&[*before, *by]);
    if *after == expected {
        return Ok(());
    }
    Err(format!("drops {after:?}, expected {expected:?}"))
}

/// No counters.
pub fn nothing(count: usize) -> Vec<Stats> {
    vec![NO_STATS; count]
}

/// Whether nothing is left in the tables that cases empty.
pub fn empty(maps: &Maps) -> Result<(), Difference> {
    let mut left: Vec<String> = Vec::new();
    left.extend(maps.flows4.keys().iter().map(|key| format!("{key:?}")));
    left.extend(maps.flows6.keys().iter().map(|key| format!("{key:?}")));
    left.extend(
        maps.pending4
            .keys()
            .iter()
            .map(|key| format!("pending {key:?}")),
    );
    left.extend(
        maps.pending6
            .keys()
            .iter()
            .map(|key| format!("pending {key:?}")),
    );
    left.extend(maps.fragments.keys().iter().map(|key| format!("{key:?}")));
    left.extend(maps.clients.keys().iter().map(|key| format!("{key:?}")));
    let ports = (0..HOST_PORTS).filter(|at| maps.host_ports.get(*at) != Some(NO_PORTS));
    left.extend(ports.map(|at| format!("ports of element {at}")));
    if left.is_empty() {
        return Ok(());
    }
    Err(format!("the model does not have {}", left.join(", ")))
}
