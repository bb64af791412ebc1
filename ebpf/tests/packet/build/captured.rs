// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The builder against packets that Linux 6.18 sent over a veth with its
//! checksum offload switched off, as tcpdump saw them.

use super::{ACK, ECHO_REQUEST, ECHO_REQUEST_V6, Field, Icmp, Mac, Packet, SYN};
use crate::diff::assert_same;

const UDP_V4: &str = "
    0200 0000 0001 0200 0000 0002 0800 4500 0021 dcde 4000 4011 d9e9 c000 0201 c000
    0202 9c40 0009 000d 9bb4 6865 6c6c 6f";
const UDP_V6: &str = "
    0200 0000 0001 0200 0000 0002 86dd 6005 805f 000d 1140 2001 0db8 0000 0000 0000
    0000 0000 0001 2001 0db8 0000 0000 0000 0000 0000 0002 9c40 0009 000d c443 6865
    6c6c 6f";
const SYN_V4: &str = "
    0200 0000 0001 0200 0000 0002 0800 4500 003c d8d5 4000 4006 dde2 c000 0201 c000
    0202 9c40 0009 c555 44b2 0000 0000 a002 faf0 2206 0000 0204 05b4 0402 080a 1c6c
    e444 0000 0000 0103 030a";
const SYN_V6: &str = "
    0200 0000 0001 0200 0000 0002 86dd 6005 d911 0028 0640 2001 0db8 0000 0000 0000
    0000 0000 0001 2001 0db8 0000 0000 0000 0000 0000 0002 9c40 0009 90fd 1c17 0000
    0000 a002 fd20 1c57 0000 0204 05a0 0402 080a 994d f078 0000 0000 0103 030a";
const PING_V4: &str = "
    0200 0000 0001 0200 0000 0002 0800 4500 0034 61b4 4000 4001 5511 c000 0201 c000
    0202 0800 6e43 38b6 0001 da12 016b 0000 0000 ddf0 0100 0000 0000 a5a5 a5a5 a5a5
    a5a5";
const PING_V6: &str = "
    0200 0000 0001 0200 0000 0002 86dd 6002 c5d1 0020 3a40 2001 0db8 0000 0000 0000
    0000 0000 0001 2001 0db8 0000 0000 0000 0000 0000 0002 8000 b75f 38b7 0001 da12
    016b 0000 0000 c003 0200 0000 0000 a5a5 a5a5 a5a5 a5a5";

fn bytes(dump: &str) -> Vec<u8> {
    let digits: Vec<char> = dump.chars().filter(char::is_ascii_hexdigit).collect();
    let byte = |pair: &[char]| u8::from_str_radix(&String::from_iter(pair), 16);
    digits
        .chunks(2)
        .map(|pair| byte(pair).expect("two digits"))
        .collect()
}

/// Addresses as in all of these.
fn framed(packet: Packet) -> Packet {
    packet.macs(Mac([2, 0, 0, 0, 0, 2]), Mac([2, 0, 0, 0, 0, 1]))
}

#[test]
fn udp_over_ipv4_is_built_as_linux_builds_it() {
    let udp = Packet::udp(
        "192.0.2.1:40000".parse().unwrap(),
        "192.0.2.2:9".parse().unwrap(),
    );
    let udp = udp.payload(*b"hello").ipv4(|ip| ip.identification = 0xdcde);
    assert_same(&framed(udp).bytes(), &bytes(UDP_V4));
}

#[test]
fn udp_over_ipv6_is_built_as_linux_builds_it() {
    let udp = Packet::udp(
        "[2001:db8::1]:40000".parse().unwrap(),
        "[2001:db8::2]:9".parse().unwrap(),
    );
    let udp = udp.payload(*b"hello").ipv6(|ip| ip.flow_label = 0x5805f);
    assert_same(&framed(udp).bytes(), &bytes(UDP_V6));
}

#[test]
fn tcp_over_ipv4_is_built_as_linux_builds_it() {
    let syn = Packet::tcp(
        "192.0.2.1:40000".parse().unwrap(),
        "192.0.2.2:9".parse().unwrap(),
    );
    let syn = syn
        .flags(SYN)
        .numbers(0xc555_44b2, 0)
        .ipv4(|ip| ip.identification = 0xd8d5);
    let syn = syn
        .with_tcp(|tcp| tcp.options = bytes("0204 05b4 0402 080a 1c6c e444 0000 0000 0103 030a"));
    assert_same(&framed(syn).bytes(), &bytes(SYN_V4));
}

#[test]
fn tcp_over_ipv6_is_built_as_linux_builds_it() {
    let syn = Packet::tcp(
        "[2001:db8::1]:40000".parse().unwrap(),
        "[2001:db8::2]:9".parse().unwrap(),
    );
    let syn = syn
        .flags(SYN)
        .numbers(0x90fd_1c17, 0)
        .ipv6(|ip| ip.flow_label = 0x5d911);
    let syn = syn.with_tcp(|tcp| {
        tcp.window = 0xfd20;
        tcp.options = bytes("0204 05a0 0402 080a 994d f078 0000 0000 0103 030a");
    });
    assert_same(&framed(syn).bytes(), &bytes(SYN_V6));
}

#[test]
fn icmp_is_built_as_linux_builds_it() {
    let icmp = Icmp {
        rest: [0x38, 0xb6, 0, 1],
        ..Icmp::new(ECHO_REQUEST)
    };
    let ping = Packet::icmp(
        "192.0.2.1".parse().unwrap(),
        "192.0.2.2".parse().unwrap(),
        icmp,
    );
    let ping = ping.ipv4(|ip| ip.identification = 0x61b4);
    let ping = ping.payload(bytes(
        "da12 016b 0000 0000 ddf0 0100 0000 0000 a5a5 a5a5 a5a5 a5a5",
    ));
    assert_same(&framed(ping).bytes(), &bytes(PING_V4));
}

#[test]
fn icmpv6_is_built_as_linux_builds_it() {
    let icmp = Icmp {
        rest: [0x38, 0xb7, 0, 1],
        ..Icmp::new(ECHO_REQUEST_V6)
    };
    let ping = Packet::icmp(
        "2001:db8::1".parse().unwrap(),
        "2001:db8::2".parse().unwrap(),
        icmp,
    );
    let ping = ping.ipv6(|ip| ip.flow_label = 0x2c5d1);
    let ping = ping.payload(bytes(
        "da12 016b 0000 0000 c003 0200 0000 0000 a5a5 a5a5 a5a5 a5a5",
    ));
    assert_same(&framed(ping).bytes(), &bytes(PING_V6));
}

#[test]
fn fields_that_are_set_wrong_stay_wrong_and_the_others_follow() {
    let tcp = Packet::tcp(
        "192.0.2.1:1".parse().unwrap(),
        "192.0.2.2:2".parse().unwrap(),
    )
    .flags(ACK);
    let lying = tcp
        .ipv4(|ip| ip.total_length = Field::Exactly(0x1234))
        .with_tcp(|tcp| tcp.data_offset = Field::Exactly(15));
    let frame = lying.bytes();
    assert_eq!(frame[16..18], [0x12, 0x34]);
    assert_eq!(frame[46], 0xf0);
    // Both checksums cover the lies.
    assert_eq!(crate::checksum::internet(&frame[14..34]), 0);
    let segment = &frame[34..];
    assert_eq!(
        crate::checksum::transport(lying.source(), lying.destination(), 6, segment),
        0
    );
}
