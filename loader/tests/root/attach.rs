// SPDX-License-Identifier: Apache-2.0

use blixt_loader::proto::{Hook, Order};
use tonic::Code;

use crate::{client::attachment, fixture, host::Host};

const LOOPBACK: u32 = 1;

#[test]
#[ignore = "needs root"]
fn attach_hangs_programs_at_every_hook() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    host.ip(&["link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
    let veth = host.ifindex("v0");
    let attachments = [
        attachment("count", Hook::TcxIngress, veth),
        attachment("former", Hook::TcxEgress, LOOPBACK),
        attachment("pass", Hook::XdpDriver, veth),
        attachment("pass", Hook::XdpGeneric, LOOPBACK),
    ];
    assert_eq!(client.attach(&attachments, Order::Last), ["", "", "", ""]);
    let mut attached = client.probe_object().unwrap().attachments;
    let mut expected = attachments.to_vec();
    for places in [&mut attached, &mut expected] {
        places.sort_by_key(|place| (place.hook, place.ifindex));
    }
    assert_eq!(attached, expected);
    host.send_packet();
    let marks = client.marks();
    assert!(marks[3] > 0 && marks[4] > 0, "{marks:?}");

    client.detach(&attachments).unwrap();
    client.detach(&attachments).unwrap();
    assert!(client.probe_object().unwrap().attachments.is_empty());
    host.send_packet();
    assert_eq!(client.marks(), marks);
}

#[test]
#[ignore = "needs root"]
fn attach_twice_keeps_the_link() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let count = [attachment("count", Hook::TcxIngress, LOOPBACK)];
    assert_eq!(client.attach(&count, Order::Last), [""]);
    host.send_packet();
    let once = client.marks()[0];
    assert_eq!(client.attach(&count, Order::First), [""]);
    host.send_packet();
    assert_eq!(client.marks()[0], 2 * once);
}

#[test]
#[ignore = "needs root"]
fn attach_puts_a_program_first_or_last() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    // `former` lets no packet through to those after it.
    let mut place = |program, order| {
        let place = attachment(program, Hook::TcxIngress, LOOPBACK);
        assert_eq!(client.attach(&[place], order), [""]);
        host.send_packet();
        let marks = client.marks();
        (marks[0], marks[3])
    };
    let (count, former) = place("former", Order::Last);
    assert!(count == 0 && former > 0);
    assert_eq!(place("count", Order::Last), (0, 2 * former));
    let former = [attachment("former", Hook::TcxIngress, LOOPBACK)];
    client.detach(&former).unwrap();
    client.attach(&former, Order::Last);
    host.send_packet();
    let counted = client.marks()[0];
    assert!(counted > 0, "count was not first");
    client.detach(&former).unwrap();
    client.attach(&former, Order::First);
    host.send_packet();
    assert_eq!(client.marks()[0], counted, "former was not first");
}

#[test]
#[ignore = "needs root"]
fn attach_answers_each_failure_in_a_sentence_and_does_the_rest() {
    let (_host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let errors = client.attach(
        &[
            attachment("count", Hook::TcxIngress, 4711),
            attachment("nothing", Hook::TcxIngress, LOOPBACK),
            attachment("pass", Hook::TcxIngress, LOOPBACK),
            attachment("count", Hook::Unspecified, LOOPBACK),
            attachment("count", Hook::TcxIngress, 0),
            attachment("pass", Hook::XdpDriver, LOOPBACK),
            attachment("count", Hook::TcxIngress, LOOPBACK),
        ],
        Order::Last,
    );
    let parts = [
        "interface does not exist",
        "no program \"nothing\"; it has count, former, pass",
        "another type",
        "no known hook",
        "names no interface",
        "use the generic hook",
    ];
    for (error, part) in errors.iter().zip(parts) {
        assert!(error.contains(part), "{part}: {error}");
    }
    assert_eq!(errors.last().unwrap(), "");
    assert_eq!(client.probe_object().unwrap().attachments.len(), 1);
}

#[test]
#[ignore = "needs root"]
fn attach_says_when_another_xdp_program_is_there() {
    let (_host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let generic = [attachment("pass", Hook::XdpGeneric, LOOPBACK)];
    assert_eq!(client.attach(&generic, Order::Last), [""]);
    let mut other = generic.clone();
    other[0].program = "pass".into();
    other[0].hook = Hook::XdpDriver.into();
    let errors = client.attach(&other, Order::Last);
    assert!(!errors[0].is_empty());
    assert_eq!(client.probe_object().unwrap().attachments, generic);
}

#[test]
#[ignore = "needs root"]
fn links_of_interfaces_that_are_gone_are_forgotten() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    host.ip(&["link", "add", "v0", "type", "veth", "peer", "name", "v1"]);
    let veth = attachment("count", Hook::TcxIngress, host.ifindex("v0"));
    assert_eq!(
        client.attach(std::slice::from_ref(&veth), Order::Last),
        [""]
    );
    host.ip(&["link", "del", "v0"]);
    assert!(client.probe_object().unwrap().attachments.is_empty());
    assert!(client.attach(&[veth], Order::Last)[0].contains("does not exist"));
    let links = host.pin_dir().join("test/links");
    assert_eq!(std::fs::read_dir(links).unwrap().count(), 0);
    client.load(fixture::next()).unwrap();
}

#[test]
#[ignore = "needs root"]
fn attach_and_detach_need_a_loaded_object_and_known_hooks() {
    let (_host, mut client) = Host::with_loader();
    let place = attachment("count", Hook::TcxIngress, LOOPBACK);
    assert_eq!(client.detach(&[place]).unwrap_err().code(), Code::NotFound);
    client.load(fixture::first()).unwrap();
    let unknown = attachment("count", Hook::Unspecified, LOOPBACK);
    let error = client.detach(&[unknown]).unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
}
