// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Answers for addresses that no interface has: ARP (RFC 826) and IPv6
//! neighbour discovery (RFC 4861), on interfaces that face clients.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::{__sk_buff, BPF_F_RECOMPUTE_CSUM},
    helpers::generated::bpf_skb_store_bytes,
};
use blixt_ebpf::layout::{ADDRESS_ANNOUNCE, Address, DEVICE_OUTWARD};

use crate::{
    deliver::TC_ACT_OK,
    host::send_back,
    maps::DEVICE,
    packet::{ETH_HLEN, ICMPV6, MAPPED, copied, copy_to},
    select,
};

/// An Ethernet frame that carries ARP for IPv4 (RFC 826).
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct Arp {
    dmac: [u8; 6],
    smac: [u8; 6],
    ethertype: u16,
    hardware: u16,
    protocol: u16,
    lengths: [u8; 2],
    operation: u16,
    sender_mac: [u8; 6],
    sender: [u8; 4],
    target_mac: [u8; 6],
    target: [u8; 4],
}

const ARP_ETHERNET: u16 = 1_u16.to_be();
const ARP_IPV4: u16 = 0x0800_u16.to_be();
const ARP_REQUEST: u16 = 1_u16.to_be();
const ARP_REPLY: u16 = 2_u16.to_be();

impl Arp {
    /// The address that the frame asks for, mapped into IPv6; none of what is no
    /// request.
    #[inline(always)]
    pub fn asked(&self) -> Option<Address> {
        let request = self.hardware == ARP_ETHERNET
            && self.protocol == ARP_IPV4
            && self.operation == ARP_REQUEST;
        request.then_some([0, 0, MAPPED, u32::from_ne_bytes(self.target)])
    }

    /// Turns the request into the reply that `mac` has the address.
    #[inline(always)]
    pub fn reply(&mut self, mac: [u8; 6]) {
        let target = self.target;
        self.dmac = self.sender_mac;
        self.smac = mac;
        self.operation = ARP_REPLY;
        self.target_mac = self.sender_mac;
        self.target = self.sender;
        self.sender_mac = mac;
        self.sender = target;
    }
}

/// Neighbour solicitation, and the advertisement of the same length, each with
/// one link-layer address option (RFC 4861, sections 4.3, 4.4 and 4.6.1).
#[repr(C, packed)]
#[derive(Clone, Copy)]
pub struct Neighbour {
    dmac: [u8; 6],
    smac: [u8; 6],
    ethertype: u16,
    version: [u8; 4],
    length: u16,
    next: u8,
    hops: u8,
    saddr: Address,
    daddr: Address,
    kind: u8,
    code: u8,
    checksum: u16,
    flags: u32,
    target: Address,
    option: [u8; 2],
    option_mac: [u8; 6],
}

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// ICMPv6 bytes of either: 24 and an option of 8.
const NEIGHBOUR_LENGTH: u16 = 32;
const SOLICITED_OVERRIDE: u32 = 0x6000_0000;
const OPTION_SOURCE: [u8; 2] = [1, 1];
const OPTION_TARGET: [u8; 2] = [2, 1];

impl Neighbour {
    /// The address that the frame asks for; none of what is no solicitation, or
    /// without its sender's address (duplicate address detection).
    #[inline(always)]
    pub fn asked(&self) -> Option<Address> {
        // Section 7.1.1: a hop limit of 255 shows that no router let it in, and who has
        // no address yet names no link-layer address.
        let saddr = self.saddr;
        let solicits = self.version[0] >> 4 == 6
            && self.next == ICMPV6
            && self.kind == SOLICITATION
            && self.hops == 255
            && saddr != [0; 4]
            && self.option == OPTION_SOURCE;
        let target = self.target;
        solicits.then_some(target)
    }

    /// Turns the solicitation into the advertisement that `mac` has the address.
    #[inline(always)]
    pub fn advertise(&mut self, mac: [u8; 6]) {
        let target = self.target;
        self.dmac = self.smac;
        self.smac = mac;
        self.daddr = self.saddr;
        self.saddr = target;
        self.length = NEIGHBOUR_LENGTH.to_be();
        self.kind = ADVERTISEMENT;
        self.code = 0;
        self.flags = SOLICITED_OVERRIDE.to_be();
        self.option = OPTION_TARGET;
        self.option_mac = mac;
        self.checksum = 0;
        self.checksum = checksum(self);
    }
}

/// The MAC address to answer with: none where this interface does not announce.
#[inline(always)]
pub fn announced<const V6: bool>(ifindex: u32, address: &Address) -> Option<[u8; 6]> {
    // SAFETY: elements are read at once.
    unsafe {
        let device = DEVICE.get(ifindex)?;
        let flags = select::address::<V6>(address)?;
        let answer = device.flags & DEVICE_OUTWARD != 0 && flags & ADDRESS_ANNOUNCE != 0;
        answer.then_some(device.mac)
    }
}

/// Whether the frame is an ARP request of the host that `arp` answers. What tells
/// others of an address asks for the sender's own (RFC 5227, section 3).
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn asks(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises; `Arp` is plain data.
    unsafe {
        let asked = copied::<Arp>(skb, 0)
            .filter(|frame| frame.sender != frame.target)
            .and_then(|frame| frame.asked());
        asked.is_some_and(|target| announced::<false>((*skb).ifindex, &target).is_some())
    }
}

/// Answers an ARP request for one of our addresses; anything else is left to
/// the stack. Returns the program's verdict.
///
/// # Safety
/// `skb` is the program's context.
#[inline(never)]
pub unsafe fn arp(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises; `frame` is plain data.
    unsafe {
        let mut frame = MaybeUninit::<Arp>::uninit();
        if !copy_to(skb, 0, frame.as_mut_ptr()) {
            return TC_ACT_OK;
        }
        let frame = frame.assume_init_mut();
        let Some(target) = frame.asked() else {
            return TC_ACT_OK;
        };
        let Some(mac) = announced::<false>((*skb).ifindex, &target) else {
            return TC_ACT_OK;
        };
        frame.reply(mac);
        answer(skb, frame)
    }
}

/// Whether the frame is a neighbour solicitation that `solicitation` answers.
///
/// # Safety
/// `skb` is the program's context and holds an IPv6 packet.
#[inline(always)]
pub unsafe fn solicits(skb: *mut __sk_buff) -> bool {
    // SAFETY: as the caller promises; `Neighbour` is plain data.
    unsafe {
        let asked = copied::<Neighbour>(skb, 0).and_then(|frame| frame.asked());
        asked.is_some_and(|target| announced::<true>((*skb).ifindex, &target).is_some())
    }
}

/// Answers a neighbour solicitation for one of our addresses, like `arp`.
///
/// # Safety
/// `skb` is the program's context and holds an IPv6 packet.
#[inline(never)]
pub unsafe fn solicitation(skb: *mut __sk_buff) -> i32 {
    // SAFETY: as the caller promises; `frame` is plain data.
    unsafe {
        let mut frame = MaybeUninit::<Neighbour>::uninit();
        if !copy_to(skb, 0, frame.as_mut_ptr()) {
            return TC_ACT_OK;
        }
        let frame = frame.assume_init_mut();
        let Some(target) = frame.asked() else {
            return TC_ACT_OK;
        };
        let Some(mac) = announced::<true>((*skb).ifindex, &target) else {
            return TC_ACT_OK;
        };
        frame.advertise(mac);
        answer(skb, frame)
    }
}

/// RFC 8200, section 8.1, over a message whose checksum is 0.
#[inline(always)]
fn checksum(frame: &Neighbour) -> u16 {
    let mut total =
        u32::from(NEIGHBOUR_LENGTH.to_be()) + u32::from(u16::from_ne_bytes([0, ICMPV6]));
    let words = core::ptr::from_ref(frame).cast::<u16>();
    // From the source address (offset 22) to the end of the frame.
    for i in 11..size_of::<Neighbour>() / 2 {
        // SAFETY: inside `frame`; the type is packed, so no alignment is assumed.
        total += u32::from(unsafe { words.add(i).read_unaligned() });
    }
    total = (total & 0xffff) + (total >> 16);
    total = (total & 0xffff) + (total >> 16);
    !(total as u16)
}

/// Writes the frame over the one that asked and sends it back.
#[inline(always)]
unsafe fn answer<T>(skb: *mut __sk_buff, frame: &T) -> i32 {
    // SAFETY: `frame` is plain data; it is as long as what was read.
    unsafe {
        let from = core::ptr::from_ref(frame).cast::<u8>();
        let size = size_of::<T>() as u32;
        let body = from.add(ETH_HLEN as usize).cast();
        // The link-layer header is not part of skb->csum.
        if bpf_skb_store_bytes(skb, 0, from.cast(), ETH_HLEN, 0) != 0
            || bpf_skb_store_bytes(
                skb,
                ETH_HLEN,
                body,
                size - ETH_HLEN,
                BPF_F_RECOMPUTE_CSUM.into(),
            ) != 0
        {
            return TC_ACT_OK;
        }
        send_back(skb)
    }
}
