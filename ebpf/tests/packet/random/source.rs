// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A case as the Rust source of itself.

use std::fmt::Write;

use super::{
    case::{Case, Change, Frame, Key, Step},
    config::{Backend, Way},
};

/// The expression that makes the case.
pub fn source(case: &Case) -> String {
    let mut text = format!(
        "Case {{\n    forwards: {},\n    early: {},\n    steps: vec![\n",
        case.forwards, case.early
    );
    for step in &case.steps {
        let step = match step {
            Step::Arrives(frame) => {
                let Frame { at, segment, .. } = frame;
                format!("arrives({at:?}, {segment}, \"{}\")", hex(&frame.bytes))
            }
            Step::Leaves(frame) => format!("leaves({:?}, \"{}\")", frame.at, hex(&frame.bytes)),
            Step::Changes(change) => format!("Step::Changes({})", change_source(change)),
        };
        writeln!(text, "        {step},").expect("a String takes all");
    }
    text + "    ],\n}"
}

/// In groups: MAC addresses, EtherType, then words of four bytes.
fn hex(bytes: &[u8]) -> String {
    let mut text = String::new();
    for (at, byte) in bytes.iter().enumerate() {
        let gap = matches!(at, 6 | 12) || at >= 14 && (at - 14).is_multiple_of(4);
        if gap {
            text.push(' ');
        }
        write!(text, "{byte:02x}").expect("a String takes all");
    }
    text
}

fn change_source(change: &Change) -> String {
    match change {
        Change::Backend(id, backend) => {
            format!("Change::Backend({id}, {})", backend_source(backend))
        }
        Change::Address(ip, flags) => format!("Change::Address(ip(\"{ip}\"), {flags:?})"),
        Change::Node(ip, flags) => format!("Change::Node(ip(\"{ip}\"), {flags:?})"),
        Change::Evict((source, destination, protocol)) => {
            let key: &Key = &(*source, *destination, *protocol);
            format!(
                "Change::Evict((socket(\"{}\"), socket(\"{}\"), {}))",
                key.0, key.1, key.2
            )
        }
        Change::EvictEnd((source, destination, protocol)) => {
            format!(
                "Change::EvictEnd((socket(\"{source}\"), socket(\"{destination}\"), {protocol}))"
            )
        }
        Change::Slots(table, slots) => format!("Change::Slots({table}, vec!{slots:?})"),
        other => format!("Change::{other:?}"),
    }
}

fn backend_source(backend: &Backend) -> String {
    let way = match backend.way {
        Way::Here => "Way::Here".to_owned(),
        Way::Host => "Way::Host".to_owned(),
        Way::Snat(source) => format!("Way::Snat(ip(\"{source}\"))"),
        Way::Node(node) => format!("Way::Node(ip(\"{node}\"))"),
        Way::Tunnel(source, node) => format!("Way::Tunnel(ip(\"{source}\"), ip(\"{node}\"))"),
    };
    format!(
        "Backend {{ address: socket(\"{}\"), epoch: {}, alive: {}, way: {way}, quiescent: {}, hint: {:?} }}",
        backend.address, backend.epoch, backend.alive, backend.quiescent, backend.hint
    )
}

#[cfg(test)]
mod unit {
    use super::*;
    use crate::random::{
        case::{Chosen, arrives, ip, leaves, socket},
        world::Place::{self, *},
    };

    /// A case and how it was written.
    macro_rules! written {
        ($case:expr) => {
            ($case, stringify!($case))
        };
    }

    #[test]
    fn source_is_what_makes_the_case() {
        let (case, text) = written!(Case {
            forwards: true,
            early: false,
            steps: vec![
                arrives(Out, 700, "021b4c870101 021b4c870102 0800 45000014 12"),
                leaves(Node, "021b4c870301 021b4c870302 86dd"),
                Step::Changes(Change::Serve(3, None)),
                Step::Changes(Change::Serve(
                    3,
                    Some(Chosen {
                        table: 7,
                        slots: 7,
                        sticky: true
                    })
                )),
                Step::Changes(Change::Slots(2, vec![0, 1, 2])),
                Step::Changes(Change::Backend(
                    4,
                    Backend {
                        address: socket("[2001:db8::1]:80"),
                        epoch: 7,
                        alive: true,
                        way: Way::Tunnel(ip("10.0.0.1"), ip("10.0.0.2")),
                        quiescent: false,
                        hint: Some(Node)
                    }
                )),
                Step::Changes(Change::Address(ip("192.0.2.1"), Some(1))),
                Step::Changes(Change::Node(ip("::1"), None)),
                Step::Changes(Change::Device(Pod, 2)),
                Step::Changes(Change::Time(9)),
                Step::Changes(Change::Evict((
                    socket("10.0.0.1:80"),
                    socket("10.0.0.2:81"),
                    6
                ))),
                Step::Changes(Change::ForgetFragments),
                Step::Changes(Change::ForgetClients),
                Step::Changes(Change::Exhaust),
            ],
        });
        let bare = |text: &str| -> String {
            let text = text.replace(char::is_whitespace, "");
            text.replace(",}", "}")
                .replace(",)", ")")
                .replace(",]", "]")
        };
        assert_eq!(bare(&source(&case)), bare(text));
        let places: [Place; 4] = [Out, Pod, Node, Lo];
        assert_eq!(
            places.map(|place| format!("{place:?}")),
            ["Out", "Pod", "Node", "Lo"]
        );
    }
}
