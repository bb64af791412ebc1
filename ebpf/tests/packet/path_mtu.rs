// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Routers between nodes that take less than this node's link.

use std::net::IpAddr;

use blixt_ebpf::layout::{Drops, NODE_SELF};

use crate::{
    build::{Icmp, Packet, TOO_BIG_V6, UNREACHABLE},
    harness::{Ends, Forwarding, Lab, with_lab},
    too_big::{sized, told},
};

/// Every pair of families inside and outside, with the bytes of the outer header.
fn ways() -> Vec<(Ends, u16)> {
    Ends::all()
        .into_iter()
        .flat_map(|ends| [(ends.clone().beyond(false), 20), (ends.beyond(true), 40)])
        .collect()
}

/// A router's word on a packet, of which it quotes `length` bytes.
fn error(packet: &Packet, mtu: u16, length: usize) -> Packet {
    let v4 = packet.source().is_ipv4();
    let router = if v4 { "172.16.0.2" } else { "2001:db8:2::2" };
    let router: IpAddr = router.parse().expect("an address");
    let mut icmp = Icmp::new(if v4 { UNREACHABLE } else { TOO_BIG_V6 });
    icmp.code = if v4 { 4 } else { 0 };
    let [high, low] = mtu.to_be_bytes();
    icmp.rest = [0, 0, high, low];
    let frame = packet.bytes();
    let quote = &frame[packet.network_at()..];
    Packet::icmp(router, packet.source(), icmp).payload(&quote[..length.min(quote.len())])
}

/// With both nodes known and a flow between them.
fn with_tunnels(test: impl Fn(&mut Lab, &Ends, u16) + Sync) {
    with_lab(Forwarding::On, |lab| {
        for (ends, overhead) in ways() {
            println!("{ends} through {:?}", ends.tunnel);
            let [there, here] = ends.tunnel_here();
            lab.put_node(there, 0);
            lab.put_node(here, NODE_SELF);
            lab.choose(&ends);
            lab.begin(&ends);
            test(lab, &ends, overhead);
            lab.remove_flow(ends.client, ends.service, ends.protocol);
        }
    });
}

fn hears(lab: &Lab, error: &Packet) {
    let error = error.clone().macs(lab.node.neighbour, lab.node.mac);
    lab.receive(&lab.node, error.bytes()).is_passed_untouched();
}

#[test]
#[ignore = "needs root"]
fn the_client_hears_what_a_router_between_nodes_said() {
    with_tunnels(|lab, ends, overhead| {
        let long = ends.around(&sized(ends.request(), 1_460));
        // As little as a router may quote, and all.
        let least = if overhead == 20 { 28 } else { 48 };
        for (mtu, quoted) in [(1_450, least), (1_400, 9_999)] {
            hears(lab, &error(&long, mtu, quoted));
            lab.outdate(ends.client, ends.service, ends.protocol);
            let fits = mtu - overhead;
            let outcome = lab.client_sends(&sized(ends.request(), fits.into()));
            assert!(outcome.was_redirected());
            assert_eq!(outcome.frame.len(), 14 + usize::from(mtu));
            let sent = lab.inbound(&sized(ends.request(), usize::from(fits) + 1));
            let expected = lab.out.emits(&told(&sent, fits));
            lab.client_sends(&sent).is_redirected_as(&expected);
        }
    });
}

#[test]
#[ignore = "needs root"]
fn nobody_is_believed_who_is_not_about_a_tunnel_of_this_node_or_says_too_little() {
    with_tunnels(|lab, ends, overhead| {
        let [here, there] = ends.tunnel.expect("a tunnel");
        let stranger: IpAddr = match here.is_ipv4() {
            true => "172.16.0.66".parse().expect("an address"),
            false => "2001:db8:2::66".parse().expect("an address"),
        };
        let inner = sized(ends.request(), 1_400);
        let lies = [
            error(&inner.clone().inside(stranger, there), 1_300, 9_999),
            error(&inner.clone().inside(here, stranger), 1_300, 9_999),
            error(&inner.clone().inside(there, here), 1_300, 9_999),
            error(&Packet::other(132, here, there).payload([0; 40]), 1_300, 99),
            error(
                &ends.around(&inner),
                0,
                if overhead == 20 { 99 } else { 20 },
            ),
        ];
        for lie in &lies {
            hears(lab, lie);
        }
        lab.outdate(ends.client, ends.service, ends.protocol);
        assert!(lab.client_sends(&inner).was_redirected());
        // Less than any path takes: not below what every one does.
        hears(lab, &error(&ends.around(&inner), 68, 9_999));
        lab.outdate(ends.client, ends.service, ends.protocol);
        let least = if overhead == 20 { 552 } else { 1_280 };
        let fits = sized(ends.request(), least - usize::from(overhead));
        assert!(lab.client_sends(&fits).was_redirected());
        assert_eq!(lab.drops(), Drops::default());
    });
}
