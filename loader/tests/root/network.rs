// SPDX-License-Identifier: Apache-2.0

use std::time::{Duration, Instant};

use blixt_loader::proto::{Interface, WatchResponse};
use tonic::Code;

use crate::host::Host;

/// For what comes.
const SOON: Duration = Duration::from_secs(60);
/// For what does not.
const QUIET: Duration = Duration::from_millis(400);
/// How long the loader gathers what changes before it tells.
const MERGE: Duration = Duration::from_millis(50);

fn interface<'a>(response: &'a WatchResponse, name: &str) -> &'a Interface {
    let found = response.interfaces.iter().find(|found| found.name == name);
    found.expect("the interface is listed")
}

#[test]
#[ignore = "needs root"]
fn watch_tells_the_state_at_once_and_then_every_change() {
    let (host, mut client) = Host::with_loader();
    let mut stream = client.watch();
    let first = client.next(&mut stream, SOON).unwrap();
    assert_eq!(first.interfaces[0].name, "lo");
    assert_eq!(first.interfaces[0].addresses[0], [127, 0, 0, 1].as_slice());

    host.ip(&[
        "link",
        "add",
        "v0",
        "mtu",
        "1400",
        "address",
        "02:00:00:00:00:01",
        "type",
        "veth",
        "peer",
        "name",
        "v1",
    ]);
    let added = client.next(&mut stream, SOON).unwrap();
    assert!(added.routes_generation > first.routes_generation);
    let veth = interface(&added, "v0");
    assert_eq!((&*veth.kind, veth.r#type, veth.mtu), ("veth", 1, 1400));
    assert_eq!(veth.mac, [2, 0, 0, 0, 0, 1].as_slice());
    assert!(!veth.up && !veth.peer_elsewhere && !veth.default_route);

    let other = Host::new();
    host.ip(&["link", "set", "v1", "netns", &other.netns]);
    host.ip(&["link", "add", "br0", "type", "bridge"]);
    host.ip(&["link", "set", "v0", "master", "br0", "up"]);
    host.ip(&["addr", "add", "10.1.0.1/24", "dev", "br0"]);
    host.ip(&["link", "set", "br0", "up"]);
    host.ip(&["route", "add", "default", "via", "10.1.0.254"]);
    let mut last = added;
    while !last.interfaces.iter().any(|found| found.default_route) {
        let next = client.next(&mut stream, SOON).unwrap();
        assert!(next.routes_generation > last.routes_generation);
        last = next;
    }
    let (veth, bridge) = (interface(&last, "v0"), interface(&last, "br0"));
    assert!(veth.peer_elsewhere && veth.up);
    assert_eq!(veth.master, bridge.ifindex);
    assert_eq!(&*bridge.kind, "bridge");
    assert!(bridge.default_route && bridge.addresses.contains(&vec![10, 1, 0, 1].into()));
}

#[test]
#[ignore = "needs root"]
fn watch_tells_of_routes_and_rules_but_not_of_neighbours() {
    let (host, mut client) = Host::with_loader();
    let mut stream = client.watch();
    let first = client.next(&mut stream, SOON).unwrap();
    host.ip(&[
        "neigh",
        "add",
        "127.0.0.9",
        "lladdr",
        "02:00:00:00:00:09",
        "dev",
        "lo",
    ]);
    assert_eq!(client.next(&mut stream, QUIET), None);
    host.ip(&["route", "add", "blackhole", "10.9.0.0/16"]);
    let route = client.next(&mut stream, SOON).unwrap();
    assert!(route.routes_generation > first.routes_generation);
    assert_eq!(route.interfaces, first.interfaces);
    host.ip(&["rule", "add", "from", "10.8.0.1", "table", "77"]);
    assert!(client.next(&mut stream, SOON).is_some());
    host.ip(&["-6", "rule", "add", "from", "fd00::1", "table", "77"]);
    assert!(client.next(&mut stream, SOON).is_some());
    let again = {
        let mut second = client.watch();
        client.next(&mut second, SOON)
    };
    assert!(again.unwrap().routes_generation > route.routes_generation);
}

#[test]
#[ignore = "needs root"]
fn watch_merges_a_burst() {
    let (host, mut client) = Host::with_loader();
    let mut stream = client.watch();
    client.next(&mut stream, SOON).unwrap();
    let burst: String = (0..100)
        .map(|index| format!("addr add 10.7.0.{index}/32 dev lo\n"))
        .collect();
    let file = host.folder.join("burst");
    std::fs::write(&file, burst).unwrap();
    let start = Instant::now();
    host.ip(&["-batch", file.to_str().unwrap()]);
    let mut messages = 0;
    let mut addresses = 0;
    while addresses < 101 {
        let next = client.next(&mut stream, SOON).unwrap();
        messages += 1;
        addresses = interface(&next, "lo").addresses.len();
    }
    let most = 1 + start.elapsed().div_duration_f32(MERGE) as u32;
    assert!(messages <= most, "{messages} messages");
}

#[test]
#[ignore = "needs root"]
fn resolve_follows_the_routing_table_with_forwarding_off() {
    let (host, mut client) = Host::with_loader();
    host.ip(&["link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
    host.ip(&["link", "set", "v0", "up"]);
    host.ip(&["link", "set", "v1", "up"]);
    host.ip(&["addr", "add", "10.1.0.1/24", "dev", "v0"]);
    host.ip(&["addr", "add", "fd01::1/64", "dev", "v0", "nodad"]);
    host.ip(&["route", "add", "10.2.0.0/16", "via", "10.1.0.254"]);
    host.ip(&["route", "add", "10.3.0.0/16", "via", "inet6", "fd01::fe"]);
    host.ip(&["route", "add", "unreachable", "10.4.0.0/16"]);
    host.ip(&["route", "add", "fd02::/64", "via", "fd01::fe"]);
    let v0 = host.ifindex("v0");
    let six = |last: u8, net: u8| {
        let mut address = [0; 16];
        (address[0], address[1], address[15]) = (0xfd, net, last);
        address
    };
    let routes = client
        .resolve(&[
            &[10, 1, 0, 7],
            &[10, 2, 0, 7],
            &[10, 3, 0, 7],
            &[10, 4, 0, 7],
            &[10, 5, 0, 7],
            &[10, 1, 0, 1],
            &six(7, 1),
            &six(7, 2),
            &six(7, 3),
            &six(1, 1),
        ])
        .unwrap();
    let found: Vec<(u32, &[u8], bool)> = routes
        .iter()
        .map(|route| (route.ifindex, &route.gateway[..], route.local))
        .collect();
    let sources: Vec<&[u8]> = [0, 1, 3, 6].map(|i| &routes[i].source[..]).to_vec();
    assert_eq!(
        sources,
        [&[10, 1, 0, 1][..], &[10, 1, 0, 1], &[], &six(1, 1)]
    );
    let gateway = six(0xfe, 1);
    assert_eq!(
        found,
        [
            (v0, &[][..], false),
            (v0, &[10, 1, 0, 254], false),
            (v0, &gateway, false),
            (0, &[], false),
            (0, &[], false),
            (1, &[], true),
            (v0, &[], false),
            (v0, &gateway, false),
            (0, &[], false),
            (1, &[], true),
        ]
    );
    assert_eq!(
        client.resolve(&[&[1]]).unwrap_err().code(),
        Code::InvalidArgument
    );
}

#[test]
#[ignore = "needs root"]
fn resolve_answers_thousands_in_a_moment() {
    let (host, mut client) = Host::with_loader();
    let address: &[u8] = &[127, 0, 0, 1];
    let start = host.processor_time();
    assert_eq!(client.resolve(&[address; 5000]).unwrap().len(), 5000);
    let took = host.processor_time() - start;
    assert!(took < Duration::from_secs(2), "{took:?}");
}
