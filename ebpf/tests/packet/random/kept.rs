// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Cases in which the program or the model was wrong once.

use super::{
    case::{Case, Change, Chosen, Step, arrives, ip, socket},
    config::{Backend, Way},
    world::Place::{Node, Out, Pod},
};

/// What each is about, and the case.
pub fn kept() -> Vec<(&'static str, Case)> {
    vec![
        (
            "who is kept by a service that keeps nobody any more is not forgotten",
            Case {
                forwards: true,
                early: false,
                steps: vec![
                    Step::Changes(Change::Serve(
                        3,
                        Some(Chosen {
                            table: 6,
                            slots: 5,
                            sticky: true,
                        }),
                    )),
                    Step::Changes(Change::Slots(6, vec![13, 14, 15, 16, 13])),
                    Step::Changes(Change::Backend(
                        16,
                        Backend {
                            address: socket("10.0.0.2:6060"),
                            epoch: 1003,
                            alive: true,
                            way: Way::Tunnel(ip("172.16.0.1"), ip("172.29.0.9")),
                            quiescent: false,
                            hint: Some(Node),
                        },
                    )),
                    arrives(
                        Out,
                        0,
                        "021b4c870101 000000000000 0800 4500005d 00000000 40110000 c6336407 cb00710a
                         9c420051 00490000 00000000 00000000 00000000 00000000 00000000 00000000
                         00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
                         00000000 00000000 00",
                    ),
                    Step::Changes(Change::Serve(
                        3,
                        Some(Chosen {
                            table: 6,
                            slots: 8,
                            sticky: false,
                        }),
                    )),
                    arrives(
                        Out,
                        0,
                        "021b4c870101 000000000000 0800 4500001c 00000000 00110000 c6336407 cb00710a
                         9c420051 00080000",
                    ),
                ],
            },
        ),
        (
            "a ping in fragments, of which only the first has a type, is not answered",
            Case {
                forwards: true,
                early: false,
                steps: vec![arrives(
                    Node,
                    0,
                    "021b4c870301 000000000000 0800 45000000 00002000 00010000 00000000 cb00710a
                     08000000",
                )],
            },
        ),
        (
            "what is around a packet is IPv6 only if it says so",
            Case {
                forwards: true,
                early: false,
                steps: vec![arrives(
                    Out,
                    0,
                    "021b4c870101 000000000000 86dd 00000000 00000400 20010db8 00020000 00000000
                     00000002 20010db8 00020000 00000000 00000001 45000000 00000000 00000000
                     00000000 cb00710a",
                )],
            },
        ),
        (
            "an IPv6 packet to ::ffff:203.0.113.10 is not for the IPv4 address",
            Case {
                forwards: true,
                early: false,
                steps: vec![arrives(
                    Out,
                    0,
                    "021b4c870101 000000000000 86dd 60000000 00000600 00000000 00000000 00000000
                     00000000 00000000 00000000 0000ffff cb00710a 00000000",
                )],
            },
        ),
        (
            "an ICMPv6 error is one only inside of IPv6",
            Case {
                forwards: true,
                early: false,
                steps: vec![
                    arrives(
                        Node,
                        0,
                        "021b4c870301 000000000000 86dd 60000000 002a0600 20010db8 00010000
                         00000000 00000001 20010db8 00050000 00000000 00000010 9c400051 00000000
                         00000000 a0000000 00000000 00000000 00000000 00000000 00000000 00000000
                         0000",
                    ),
                    arrives(
                        Pod,
                        0,
                        "021b4c870201 000000000000 86dd 00000000 00003a00 00000000 00000000
                         00000000 00000000 20010db8 00010000 00000000 00000001 02000000 00000000
                         60000000 00000600 20010db8 00010000 00000000 00000001 20010db8 000a0000
                         00000000 00000002 9c401f90",
                    ),
                ],
            },
        ),
        (
            "a later fragment, which has no ports, takes none away from its flow",
            Case {
                forwards: true,
                early: false,
                steps: vec![
                    Step::Changes(Change::Backend(
                        25,
                        Backend {
                            address: socket("[2001:db8:a::2]:8080"),
                            epoch: 1000,
                            alive: true,
                            way: Way::Node(ip("2001:db8:dead::1")),
                            quiescent: false,
                            hint: None,
                        },
                    )),
                    arrives(
                        Pod,
                        0,
                        "021b4c870201 000000000000 86dd 60000000 001d2c00 20010db8 000a0000
                         00000000 00000002 20010db8 00050000 00000000 00000010 11000001 cafe0000
                         00000050 00150000 00000000 00000000 00000000 00",
                    ),
                    arrives(
                        Pod,
                        0,
                        "021b4c870201 000000000000 86dd 60000000 00182c00 20010db8 000a0000
                         00000000 00000002 20010db8 00050000 00000000 00000010 11000048 cafe0000
                         00000000 00000000 00000000 00000000",
                    ),
                ],
            },
        ),
        (
            "what is too big is quoted as it came, whatever was to be lowered in it",
            Case {
                forwards: true,
                early: false,
                steps: vec![
                    arrives(
                        Node,
                        0,
                        "021b4c870301 000000000000 86dd 60000000 00000400 20010db8 00020000 00000000 00000002
                         20010db8 00020000 00000000 00000001 45000056 00000000 00060000 c6336407 cb00710a
                         9c410051 00000000 00000000 d0020000 00000000 00000000 00000000 00000000 00000000
                         00000000 00000000 00000000 00000000 00000000 00000000 00000000 0000",
                    ),
                    arrives(
                        Pod,
                        0,
                        &("021b4c870201 000000000000 0800 45000600 00000000 3f060000 0a000002 c6336407 1f909c41
                           00000000 00000000 80030000 00000000 020406"
                            .to_owned()
                            + &"00".repeat(1493)),
                    ),
                ],
            },
        ),
        (
            "a later fragment does not end a flow whose other end is forgotten",
            Case {
                forwards: false,
                early: false,
                steps: vec![
                    Step::Changes(Change::Backend(
                        17,
                        Backend {
                            address: socket("[2001:db8:b::3]:8080"),
                            epoch: 1000,
                            alive: true,
                            way: Way::Snat(ip("2001:db8:2::1")),
                            quiescent: false,
                            hint: Some(Node),
                        },
                    )),
                    arrives(
                        Pod,
                        0,
                        "021b4c870201 000000000000 86dd 60000000 00292c00 20010db8 000a0000
                         00000000 00000002 20010db8 00050000 00000000 00000010 06000001 cafe0001
                         9c410050 00000000 00000000 50000000 00000000 00000000 00000000 00000000
                         00",
                    ),
                    Step::Changes(Change::EvictEnd((
                        socket("[2001:db8:a::2]:40001"),
                        socket("[2001:db8:5::10]:80"),
                        6,
                    ))),
                    arrives(
                        Pod,
                        0,
                        "021b4c870201 000000000000 86dd 60000000 001c2c40 20010db8 000a0000
                         00000000 00000002 20010db8 00050000 00000000 00000010 00000091 cafe0001
                         00000000 00000000 00000000 00000000 00000000",
                    ),
                ],
            },
        ),
        (
            "an error about a flow to another node, whose backend is in the host's network by now, ends here",
            Case {
                forwards: true,
                early: false,
                steps: vec![
                    Step::Changes(Change::Backend(
                        5,
                        Backend {
                            address: socket("10.0.0.2:8080"),
                            epoch: 1000,
                            alive: true,
                            way: Way::Node(ip("100.64.0.1")),
                            quiescent: false,
                            hint: None,
                        },
                    )),
                    arrives(
                        Node,
                        0,
                        "021b4c870301 000000000000 0800 4e000060 00000000 00060000 ac100002
                         cb00710a 00000000 00000000 00000000 00000000 00000000 00000000 00000000
                         00000000 00000000 9c410051 00000000 00000000 80000000 00000000 00000000
                         00000000 00000000 00000000 00000000",
                    ),
                    Step::Changes(Change::Backend(
                        5,
                        Backend {
                            address: socket("192.0.2.1:8080"),
                            epoch: 1001,
                            alive: true,
                            way: Way::Host,
                            quiescent: false,
                            hint: Some(Pod),
                        },
                    )),
                    arrives(
                        Pod,
                        0,
                        "021b4c870201 000000000000 0800 4500005e 00000000 40010000 00000000
                         cb00710a 0b000000 00000000 4f000000 00000000 00060000 cb00710a ac100002
                         00000000 00000000 00000000 00000000 00000000 00000000 00000000 00000000
                         00000000 00000000 00519c41 0000",
                    ),
                ],
            },
        ),
    ]
}
