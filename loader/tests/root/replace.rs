// SPDX-License-Identifier: Apache-2.0

use blixt_loader::proto::{Anchor, AttachRequest, Hook, LoadRequest, Order, anchor::To};

use crate::{
    client::{Client, NAME, attachment},
    fixture,
    host::Host,
};

const LOOPBACK: u32 = 1;
const OTHER: &str = "other";

/// Loads the next version under another name, with the marks of the first.
fn load_next(client: &mut Client) {
    let object = client
        .load_with(LoadRequest {
            name: OTHER.into(),
            object: fixture::next().into(),
            adopt_from: NAME.into(),
            adopt: vec!["array".into()],
            note: b"the next".to_vec().into(),
            ..Default::default()
        })
        .unwrap();
    let adopted: Vec<&str> = object
        .maps
        .iter()
        .filter(|map| map.adopted)
        .map(|map| &*map.name)
        .collect();
    assert_eq!(adopted, ["array"]);
}

fn attach_next(client: &mut Client, order: Order) {
    let errors = client.attach_with(AttachRequest {
        name: OTHER.into(),
        attachments: vec![attachment("count", Hook::TcxIngress, LOOPBACK)],
        order: order.into(),
        anchor: Some(Anchor {
            to: Some(To::Object(NAME.into())),
        }),
    });
    assert_eq!(errors, [""]);
}

#[test]
#[ignore = "needs root"]
fn replace_lets_no_packet_pass_by_and_swaps_what_hangs_alone() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let count = attachment("count", Hook::TcxIngress, LOOPBACK);
    let pass = attachment("pass", Hook::XdpGeneric, LOOPBACK);
    client.attach(&[count.clone(), pass.clone()], Order::Last);
    host.send_packet();
    let first = client.marks();

    load_next(&mut client);
    attach_next(&mut client, Order::After);
    host.send_packet();
    let both = client.marks();
    assert_eq!((both[0], both[1]), (2 * first[0], first[0]), "{both:?}");

    let object = client.replace_by(OTHER).unwrap();
    assert_eq!((&*object.name, &object.note[..]), (NAME, &b"the next"[..]));
    assert_eq!(object.attachments, [count, pass]);
    assert_eq!(client.probe().unwrap().objects, [object]);
    host.send_packet();
    let last = client.marks();
    assert_eq!((last[0], last[1]), (both[0], 2 * first[0]), "{last:?}");
    assert!(last[4] > both[4], "XDP counts no more: {last:?}");
    assert!(client.replace_by(OTHER).is_err());
}

#[test]
#[ignore = "needs root"]
fn attach_next_to_another_objects_link_is_before_or_after_it() {
    let (host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    // Lets no packet through to those after it.
    let former = attachment("former", Hook::TcxIngress, LOOPBACK);
    let count = attachment("count", Hook::TcxIngress, LOOPBACK);
    client.attach(&[former, count], Order::Last);
    load_next(&mut client);
    attach_next(&mut client, Order::Before);
    host.send_packet();
    let marks = client.marks();
    assert_eq!(
        (marks[0], marks[1]),
        (0, 0),
        "before count is after former: {marks:?}"
    );
    assert!(marks[3] > 0);
}

#[test]
#[ignore = "needs root"]
fn a_replace_that_was_cut_short_is_finished_by_the_next_loader() {
    let (mut host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let count = attachment("count", Hook::TcxIngress, LOOPBACK);
    client.attach(std::slice::from_ref(&count), Order::Last);
    load_next(&mut client);
    attach_next(&mut client, Order::After);
    // As far as a loader came that was killed: the former's links and maps are gone.
    for part in ["links", "maps"] {
        std::fs::remove_dir_all(host.pin_dir().join(NAME).join(part)).unwrap();
    }
    host.end("KILL");
    host.start();
    let mut client = host.client();
    let object = client.replace_by(OTHER).unwrap();
    assert_eq!(object.attachments, [count]);
    host.send_packet();
    assert!(client.marks()[1] > 0);
    // And once more, when only the new name was missing.
    let folder = host.pin_dir();
    host.end("KILL");
    std::fs::rename(folder.join(NAME), folder.join(OTHER)).unwrap();
    host.start();
    let mut client = host.client();
    let object = client.replace_by(OTHER).unwrap();
    assert_eq!((&*object.name, object.attachments.len()), (NAME, 1));
}
