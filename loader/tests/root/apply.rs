// SPDX-License-Identifier: Apache-2.0

use std::{fs, time::Instant};

use blixt_loader::proto::{Operation, PutTable, operation::Action};
use tonic::Code;

use crate::{
    client::{Client, delete, operation, put, put_table},
    fixture,
    host::Host,
};

const VALUE: &[u8] = b"twelve bytes";

fn loaded() -> (Host, Client) {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    (host, client)
}

fn key(number: u32) -> Vec<u8> {
    number.to_ne_bytes().to_vec()
}

fn numbers(values: &[u32]) -> Vec<u8> {
    values.iter().copied().flat_map(u32::to_ne_bytes).collect()
}

#[test]
#[ignore = "needs root"]
fn put_and_delete_work_in_order_on_a_hash() {
    let (_host, mut client) = loaded();
    let response = client
        .apply(vec![
            put("hash", 1, VALUE),
            put("hash", 2, VALUE),
            delete("hash", 1),
            put("hash", 2, b"other bytes!"),
            delete("hash", 99),
            delete("hash", 98),
            put("hash", 3, VALUE),
            delete("hash", 3),
        ])
        .unwrap();
    assert_eq!((response.applied, response.already), (8, false));
    assert_eq!(
        client.dump("hash").unwrap(),
        [(key(2), b"other bytes!".to_vec())]
    );
}

#[test]
#[ignore = "needs root"]
fn delete_skips_absent_keys_wherever_they_are_in_a_batch() {
    let (_host, mut client) = loaded();
    client
        .apply(
            (0..100)
                .step_by(3)
                .map(|index| put("hash", index, VALUE))
                .collect(),
        )
        .unwrap();
    let response = client
        .apply((0..99).map(|index| delete("hash", index)).collect())
        .unwrap();
    assert_eq!(response.applied, 99);
    assert_eq!(client.dump("hash").unwrap(), [(key(99), VALUE.to_vec())]);
}

#[test]
#[ignore = "needs root"]
fn delete_in_an_array_writes_zeros() {
    let (_host, mut client) = loaded();
    let one = 1_u64.to_ne_bytes();
    client
        .apply(vec![
            put("array", 5, &one),
            put("array", 6, &one),
            delete("array", 5),
        ])
        .unwrap();
    let marks = client.marks();
    assert_eq!((marks.len(), marks[5], marks[6]), (16, 0, 1));
}

#[test]
#[ignore = "needs root"]
fn put_writes_a_per_cpu_value_for_every_cpu() {
    let (_host, mut client) = loaded();
    let cpus = client.probe().unwrap().cpus as usize;
    client
        .apply(vec![
            put("per_cpu", 3, VALUE),
            put("per_cpu", 4, VALUE),
            delete("per_cpu", 4),
            put("per_cpu_hash", 9, b"8 bytes."),
        ])
        .unwrap();
    let elements = client.dump("per_cpu").unwrap();
    assert_eq!(elements.len(), 16);
    assert_eq!(elements[3].1, [VALUE, &[0; 4]].concat().repeat(cpus));
    assert_eq!(elements[4].1, vec![0; 16 * cpus]);
    assert_eq!(
        client.dump("per_cpu_hash").unwrap(),
        [(key(9), b"8 bytes.".repeat(cpus))]
    );
}

#[test]
#[ignore = "needs root"]
fn put_table_replaces_whole_tables_of_any_size() {
    let (host, mut client) = loaded();
    let long: Vec<u32> = (0..65_537).collect();
    client
        .apply(vec![
            put_table("tables", 0, &[1, 2, 3]),
            put_table("tables", 19_999, &long),
            put_table("tables", 5, &[9]),
        ])
        .unwrap();
    assert_eq!(
        client.dump("tables").unwrap(),
        [
            (key(0), numbers(&[1, 2, 3])),
            (key(5), numbers(&[9])),
            (key(19_999), numbers(&long)),
        ]
    );
    client
        .apply(vec![
            put_table("tables", 0, &[7, 7, 7, 7]),
            put_table("tables", 0, &[8, 8]),
            delete("tables", 5),
            delete("tables", 6),
        ])
        .unwrap();
    let tables = client.dump("tables").unwrap();
    assert_eq!(tables[0], (key(0), numbers(&[8, 8])));
    assert_eq!(tables.len(), 2);
    // The template and the two in use.
    let pins = fs::read_dir(host.pin_dir().join("test/tables/tables")).unwrap();
    assert_eq!(pins.count(), 3);
}

#[test]
#[ignore = "needs root"]
fn programs_see_the_table_that_was_put() {
    let (host, mut client) = loaded();
    client.attach(
        &[crate::client::attachment(
            "count",
            blixt_loader::proto::Hook::TcxIngress,
            1,
        )],
        Default::default(),
    );
    for first in [41, 42] {
        client
            .apply(vec![put_table("tables", 0, &[first, 0])])
            .unwrap();
        host.send_packet();
        assert_eq!(client.marks()[2], u64::from(first));
    }
}

#[test]
#[ignore = "needs root"]
fn ten_thousand_tables_take_seconds_and_not_minutes() {
    let (host, mut client) = loaded();
    let tables = |seed: u32| -> Vec<Operation> {
        (0..10_000)
            .map(|index| put_table("tables", index, &[seed, index]))
            .collect()
    };
    let start = Instant::now();
    client.apply(tables(1)).unwrap();
    client.apply(tables(2)).unwrap();
    let put = start.elapsed();
    let start = Instant::now();
    let dumped = client.dump("tables").unwrap();
    let read = start.elapsed();
    assert_eq!(dumped.len(), 10_000);
    assert_eq!(dumped[0].1, numbers(&[2, 0]));
    let start = Instant::now();
    client
        .apply((0..10_000).map(|index| delete("tables", index)).collect())
        .unwrap();
    println!(
        "20,000 puts {put:?}, dump of 10,000 {read:?}, 10,000 deletes {:?}",
        start.elapsed()
    );
    assert!(client.dump("tables").unwrap().is_empty());
    let pins = fs::read_dir(host.pin_dir().join("test/tables/tables")).unwrap();
    assert_eq!(pins.count(), 1);
    assert!(put.as_secs() < 60 && read.as_secs() < 30);
}

#[test]
#[ignore = "needs root"]
fn apply_checks_every_operation_before_the_first() {
    let (_host, mut client) = loaded();
    let table = |values: &[u8]| {
        operation(
            "tables",
            Action::PutTable(PutTable {
                key: vec![0; 4].into(),
                values: values.to_vec().into(),
            }),
        )
    };
    let cases = [
        (Code::NotFound, "nothing", put("nothing", 0, VALUE)),
        (
            Code::InvalidArgument,
            "values have 12",
            put("hash", 0, b"short"),
        ),
        (
            Code::InvalidArgument,
            "out of bounds",
            put("array", 16, &[0; 8]),
        ),
        (
            Code::InvalidArgument,
            "out of bounds",
            delete("tables", 20_000),
        ),
        (
            Code::InvalidArgument,
            "put_table",
            put("tables", 0, &[0; 4]),
        ),
        (
            Code::InvalidArgument,
            "map of maps",
            put_table("hash", 0, &[1]),
        ),
        (Code::InvalidArgument, "whole values", table(&[])),
        (Code::InvalidArgument, "whole values", table(&[1, 2, 3])),
        (
            Code::InvalidArgument,
            "neither",
            Operation {
                map: "hash".into(),
                action: None,
            },
        ),
    ];
    for (code, part, bad) in cases {
        let map = bad.map.clone();
        let error = client.apply(vec![put("hash", 1, VALUE), bad]).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        for part in [part, "Operation 1", &map] {
            assert!(error.message().contains(part), "{part}: {error}");
        }
        assert!(error.metadata().get("applied-operations").is_none());
    }
    assert!(client.dump("hash").unwrap().is_empty());
}

#[test]
#[ignore = "needs root"]
fn apply_that_stops_half_way_says_how_far_it_got() {
    let (_host, mut client) = loaded();
    let mut operations = vec![put("hash", 1, VALUE)];
    operations.extend((0..30).map(|index| put("per_cpu_hash", index, &[1; 8])));
    operations.push(put("hash", 2, VALUE));
    let error = client.apply(operations).unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(error.message().contains("per_cpu_hash"), "{error}");
    let applied = error.metadata().get("applied-operations").unwrap();
    assert_eq!(applied, "17");
    assert_eq!(client.dump("per_cpu_hash").unwrap().len(), 16);
    assert_eq!(client.dump("hash").unwrap().len(), 1);
    assert_eq!(client.probe_object().unwrap().generation, 0);
}

#[test]
#[ignore = "needs root"]
fn a_generation_that_was_done_is_not_done_again() {
    let (_host, mut client) = loaded();
    client.apply_at(5, vec![put("hash", 1, VALUE)]).unwrap();
    assert_eq!(client.probe_object().unwrap().generation, 5);
    for generation in [1, 5] {
        let response = client
            .apply_at(generation, vec![delete("hash", 1)])
            .unwrap();
        assert_eq!((response.applied, response.already), (0, true));
    }
    assert_eq!(client.dump("hash").unwrap().len(), 1);
    let response = client.apply_at(6, vec![]).unwrap();
    assert_eq!((response.applied, response.already), (0, false));
    assert_eq!(client.probe_object().unwrap().generation, 6);
    let error = client.apply_at(0, vec![]).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
