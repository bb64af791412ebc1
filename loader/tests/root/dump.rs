// SPDX-License-Identifier: Apache-2.0

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use tonic::Code;

use crate::{
    client::{Client, delete, put, put_table},
    fixture,
    host::Host,
};

fn loaded() -> (Host, Client) {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    (host, client)
}

#[test]
#[ignore = "needs root"]
fn dump_reads_every_element_once_in_chunks_of_the_size_asked_for() {
    let (_host, mut client) = loaded();
    client
        .apply(
            (0..10_000)
                .map(|index| put("hash", index, &[7; 12]))
                .collect(),
        )
        .unwrap();
    for chunk in [1000, 1, 0] {
        let chunks = client.dump_chunks("hash", chunk).unwrap();
        let limit = if chunk == 0 { 4096 } else { chunk as usize };
        assert!(
            chunks
                .iter()
                .all(|elements| (1..=limit).contains(&elements.len()))
        );
        let keys: Vec<_> = chunks
            .iter()
            .flatten()
            .map(|element| element.key.clone())
            .collect();
        let distinct: BTreeSet<_> = keys.iter().collect();
        assert_eq!(
            (keys.len(), distinct.len()),
            (10_000, 10_000),
            "chunk {chunk}"
        );
    }
}

#[test]
#[ignore = "needs root"]
fn dump_of_an_empty_map_ends_without_an_element() {
    let (_host, mut client) = loaded();
    for map in ["hash", "lru", "per_cpu_hash", "tables"] {
        assert!(client.dump(map).unwrap().is_empty(), "{map}");
    }
}

#[test]
#[ignore = "needs root"]
fn dump_names_the_maps_there_are_when_it_is_asked_for_another() {
    let (_host, mut client) = loaded();
    let error = client.dump("nothing").unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(
        error.message().contains("it has array, hash, lru"),
        "{error}"
    );
}

#[test]
#[ignore = "needs root"]
fn dump_misses_nothing_that_stays_while_the_map_changes() {
    let (host, mut client) = loaded();
    client
        .apply(
            (0..20_000)
                .map(|index| put("hash", index, &[1; 12]))
                .collect(),
        )
        .unwrap();
    client
        .apply(
            (0..50)
                .map(|index| put_table("tables", index, &[1, 2]))
                .collect(),
        )
        .unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            let mut writer = host.client();
            let mut generation = 100;
            while !done.load(Ordering::Relaxed) {
                let churn = 50_000 + generation as u32 % 2 * 1000;
                let mut operations: Vec<_> = (0..1000)
                    .map(|index| put("hash", churn + index, &[2; 12]))
                    .collect();
                operations.extend((0..1000).map(|index| delete("hash", churn + index)));
                operations.extend((0..50).map(|index| put_table("tables", index, &[1, 2])));
                writer.apply_at(generation, operations).unwrap();
                generation += 1;
            }
        });
        for _ in 0..20 {
            let stayed = client.dump("hash").unwrap();
            let stayed = stayed.iter().filter(|(_, value)| *value == [1; 12]).count();
            let tables = client.dump("tables").unwrap().len();
            if (stayed, tables) != (20_000, 50) {
                done.store(true, Ordering::Relaxed);
                panic!("{stayed} elements, {tables} tables");
            }
        }
        done.store(true, Ordering::Relaxed);
    });
}
