// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Which way packets leave: the route that is kept in the flow, and what it does to the frame.

use std::{net::IpAddr, process::Command};

use blixt_ebpf::layout::{DELIVERY_MAC, DELIVERY_NEIGH, DELIVERY_PEER, Drops, Flow};

use crate::{
    diff::assert_same,
    harness::{Ends, Forwarding, Lab, Port, address, ip, with_lab},
    wires::through,
};

/// How a flow's packets leave, and where.
fn way(flow: Option<Flow>) -> (u8, u32) {
    let flow = flow.expect("the flow has an entry");
    (flow.delivery, flow.ifindex)
}

/// The same with the backend at another host's address, on port 9000.
fn elsewhere(ends: &Ends, v4: &str, v6: &str) -> Ends {
    let text = if ends.service.is_ipv4() { v4 } else { v6 };
    let ip: IpAddr = text.parse().expect("an address");
    Ends {
        backend: (ip, 9_000).into(),
        ..ends.clone()
    }
}

#[test]
#[ignore = "needs root"]
fn ingress_hands_packets_for_a_pod_to_its_end_of_the_veth() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let flow = lab.forward_flow(&ends).expect("an entry");
            assert_eq!(
                (flow.delivery, flow.ifindex),
                (DELIVERY_PEER, lab.pod.ifindex)
            );
            assert_eq!((flow.smac, flow.dmac), (lab.pod.mac.0, lab.pod.neighbour.0));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_sends_replies_out_of_the_interface_to_the_client() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            assert!(lab.pod_sends(&ends.reply()).was_redirected());
            assert_eq!(way(lab.reply_flow(&ends)), (DELIVERY_MAC, lab.out.ifindex));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_sends_packets_for_a_remote_backend_to_the_next_hop() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            let ends = elsewhere(&ends, "10.1.2.3", "2001:db8:b::3");
            println!("{ends}");
            lab.put_backend(&ends, |_| {});
            let expected = lab.node.emits(&ends.opening().to(ends.backend).hop());
            lab.client_sends(&ends.opening())
                .is_redirected_as(&expected);
            assert_eq!(
                way(lab.forward_flow(&ends)),
                (DELIVERY_MAC, lab.node.ifindex)
            );
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_leaves_an_unknown_neighbour_to_the_kernel() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            let ends = elsewhere(&ends, "10.0.0.9", "2001:db8:a::9");
            println!("{ends}");
            lab.put_backend(&ends, |_| {});
            let sent = lab.inbound(&ends.opening());
            lab.client_sends(&sent)
                .is_redirected_as(&sent.clone().to(ends.backend).hop());
            assert_eq!(
                way(lab.forward_flow(&ends)),
                (DELIVERY_NEIGH, lab.pod.ifindex)
            );
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_takes_the_interface_of_the_backend_when_the_host_does_not_forward() {
    with_lab(Forwarding::Off, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            assert_eq!(
                way(lab.forward_flow(&ends)),
                (DELIVERY_NEIGH, lab.pod.ifindex)
            );
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_takes_the_next_hop_of_the_backend_when_the_host_does_not_forward() {
    with_lab(Forwarding::Off, |lab| {
        for ends in Ends::all() {
            let ends = elsewhere(&ends, "10.1.2.3", "2001:db8:b::3");
            println!("{ends}");
            let gateway = if ends.service.is_ipv4() {
                "172.16.0.2"
            } else {
                "2001:db8:2::2"
            };
            let ifindex = lab.node.ifindex;
            lab.put_backend(&ends, |backend| {
                backend.ifindex = ifindex;
                backend.gateway = address(gateway.parse().expect("an address"));
            });
            let sent = lab.inbound(&ends.opening());
            lab.client_sends(&sent)
                .is_redirected_as(&sent.clone().to(ends.backend).hop());
            assert_eq!(way(lab.forward_flow(&ends)), (DELIVERY_NEIGH, ifindex));
        }
    });
}

#[test]
#[ignore = "needs root"]
fn ingress_sends_replies_where_the_client_came_from_when_the_host_does_not_forward() {
    with_lab(Forwarding::Off, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            assert!(lab.pod_sends(&ends.reply()).was_redirected());
            assert_eq!(
                way(lab.reply_flow(&ends)),
                (DELIVERY_NEIGH, lab.out.ifindex)
            );
        }
    });
}

/// A reply entry that was evicted comes back with the client's next packet.
fn reply_entry_comes_back(lab: &mut Lab, ends: &Ends, out: &Port) {
    lab.begin(ends);
    lab.remove_flow(ends.backend, ends.client, ends.protocol);
    lab.outdate(ends.client, ends.service, ends.protocol);
    assert!(lab.client_sends(&ends.request()).was_redirected());
    let sent = lab.outbound(&ends.reply());
    let outcome = lab.pod_sends(&sent);
    let expected = sent.from(ends.service).hop();
    if way(lab.reply_flow(ends)).0 == DELIVERY_NEIGH {
        outcome.is_redirected_as(&expected);
    } else {
        outcome.is_redirected_as(&out.emits(&expected));
    }
    assert_eq!(way(lab.reply_flow(ends)).1, out.ifindex);
}

#[test]
#[ignore = "needs root"]
fn ingress_finds_the_way_of_replies_again_when_their_entry_was_evicted() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_lab(forwarding, |lab| {
            let out = lab.out.clone();
            for ends in Ends::all() {
                println!("{ends}, forwarding {forwarding:?}");
                reply_entry_comes_back(lab, &ends, &out);
            }
        });
    }
}

#[test]
#[ignore = "needs root"]
fn ingress_finds_the_way_of_requests_again_when_their_entry_was_evicted() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_lab(forwarding, |lab| {
            for ends in Ends::all() {
                println!("{ends}, forwarding {forwarding:?}");
                lab.begin(&ends);
                lab.remove_flow(ends.client, ends.service, ends.protocol);
                lab.outdate(ends.backend, ends.client, ends.protocol);
                assert!(lab.pod_sends(&ends.reply()).was_redirected());
                assert!(lab.client_sends(&ends.request()).was_redirected());
                assert_eq!(way(lab.forward_flow(&ends)).1, lab.pod.ifindex);
                // It is the same flow still.
                assert_eq!(lab.service_stats(&ends).flows, 1);
            }
        });
    }
}

#[test]
#[ignore = "needs root"]
fn ingress_follows_a_route_that_changes_under_a_flow() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            lab.begin(&ends);
            let target = ends.backend.ip();
            let gateway = if target.is_ipv4() {
                "172.16.0.2"
            } else {
                "2001:db8:2::2"
            };
            ip(&format!("route add {target} via {gateway}"));
            lab.outdate(ends.client, ends.service, ends.protocol);
            let expected = lab.node.emits(&ends.request().to(ends.backend).hop());
            lab.client_sends(&ends.request())
                .is_redirected_as(&expected);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

// bpf_fib_lookup() refuses a way to a packet that is larger than the interface's
// MTU; the flow's other packets would be refused along with it.
#[test]
#[ignore = "needs root"]
fn ingress_finds_the_way_of_a_flow_with_a_packet_beyond_the_mtu() {
    with_lab(Forwarding::On, |lab| {
        for ends in Ends::all() {
            println!("{ends}");
            assert!(
                lab.client_sends(&ends.opening().payload([0xa5; 2_000]))
                    .was_redirected()
            );
            lab.client_reaches(&ends.request(), &ends);
        }
        assert_eq!(lab.drops(), Drops::default());
    });
}

/// What the kernel knows of a neighbour at `out0`.
fn neighbour_state(address: &str) -> String {
    let output = Command::new("ip")
        .args(["neigh", "show", "to", address, "dev", "out0"])
        .output()
        .expect("ip(8) of iproute2 is installed");
    String::from_utf8(output.stdout).expect("ip prints text")
}

// It asks a neighbour whether it is still there only after it has sent something there
// itself: without that, an address that moved to another machine were never found again.
#[test]
#[ignore = "needs root"]
fn the_kernel_sends_a_packet_of_a_flow_now_and_then_and_so_doubts_an_old_neighbour() {
    with_lab(Forwarding::On, |lab| {
        let (router, pod) = lab.attach();
        for ends in Ends::all() {
            println!("{ends}");
            let address = match ends.client.is_ipv4() {
                true => "192.0.2.2",
                false => "2001:db8:1::2",
            };
            let router_mac = lab.out.neighbour;
            let neighbour = format!("neigh change {address} lladdr {router_mac} dev out0 nud");
            ip(&format!("{neighbour} stale"));
            through(&router, &pod, &lab.inbound(&ends.opening()));
            let expected = lab.out.emits(&ends.reply().from(ends.service).hop());
            for _ in 0..2 {
                let came = through(&pod, &router, &lab.outbound(&ends.reply()));
                assert_same(&came, &expected.bytes());
                lab.outdate(ends.backend, ends.client, ends.protocol);
            }
            let state = neighbour_state(address);
            assert!(!state.contains("STALE"), "{state}");
            ip(&format!("{neighbour} permanent"));
        }
    });
}
