// SPDX-License-Identifier: Apache-2.0

use std::{collections::HashMap, fs};

use blixt_loader::proto::{Hook, LoadRequest, Order};
use tonic::Code;

use crate::{
    client::{NAME, attachment, put},
    fixture,
    host::Host,
};

const LOOPBACK: u32 = 1;

#[test]
#[ignore = "needs root"]
fn load_lists_maps_and_programs_as_the_kernel_has_them() {
    let (_host, mut client) = Host::with_loader();
    let object = client.load(fixture::first()).unwrap();
    let programs: Vec<(&str, &str)> = object
        .programs
        .iter()
        .map(|program| (&*program.name, &*program.r#type))
        .collect();
    assert_eq!(
        programs,
        [
            ("count", "sched_cls"),
            ("former", "sched_cls"),
            ("pass", "xdp")
        ]
    );
    assert!(
        object
            .programs
            .iter()
            .all(|program| program.instructions > 2 && program.verified_instructions > 2)
    );
    let shapes: Vec<(&str, u32, u32, u32, u32)> = object
        .maps
        .iter()
        .map(|map| {
            (
                &*map.name,
                map.r#type,
                map.key_size,
                map.value_size,
                map.max_entries,
            )
        })
        .collect();
    assert_eq!(
        shapes,
        [
            ("array", 2, 4, 8, 16),
            ("hash", 1, 4, 12, 100_000),
            ("lru", 9, 4, 4, 65_536),
            ("per_cpu", 6, 4, 12, 16),
            ("per_cpu_hash", 5, 4, 8, 16),
            ("tables", 12, 4, 4, 20_000),
        ]
    );
    assert!(object.maps.iter().all(|map| !map.adopted));
    assert_eq!((object.attachments.len(), object.generation), (0, 0));
    assert_eq!(client.probe_object(), Some(object));
}

#[test]
#[ignore = "needs root"]
fn load_twice_keeps_content_and_generation_and_says_adopted() {
    let (_host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    client.apply(vec![put("hash", 7, b"twelve bytes")]).unwrap();
    let object = client.load(fixture::first()).unwrap();
    assert!(object.maps.iter().all(|map| map.adopted));
    assert_eq!(object.generation, 1);
    assert_eq!(client.dump("hash").unwrap().len(), 1);
}

#[test]
#[ignore = "needs root"]
fn load_sets_sizes_of_maps_and_globals() {
    let (host, mut client) = Host::with_loader();
    let object = client
        .load_with(LoadRequest {
            name: NAME.into(),
            object: fixture::first().into(),
            max_entries: HashMap::from([("hash".into(), 33)]),
            globals: HashMap::from([("STEP".into(), 1000_u64.to_ne_bytes().to_vec().into())]),
            ..Default::default()
        })
        .unwrap();
    let hash = object.maps.iter().find(|map| map.name == "hash").unwrap();
    assert_eq!(hash.max_entries, 33);
    client.attach(
        &[attachment("count", Hook::TcxIngress, LOOPBACK)],
        Order::Last,
    );
    host.send_packet();
    let mark = client.marks()[0];
    assert!(mark >= 1000 && mark.is_multiple_of(1000), "{mark}");
}

#[test]
#[ignore = "needs root"]
fn load_swaps_the_programs_behind_links_and_detaches_those_that_are_gone() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let count = attachment("count", Hook::TcxIngress, LOOPBACK);
    let former = attachment("former", Hook::TcxIngress, LOOPBACK);
    let pass = attachment("pass", Hook::XdpGeneric, LOOPBACK);
    assert_eq!(
        client.attach(&[count.clone(), former, pass.clone()], Order::Last),
        ["", "", ""]
    );
    host.send_packet();
    let before = client.marks();
    assert!(
        before[0] > 0 && before[3] > 0 && before[1] == 0,
        "{before:?}"
    );

    let object = client.load(fixture::next()).unwrap();
    assert_eq!(object.attachments, [count, pass]);
    let programs: Vec<&str> = object
        .programs
        .iter()
        .map(|program| &*program.name)
        .collect();
    assert_eq!(programs, ["count", "pass"]);
    let added: Vec<&str> = object
        .maps
        .iter()
        .filter(|map| !map.adopted)
        .map(|map| &*map.name)
        .collect();
    assert_eq!(added, ["added"]);
    host.send_packet();
    let after = client.marks();
    assert_eq!((after[0], after[3]), (before[0], before[3]));
    assert!(after[1] > 0 && after[4] > before[4], "{after:?}");

    let back = client.load(fixture::first()).unwrap();
    assert!(back.maps.iter().all(|map| map.name != "added"));
}

#[test]
#[ignore = "needs root"]
fn no_packet_passes_by_while_programs_are_swapped() {
    let (host, mut client) = Host::with_loader();
    let (first, next) = (fixture::first(), fixture::next());
    client.load(first.clone()).unwrap();
    let count = attachment("count", Hook::TcxIngress, LOOPBACK);
    client.attach(&[count], Order::Last);
    let (received, marks) = (host.received(), client.marks());
    let mut sender = host
        .enter("bash")
        .args(["-c", "while :; do echo x > /dev/udp/127.0.0.1/9; done"])
        .spawn()
        .unwrap();
    for _ in 0..5 {
        client.load(next.clone()).unwrap();
        client.load(first.clone()).unwrap();
    }
    sender.kill().unwrap();
    sender.wait().unwrap();
    let received = host.received() - received;
    let after = client.marks();
    assert_eq!(after[0] + after[1] - marks[0] - marks[1], received);
    assert!(after[0] > marks[0] && after[1] > 0, "{after:?}");
}

#[test]
#[ignore = "needs root"]
fn load_that_fails_changes_nothing() {
    let (host, mut client) = Host::with_loader();
    let refused = client.load(fixture::refused()).unwrap_err();
    assert_eq!(refused.code(), Code::FailedPrecondition);
    assert!(refused.message().contains("program refused"), "{refused}");
    assert!(
        refused.message().contains("invalid access to packet"),
        "{refused}"
    );
    assert_eq!(client.probe_object(), None);
    assert!(!host.pin_dir().join(NAME).exists());

    let before = client.load(fixture::first()).unwrap();
    client.load(fixture::refused()).unwrap_err();
    let after = client.probe_object().unwrap();
    assert_eq!(after.programs, before.programs);
    assert_eq!(after.maps, before.maps);
}

#[test]
#[ignore = "needs root"]
fn load_refuses_a_pinned_map_of_another_shape_and_names_both() {
    let (_host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let request = LoadRequest {
        name: NAME.into(),
        object: fixture::first().into(),
        max_entries: HashMap::from([("hash".into(), 5)]),
        ..Default::default()
    };
    let error = client.load_with(request).unwrap_err();
    assert_eq!(error.code(), Code::FailedPrecondition);
    for part in [
        "Map hash",
        "max_entries 100000",
        "max_entries 5",
        "Unload test",
    ] {
        assert!(error.message().contains(part), "{error}");
    }
}

#[test]
#[ignore = "needs root"]
fn load_refuses_requests_that_can_never_work() {
    let (_host, mut client) = Host::with_loader();
    let good = LoadRequest {
        name: NAME.into(),
        object: fixture::first().into(),
        ..Default::default()
    };
    let number = || vec![1_u8, 2].into();
    let cases = [
        (
            "name",
            LoadRequest {
                name: "../up".into(),
                ..good.clone()
            },
        ),
        (
            "ELF",
            LoadRequest {
                object: vec![1, 2, 3].into(),
                ..good.clone()
            },
        ),
        (
            "nomap",
            LoadRequest {
                max_entries: HashMap::from([("nomap".into(), 1)]),
                ..good.clone()
            },
        ),
        (
            "NOTHING",
            LoadRequest {
                globals: HashMap::from([("NOTHING".into(), number())]),
                ..good.clone()
            },
        ),
        (
            "STEP",
            LoadRequest {
                globals: HashMap::from([("STEP".into(), number())]),
                ..good
            },
        ),
    ];
    for (part, request) in cases {
        let error = client.load_with(request).unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains(part), "{part}: {error}");
    }
}

#[test]
#[ignore = "needs root"]
fn unload_detaches_and_removes_every_pin() {
    let (host, mut client) = Host::with_loader();
    assert_eq!(client.unload().unwrap_err().code(), Code::NotFound);
    client.load(fixture::first()).unwrap();
    client
        .apply(vec![crate::client::put_table("tables", 0, &[1, 2])])
        .unwrap();
    client.attach(
        &[attachment("count", Hook::TcxIngress, LOOPBACK)],
        Order::Last,
    );
    client.unload().unwrap();
    assert_eq!(fs::read_dir(host.pin_dir()).unwrap().count(), 0);
    assert_eq!(client.probe_object(), None);
    assert_eq!(client.dump("hash").unwrap_err().code(), Code::NotFound);
    let object = client.load(fixture::first()).unwrap();
    assert_eq!((object.generation, object.attachments.len()), (0, 0));
    host.send_packet();
    assert_eq!(client.marks()[0], 0);
}

#[test]
#[ignore = "needs root"]
fn a_new_loader_adopts_what_a_killed_one_left_running() {
    let (mut host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let count = attachment("count", Hook::TcxIngress, LOOPBACK);
    client.attach(std::slice::from_ref(&count), Order::Last);
    client
        .apply(vec![
            put("hash", 7, b"twelve bytes"),
            crate::client::put_table("tables", 3, &[5, 6, 7]),
        ])
        .unwrap();
    host.end("KILL");
    host.send_packet();

    host.start();
    let mut client = host.client();
    let object = client.probe_object().unwrap();
    assert_eq!(object.attachments, std::slice::from_ref(&count));
    assert_eq!((object.maps.len(), object.programs.len()), (6, 3));
    assert_eq!(object.generation, 0);
    assert!(client.marks()[0] > 0, "it stopped counting");
    assert_eq!(client.dump("tables").unwrap().len(), 1);
    assert_eq!(
        client.attach(std::slice::from_ref(&count), Order::Last),
        [""]
    );
    let object = client.load(fixture::first()).unwrap();
    assert!(object.maps.iter().all(|map| map.adopted));
    assert_eq!(object.attachments, [count]);
    assert_eq!(client.dump("hash").unwrap().len(), 1);
}

#[test]
#[ignore = "needs root"]
fn pins_removed_behind_the_loaders_back_are_noticed() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    client.apply(vec![put("hash", 7, b"twelve bytes")]).unwrap();
    fs::remove_dir_all(host.pin_dir().join(NAME)).unwrap();
    assert_eq!(client.probe_object(), None);
    assert_eq!(client.dump("hash").unwrap_err().code(), Code::NotFound);
    let object = client.load(fixture::first()).unwrap();
    assert_eq!(object.generation, 0);
    assert!(client.dump("hash").unwrap().is_empty());
}
