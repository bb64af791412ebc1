// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Between the standard library's addresses and the bytes in the maps.

use std::{
    mem,
    net::{IpAddr, SocketAddr},
    ptr, slice,
};

use aya::Pod;
use blixt_ebpf::layout::{
    Address, AddressInfo, Affinity, AffinityKey, Allowance, Backend, Device, Drops, Flow, FlowKey4,
    FlowKey6, Fragment, FragmentKey, HostPorts, Node, Pending, Service, ServiceKey, Slots, Stats,
};

/// A layout struct as aya takes it.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub struct Raw<T>(pub T);

/// # Safety
/// The type is `repr(C)`, without padding that the compiler puts in, and valid
/// whatever its bytes are.
pub unsafe trait Layout: Copy + 'static {}

macro_rules! layouts {
    ($($name:ty),+) => {
        // SAFETY: integers, or what layout.rs makes of integers and arrays of them, padded by hand.
        $(unsafe impl Layout for $name {})+
    };
}

layouts!(
    Address,
    AddressInfo,
    Affinity,
    AffinityKey,
    Allowance,
    Backend,
    Device,
    Drops,
    Flow,
    FlowKey4,
    FlowKey6,
    Fragment,
    FragmentKey,
    HostPorts,
    Node,
    Pending,
    Service,
    ServiceKey,
    Slots,
    Stats,
    u32
);

// SAFETY: as `Layout` demands, through a transparent wrapper.
unsafe impl<T: Layout> Pod for Raw<T> {}

/// # Safety
/// The type consists of `u64` alone.
pub unsafe trait Counters: Layout {}

// SAFETY: see layout.rs.
unsafe impl Counters for Drops {}
// SAFETY: see layout.rs.
unsafe impl Counters for Stats {}

/// The sums of each counter over what the CPUs have.
pub fn sum<T: Counters>(parts: &[T]) -> T {
    let words = size_of::<T>() / size_of::<u64>();
    // SAFETY: zeros are valid integers, as `Layout` has it.
    let mut total: T = unsafe { mem::zeroed() };
    // SAFETY: a `T` is so many `u64`, as `Counters` has it, and nobody else looks at this one.
    let sums = unsafe { slice::from_raw_parts_mut((&raw mut total).cast::<u64>(), words) };
    for part in parts {
        // SAFETY: the same for a shared view of `part`.
        let counts = unsafe { slice::from_raw_parts(ptr::from_ref(part).cast::<u64>(), words) };
        for (sum, count) in sums.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    total
}

/// An address as maps hold it: IPv4 mapped into IPv6, network byte order.
pub fn address(ip: IpAddr) -> Address {
    let octets = match ip {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().octets(),
        IpAddr::V6(ip) => ip.octets(),
    };
    let (words, _) = octets.as_chunks::<4>();
    [0, 1, 2, 3].map(|index| u32::from_ne_bytes(words[index]))
}

pub fn service_key(service: SocketAddr, protocol: u8) -> ServiceKey {
    ServiceKey {
        address: address(service.ip()),
        port: service.port().to_be(),
        protocol,
        pad: 0,
    }
}

/// The key of a flow's entry, in the map of its family.
pub enum FlowKey {
    V4(FlowKey4),
    V6(FlowKey6),
}

impl FlowKey {
    /// The entry that packets from `source` to `destination` find.
    pub fn new(source: SocketAddr, destination: SocketAddr, protocol: u8) -> Self {
        let (saddr, daddr) = (address(source.ip()), address(destination.ip()));
        let (sport, dport) = (source.port().to_be(), destination.port().to_be());
        let protocol = protocol.into();
        if source.is_ipv4() {
            let (saddr, daddr) = (saddr[3], daddr[3]);
            FlowKey::V4(FlowKey4 {
                saddr,
                daddr,
                sport,
                dport,
                protocol,
            })
        } else {
            FlowKey::V6(FlowKey6 {
                saddr,
                daddr,
                sport,
                dport,
                protocol,
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn address_maps_ipv4_into_ipv6_in_network_byte_order() {
        let mapped = address("192.0.2.1".parse().unwrap());
        let bytes: Vec<u8> = mapped.iter().flat_map(|word| word.to_ne_bytes()).collect();
        assert_eq!(
            bytes,
            [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]
        );
    }

    #[test]
    fn sum_adds_each_counter_by_itself() {
        let first = Drops {
            malformed: 1,
            no_entry: 2,
            ..Drops::default()
        };
        let second = Drops {
            malformed: 10,
            no_route: 5,
            ..Drops::default()
        };
        let expected = Drops {
            malformed: 11,
            no_route: 5,
            no_entry: 2,
            ..Drops::default()
        };
        assert_eq!(sum(&[first, second]), expected);
        assert_eq!(sum::<Drops>(&[]), Drops::default());
    }

    #[test]
    fn service_key_holds_the_port_in_network_byte_order() {
        let key = service_key("[2001:db8::1]:80".parse().unwrap(), 6);
        assert_eq!(key.port.to_ne_bytes(), [0, 80]);
        assert_eq!(key.address[0].to_ne_bytes(), [0x20, 0x01, 0x0d, 0xb8]);
    }
}
