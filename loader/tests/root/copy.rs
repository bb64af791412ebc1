// SPDX-License-Identifier: Apache-2.0

use std::{collections::HashMap, time::Duration};

use blixt_loader::proto::{CopyRequest, CopyResponse, LoadRequest, MapName, Operation, Piece};

use crate::{
    client::{Client, NAME, put},
    fixture,
    host::Host,
};

const OTHER: &str = "other";

/// The fixture under another name, its maps as large as asked.
pub fn load_other(client: &mut Client, max_entries: &[(&str, u32)]) {
    let max_entries = max_entries
        .iter()
        .map(|(name, size)| ((*name).into(), *size));
    client
        .load_with(LoadRequest {
            name: OTHER.into(),
            object: fixture::first().into(),
            max_entries: max_entries.collect(),
            ..Default::default()
        })
        .unwrap();
}

/// A map of the usual object into the same of the other.
fn to_other(map: &str, key: u32, value: u32, keep: bool) -> CopyRequest {
    let whole = |length| {
        let (from, to) = (0, 0);
        vec![Piece { from, to, length }]
    };
    let name = |object: &str| {
        let (object, map) = (object.into(), map.into());
        Some(MapName { object, map })
    };
    CopyRequest {
        from: name(NAME),
        to: name(OTHER),
        key: whole(key),
        value: whole(value),
        keep,
    }
}

#[test]
#[ignore = "needs root"]
fn a_copy_of_a_million_elements_takes_seconds_and_little_memory() {
    const ELEMENTS: u32 = 1_000_000;
    // An LRU map gives each CPU its share and evicts when that is used up.
    const ROOM: u32 = 4 * ELEMENTS;
    let (host, mut client) = Host::with_loader();
    client
        .load_with(LoadRequest {
            name: NAME.into(),
            object: fixture::first().into(),
            max_entries: HashMap::from([("lru".into(), ROOM)]),
            ..Default::default()
        })
        .unwrap();
    let numbers: Vec<u32> = (0..ELEMENTS).collect();
    for numbers in numbers.chunks(50_000) {
        let puts: Vec<Operation> = numbers
            .iter()
            .map(|number| put("lru", *number, &number.to_ne_bytes()))
            .collect();
        client.apply(puts).unwrap();
    }
    load_other(&mut client, &[("lru", ROOM)]);
    let before = host.resident_kilobytes();
    for (keep, copied) in [(true, ELEMENTS), (true, 0), (false, ELEMENTS)] {
        let start = host.processor_time();
        let result = client.copy(to_other("lru", 4, 4, keep)).unwrap();
        let took = host.processor_time() - start;
        eprintln!("keep {keep}: {result:?} in {took:?}");
        let kept = u64::from(ELEMENTS - copied);
        let expected = CopyResponse {
            copied: copied.into(),
            kept,
            left_out: 0,
        };
        assert_eq!(result, expected);
        assert!(took < Duration::from_secs(20), "{took:?}");
    }
    let grown = host.resident_kilobytes().saturating_sub(before);
    assert!(grown < 10_000, "the loader grew by {grown} kB");
}
