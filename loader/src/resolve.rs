// SPDX-License-Identifier: Apache-2.0

//! The way to an address, as the kernel's routing table has it: RTM_GETROUTE,
//! an output look-up, which also works on a host that does not forward.

#![forbid(unsafe_code)]

use std::io;

use crate::{
    error::{Error, Result},
    netlink::{
        message::{Attribute, attributes},
        socket::Socket,
    },
    proto,
};

pub const RTM_GETROUTE: u16 = 26;

// `rtm_type` of struct rtmsg (linux/rtnetlink.h).
const RTN_LOCAL: u8 = 2;
const RTN_BLACKHOLE: u8 = 6;
const RTN_UNREACHABLE: u8 = 7;
const RTN_PROHIBIT: u8 = 8;

// Attributes of a route.
const RTA_DST: u16 = 1;
pub const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PREFSRC: u16 = 7;
const RTA_VIA: u16 = 18;

/// Size of struct rtmsg.
pub const ROUTE_HEADER: usize = 12;
/// Where `rtm_type` is in it.
pub const ROUTE_TYPE: usize = 7;

/// Looks up each address, in order.
///
/// # Errors
/// INVALID_ARGUMENT for an address that is neither 4 nor 16 bytes.
pub fn resolve(addresses: &[impl AsRef<[u8]>]) -> Result<Vec<proto::Route>> {
    for (index, address) in addresses.iter().enumerate() {
        let length = address.as_ref().len();
        if family(address.as_ref()).is_none() {
            return Err(Error::invalid(format!(
                "Address {index} has {length} bytes; an IPv4 address has 4, an IPv6 address 16"
            )));
        }
    }
    let failed = |error: io::Error| Error::kernel("ask the routing table", &error);
    let mut socket = Socket::open().map_err(failed)?;
    addresses
        .iter()
        .map(|address| look_up(&mut socket, address.as_ref()).map_err(failed))
        .collect()
}

fn family(address: &[u8]) -> Option<u8> {
    match address.len() {
        4 => Some(libc::AF_INET as u8),
        16 => Some(libc::AF_INET6 as u8),
        _ => None,
    }
}

fn look_up(socket: &mut Socket, address: &[u8]) -> io::Result<proto::Route> {
    let mut header = [0; ROUTE_HEADER];
    header[0] = family(address).unwrap_or_default();
    // rtm_dst_len: bits of the address that count.
    header[1] = address.len() as u8 * 8;
    let destination = Attribute {
        kind: RTA_DST,
        value: address,
    };
    match socket.get(RTM_GETROUTE, &header, &[destination], route) {
        Ok(route) => Ok(route.unwrap_or_default()),
        // Kinds of "there is no way": no route, or one that says no.
        Err(error) => match error.raw_os_error() {
            Some(libc::ENETUNREACH | libc::EHOSTUNREACH | libc::EACCES | libc::EINVAL) => {
                Ok(proto::Route::default())
            }
            _ => Err(error),
        },
    }
}

/// Reads the body of an RTM_NEWROUTE.
fn route(body: &[u8]) -> proto::Route {
    let route_type = body.get(ROUTE_TYPE).copied().unwrap_or_default();
    if matches!(route_type, RTN_BLACKHOLE | RTN_UNREACHABLE | RTN_PROHIBIT) {
        return proto::Route::default();
    }
    let mut route = proto::Route {
        local: route_type == RTN_LOCAL,
        ..Default::default()
    };
    for attribute in attributes(body.get(ROUTE_HEADER..).unwrap_or_default()) {
        match attribute.kind {
            RTA_OIF => route.ifindex = attribute.number(),
            RTA_GATEWAY => route.gateway = attribute.value.to_vec().into(),
            RTA_PREFSRC => route.source = attribute.value.to_vec().into(),
            // struct rtvia: the family, then the address.
            RTA_VIA => {
                let address = attribute.value.get(2..).unwrap_or_default();
                route.gateway = address.to_vec().into();
            }
            _ => {}
        }
    }
    route
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::netlink::message::{messages, request};

    fn answer(route_type: u8, found: &[Attribute<'_>]) -> proto::Route {
        let mut header = [0; ROUTE_HEADER];
        header[ROUTE_TYPE] = route_type;
        let bytes = request(24, 0, 1, &header, found);
        route(messages(&bytes).next().unwrap().body)
    }

    fn oif(ifindex: &[u8; 4]) -> Attribute<'_> {
        Attribute {
            kind: RTA_OIF,
            value: ifindex,
        }
    }

    #[test]
    fn route_reads_interface_and_next_hop() {
        let ifindex = 7_u32.to_ne_bytes();
        let gateway = Attribute {
            kind: RTA_GATEWAY,
            value: &[10, 0, 0, 1],
        };
        let found = answer(1, &[oif(&ifindex), gateway]);
        assert_eq!((found.ifindex, &found.gateway[..]), (7, &[10, 0, 0, 1][..]));
        assert!(!found.local);
        assert_eq!(answer(1, &[oif(&ifindex)]).gateway.len(), 0);
    }

    #[test]
    fn route_reads_an_ipv6_next_hop_of_an_ipv4_route() {
        let mut via = vec![10, 0];
        via.extend([0xfe; 16]);
        let ifindex = 7_u32.to_ne_bytes();
        let via = Attribute {
            kind: RTA_VIA,
            value: &via,
        };
        assert_eq!(
            answer(1, &[oif(&ifindex), via]).gateway,
            [0xfe; 16].as_slice()
        );
    }

    #[test]
    fn route_reads_the_address_that_the_host_sends_from() {
        let source = Attribute {
            kind: RTA_PREFSRC,
            value: &[10, 0, 0, 2],
        };
        assert_eq!(answer(1, &[source]).source, [10, 0, 0, 2].as_slice());
        assert_eq!(answer(1, &[]).source.len(), 0);
        assert_eq!(answer(RTN_BLACKHOLE, &[source]).source.len(), 0);
    }

    #[test]
    fn route_marks_own_addresses_and_hides_routes_that_say_no() {
        let ifindex = 1_u32.to_ne_bytes();
        assert!(answer(RTN_LOCAL, &[oif(&ifindex)]).local);
        for refusal in [RTN_BLACKHOLE, RTN_UNREACHABLE, RTN_PROHIBIT] {
            assert_eq!(answer(refusal, &[oif(&ifindex)]).ifindex, 0);
        }
    }

    #[test]
    fn resolve_names_the_address_of_a_wrong_length() {
        let error = resolve(&[vec![127, 0, 0, 1], vec![1, 2, 3]]).unwrap_err();
        assert_eq!(error.code, Code::InvalidArgument);
        assert!(error.message.starts_with("Address 1 has 3 bytes"));
    }

    #[test]
    fn resolve_finds_loopback_to_be_local() {
        let routes = resolve(&[vec![127, 0, 0, 1]]).unwrap();
        assert!(routes[0].local && routes[0].ifindex == 1, "{routes:?}");
    }
}
