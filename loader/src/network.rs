// SPDX-License-Identifier: Apache-2.0

//! The interfaces of the network namespace the loader is in. Netlink alone:
//! /sys/class/net shows the namespace that /sys was mounted from.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
};

use prost::bytes::Bytes;

use crate::{
    netlink::{
        message::{attributes, read_u16, read_u32},
        socket::Socket,
    },
    proto::Interface,
    resolve::{ROUTE_HEADER, ROUTE_TYPE, RTA_OIF, RTM_GETROUTE},
};

const RTM_GETLINK: u16 = 18;
const RTM_GETADDR: u16 = 22;

// struct ifinfomsg and its attributes (linux/if_link.h).
const LINK_HEADER: usize = 16;
const IFF_UP: u32 = 1;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFLA_MTU: u16 = 4;
const IFLA_LINK: u16 = 5;
const IFLA_MASTER: u16 = 10;
const IFLA_LINKINFO: u16 = 18;
const IFLA_INFO_KIND: u16 = 1;
const IFLA_LINK_NETNSID: u16 = 37;

// struct ifaddrmsg and its attributes (linux/if_addr.h).
const ADDRESS_HEADER: usize = 8;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;

// struct rtmsg and its attributes (linux/rtnetlink.h).
const RT_TABLE: usize = 4;
const RT_TABLE_MAIN: u8 = 254;
const RTN_UNICAST: u8 = 1;
const RTA_MULTIPATH: u16 = 9;
/// struct rtnexthop: length, flags, hops, interface.
const NEXT_HOP_HEADER: usize = 8;
const NEXT_HOP_IFINDEX: usize = 4;

/// Reads all interfaces, by index.
///
/// # Errors
/// What the kernel answered.
pub fn interfaces() -> io::Result<Vec<Interface>> {
    let mut socket = Socket::open()?;
    let links = socket.dump(
        RTM_GETLINK,
        &[0; LINK_HEADER],
        |links: &mut Vec<_>, body| {
            links.push(link(body));
        },
    )?;
    let mut addresses = socket.dump(
        RTM_GETADDR,
        &[0; ADDRESS_HEADER],
        |found: &mut BTreeMap<u32, Vec<Bytes>>, body| {
            let (ifindex, address) = address(body);
            found.entry(ifindex).or_default().extend(address);
        },
    )?;
    let mut default_routes = BTreeSet::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        let mut header = [0; ROUTE_HEADER];
        header[0] = family as u8;
        header[RT_TABLE] = RT_TABLE_MAIN;
        default_routes.extend(read_default_routes(&mut socket, &header)?);
    }
    let mut interfaces: Vec<Interface> = links
        .into_iter()
        .map(|link| Interface {
            addresses: addresses.remove(&link.ifindex).unwrap_or_default(),
            default_route: default_routes.contains(&link.ifindex),
            ..link
        })
        .collect();
    interfaces.sort_by_key(|interface| interface.ifindex);
    Ok(interfaces)
}

fn read_default_routes(socket: &mut Socket, header: &[u8]) -> io::Result<BTreeSet<u32>> {
    let read = |found: &mut BTreeSet<u32>, body: &[u8]| found.extend(default_route(body));
    match socket.dump(RTM_GETROUTE, header, read) {
        // Strict checks answer so for a table that has never had a route.
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(BTreeSet::new()),
        found => found,
    }
}

/// Reads the body of an RTM_NEWLINK.
fn link(body: &[u8]) -> Interface {
    let mut interface = Interface {
        r#type: read_u16(body, 2).into(),
        ifindex: read_u32(body, 4),
        up: read_u32(body, 8) & IFF_UP != 0,
        ..Default::default()
    };
    let mut other_namespace = false;
    for attribute in attributes(body.get(LINK_HEADER..).unwrap_or_default()) {
        match attribute.kind {
            IFLA_ADDRESS => interface.mac = attribute.value.to_vec().into(),
            IFLA_IFNAME => interface.name = attribute.text(),
            IFLA_MTU => interface.mtu = attribute.number(),
            IFLA_LINK => interface.link = attribute.number(),
            IFLA_MASTER => interface.master = attribute.number(),
            IFLA_LINK_NETNSID => other_namespace = true,
            IFLA_LINKINFO => {
                let mut info = attributes(attribute.value);
                let kind = info.find(|attribute| attribute.kind == IFLA_INFO_KIND);
                interface.kind = kind.map_or_else(String::new, |kind| kind.text());
            }
            _ => {}
        }
    }
    interface.peer_elsewhere = other_namespace && interface.kind == "veth";
    interface
}

/// Reads the body of an RTM_NEWADDR: interface and its own address. On a
/// point-to-point link IFA_ADDRESS is the other end's.
fn address(body: &[u8]) -> (u32, Option<Bytes>) {
    let (mut local, mut address) = (None, None);
    for attribute in attributes(body.get(ADDRESS_HEADER..).unwrap_or_default()) {
        match attribute.kind {
            IFA_LOCAL => local = Some(attribute.value.to_vec().into()),
            IFA_ADDRESS => address = Some(attribute.value.to_vec().into()),
            _ => {}
        }
    }
    (read_u32(body, 4), local.or(address))
}

/// Interfaces that a route leaves through, if it is a default route.
fn default_route(body: &[u8]) -> Vec<u32> {
    let destination_bits = body.get(1).copied();
    if destination_bits != Some(0) || body.get(ROUTE_TYPE) != Some(&RTN_UNICAST) {
        return Vec::new();
    }
    let mut interfaces = Vec::new();
    for attribute in attributes(body.get(ROUTE_HEADER..).unwrap_or_default()) {
        match attribute.kind {
            RTA_OIF => interfaces.push(attribute.number()),
            RTA_MULTIPATH => interfaces.extend(next_hops(attribute.value)),
            _ => {}
        }
    }
    interfaces
}

/// Interfaces of a route with several next hops.
fn next_hops(mut bytes: &[u8]) -> Vec<u32> {
    let mut interfaces = Vec::new();
    while bytes.len() >= NEXT_HOP_HEADER {
        interfaces.push(read_u32(bytes, NEXT_HOP_IFINDEX));
        let length = usize::from(read_u16(bytes, 0)).max(NEXT_HOP_HEADER);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    interfaces
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::netlink::message::{Attribute, request};

    /// The part of a message after its header.
    fn body(fixed: &[u8], found: &[(u16, &[u8])]) -> Vec<u8> {
        let found: Vec<Attribute<'_>> = found
            .iter()
            .map(|(kind, value)| Attribute { kind: *kind, value })
            .collect();
        request(0, 0, 0, fixed, &found).split_off(16)
    }

    fn link_header(link_type: u16, ifindex: u32, flags: u32) -> Vec<u8> {
        let mut header = vec![0, 0];
        header.extend(link_type.to_ne_bytes());
        header.extend(ifindex.to_ne_bytes());
        header.extend(flags.to_ne_bytes());
        header.extend([0; 4]);
        header
    }

    #[test]
    fn link_reads_every_property_of_an_interface() {
        let kind = body(&[], &[(IFLA_INFO_KIND, b"veth\0")]);
        let bytes = body(
            &link_header(1, 5, IFF_UP),
            &[
                (IFLA_IFNAME, b"pod1\0"),
                (IFLA_ADDRESS, &[2, 0, 0, 0, 0, 1]),
                (IFLA_MTU, &1450_u32.to_ne_bytes()),
                (IFLA_LINK, &4_u32.to_ne_bytes()),
                (IFLA_MASTER, &9_u32.to_ne_bytes()),
                (IFLA_LINKINFO, &kind),
                (IFLA_LINK_NETNSID, &0_u32.to_ne_bytes()),
            ],
        );
        let expected = Interface {
            ifindex: 5,
            name: "pod1".into(),
            kind: "veth".into(),
            r#type: 1,
            up: true,
            mac: vec![2, 0, 0, 0, 0, 1].into(),
            mtu: 1450,
            master: 9,
            peer_elsewhere: true,
            addresses: Vec::new(),
            default_route: false,
            link: 4,
        };
        assert_eq!(link(&bytes), expected);
    }

    #[test]
    fn link_has_a_peer_elsewhere_only_when_it_is_a_veth_in_another_namespace() {
        let veth = body(&[], &[(IFLA_INFO_KIND, b"veth\0")]);
        let vxlan = body(&[], &[(IFLA_INFO_KIND, b"vxlan\0")]);
        let nsid = 0_u32.to_ne_bytes();
        let header = link_header(1, 5, 0);
        let here = link(&body(&header, &[(IFLA_LINKINFO, &veth)]));
        assert!(!here.peer_elsewhere && !here.up);
        let moved = [(IFLA_LINKINFO, &vxlan[..]), (IFLA_LINK_NETNSID, &nsid[..])];
        assert!(!link(&body(&header, &moved)).peer_elsewhere);
    }

    #[test]
    fn address_is_the_interfaces_own_and_not_the_other_ends() {
        let mut header = vec![2, 32, 0, 0];
        header.extend(5_u32.to_ne_bytes());
        let both = body(
            &header,
            &[(IFA_ADDRESS, &[10, 0, 0, 2]), (IFA_LOCAL, &[10, 0, 0, 1])],
        );
        assert_eq!(address(&both), (5, Some(vec![10, 0, 0, 1].into())));
        let six = body(&header, &[(IFA_ADDRESS, &[0xfd; 16])]);
        assert_eq!(address(&six), (5, Some(vec![0xfd; 16].into())));
        assert_eq!(address(&body(&header, &[])), (5, None));
    }

    #[test]
    fn default_route_reads_one_or_several_next_hops_and_ignores_other_routes() {
        let mut header = [0; ROUTE_HEADER];
        header[ROUTE_TYPE] = RTN_UNICAST;
        let oif = 5_u32.to_ne_bytes();
        assert_eq!(default_route(&body(&header, &[(RTA_OIF, &oif)])), [5]);
        let mut hops = Vec::new();
        for ifindex in [6_u32, 7] {
            hops.extend([8, 0, 0, 0]);
            hops.extend(ifindex.to_ne_bytes());
        }
        assert_eq!(
            default_route(&body(&header, &[(RTA_MULTIPATH, &hops)])),
            [6, 7]
        );
        header[1] = 24;
        assert!(default_route(&body(&header, &[(RTA_OIF, &oif)])).is_empty());
        header[1] = 0;
        header[ROUTE_TYPE] = 7;
        assert!(default_route(&body(&header, &[(RTA_OIF, &oif)])).is_empty());
        assert!(default_route(&[]).is_empty());
    }

    #[test]
    fn next_hops_ends_on_lengths_that_lie() {
        assert!(next_hops(&[0; 7]).is_empty());
        assert_eq!(next_hops(&[0; 16]), [0, 0]);
        assert_eq!(next_hops(&[0xff; 16]).len(), 1);
    }

    #[test]
    fn interfaces_has_loopback_first() {
        let interfaces = interfaces().unwrap();
        assert_eq!((interfaces[0].ifindex, interfaces[0].r#type), (1, 772));
        assert_eq!(interfaces[0].name, "lo");
    }
}
