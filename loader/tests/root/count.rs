// SPDX-License-Identifier: Apache-2.0

use tonic::Code;

use crate::{
    client::{Client, put, put_table},
    fixture,
    host::Host,
};

fn loaded() -> (Host, Client) {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    (host, client)
}

fn counted(client: &mut Client, map: &str) -> (u64, bool) {
    let response = client.count(map).unwrap();
    (response.elements, response.estimated)
}

#[test]
#[ignore = "needs root"]
fn count_is_exact_where_elements_are_few_and_in_arrays() {
    let (_host, mut client) = loaded();
    for (map, elements) in [("hash", 0), ("lru", 0), ("tables", 0), ("array", 16)] {
        assert_eq!(counted(&mut client, map), (elements, false), "{map}");
    }
    let mut operations: Vec<_> = (0..12_345)
        .map(|index| put("hash", index, &[7; 12]))
        .collect();
    operations.extend((0..50).map(|index| put_table("tables", index * 7, &[1, 2])));
    client.apply(operations).unwrap();
    assert_eq!(counted(&mut client, "hash"), (12_345, false));
    assert_eq!(counted(&mut client, "tables"), (50, false));
}

#[test]
#[ignore = "needs root"]
fn count_estimates_a_large_hash_within_five_percent() {
    let (_host, mut client) = loaded();
    for chunk in 0..8 {
        let keys = chunk * 10_000..(chunk + 1) * 10_000;
        client
            .apply(keys.map(|index| put("hash", index, &[7; 12])).collect())
            .unwrap();
    }
    let (elements, estimated) = counted(&mut client, "hash");
    assert!(estimated);
    assert!((76_000..84_000).contains(&elements), "{elements} of 80,000");
}

#[test]
#[ignore = "needs root"]
fn count_names_the_maps_there_are_when_it_is_asked_for_another() {
    let (_host, mut client) = loaded();
    let error = client.count("nothing").unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert!(
        error.message().contains("it has array, hash, lru"),
        "{error}"
    );
}

#[test]
#[ignore = "needs root"]
fn load_says_what_each_map_costs() {
    let (_host, mut client) = Host::with_loader();
    let loaded = client.load(fixture::first()).unwrap();
    let memory = |name: &str| {
        let map = loaded.maps.iter().find(|map| map.name == name).unwrap();
        map.memory
    };
    // Elements of 48 bytes and both sizes rounded up to 8; 2^17 buckets of 16 bytes (kernel/bpf/hashtab.c).
    let hash = 100_000 * (48 + 8 + 16) + (1 << 17) * 16;
    assert!(
        (hash..hash + hash / 50).contains(&memory("hash")),
        "{}",
        memory("hash")
    );
    // A pointer each (kernel/bpf/arraymap.c).
    let tables = 20_000 * 8;
    assert!(
        (tables..tables + 4096).contains(&memory("tables")),
        "{}",
        memory("tables")
    );
}
