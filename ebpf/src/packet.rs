// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What a packet is: parsed once, never trusted.

use core::mem::MaybeUninit;

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_skb_load_bytes, bpf_skb_pull_data},
};

use crate::{
    extensions::walk_extensions,
    flows::Tuple,
    header::{Ipv4, Ipv6},
};

pub const ETH_HLEN: u32 = 14;
pub const IPV4_HLEN: u32 = 20;
pub const IPV6_HLEN: u32 = 40;
pub const TCP_HLEN: u32 = 20;
pub const UDP_HLEN: u32 = 8;

pub const IPPROTO_TCP: u8 = 6;
pub const IPPROTO_UDP: u8 = 17;
/// IPv4 in IP (RFC 2003), IPv6 in IP (RFC 4213).
pub const IPPROTO_IPIP: u8 = 4;
pub const IPPROTO_IPV6: u8 = 41;
pub const ICMP: u8 = 1;
pub const ICMPV6: u8 = 58;

/// RFC 9293, section 3.1: control bits in byte 13 of the TCP header.
pub const TCP_FIN: u8 = 0x01;
pub const TCP_SYN: u8 = 0x02;
pub const TCP_RST: u8 = 0x04;
pub const TCP_ACK: u8 = 0x10;

pub const ETH_P_IP: u16 = 0x0800;
pub const ETH_P_IPV6: u16 = 0x86dd;
pub const ETH_P_ARP: u16 = 0x0806;

/// ::ffff:0:0/96 (RFC 4291, section 2.5.5.2), the third word.
pub const MAPPED: u32 = 0xffff_u32.to_be();

/// The transport packet in a frame.
#[derive(Clone, Copy)]
#[repr(C, align(8))]
pub struct Packet {
    pub tuple: Tuple,
    /// Offset of the TCP or UDP header in the frame.
    pub l4: u32,
    /// Bytes of the IP packet.
    pub length: u32,
    /// Control bits; 0 for UDP.
    pub flags: u8,
    /// TTL or hop limit.
    pub ttl: u8,
    pub defect: u8,
    /// Bytes of the IP header that another node had put around it; 0 for none.
    pub overhead: u8,
}

impl Packet {
    /// `l4`, in words that the verifier can follow: what it knew of the number is
    /// lost on the way through the stack. The parsers let none beyond 1,024 pass.
    #[inline(always)]
    pub fn l4(&self) -> u32 {
        self.l4 & 0x7ff
    }
}

/// `Packet::defect`: none.
pub const SOUND: u8 = 0;
/// `Packet::defect`: a first fragment, to which others belong.
pub const FIRST_FRAGMENT: u8 = 1;
/// `Packet::defect`: a later fragment; its ports are 0.
pub const LATER_FRAGMENT: u8 = 2;
/// `Packet::defect`: ends inside its transport header, or its lengths lie.
pub const MALFORMED: u8 = 3;

/// RFC 791, section 3.1: flag and offset in bytes 6 and 7 of the header.
pub const MORE_FRAGMENTS: u16 = 0x2000;
pub const FRAGMENT_OFFSET: u16 = 0x1fff;

/// The protocol after the IP header, extension headers not looked behind.
///
/// # Safety
/// `skb` is the program's context and holds an IP packet of that family.
#[inline(always)]
pub unsafe fn protocol<const V6: bool>(skb: *mut __sk_buff) -> u8 {
    // SAFETY: as the caller promises.
    let pair = unsafe { load::<[u8; 2]>(skb, ETH_HLEN + if V6 { 6 } else { 8 }) };
    match pair {
        Some([next, _]) if V6 => next,
        Some([_, protocol]) => protocol,
        None => 0,
    }
}

/// What the fragments of a packet have in common besides addresses: the
/// identification, as it stands there.
///
/// # Safety
/// `skb` is the program's context and holds a fragment of that family.
#[inline(always)]
pub unsafe fn identification<const V6: bool>(skb: *mut __sk_buff) -> u32 {
    // Copied: of a function that reads the frame by itself, the compiler makes one
    // that takes the frame's ends, which the verifier does not follow.
    // SAFETY: as the caller promises.
    unsafe {
        if !V6 {
            return copied::<u16>(skb, ETH_HLEN + 4).unwrap_or(0).into();
        }
        let [next, _] = copied::<[u8; 2]>(skb, ETH_HLEN + 6).unwrap_or([0; 2]);
        (walk_extensions(skb, next, ETH_HLEN + IPV6_HLEN) >> 32) as u32
    }
}

/// What a frame may be for us.
#[derive(Clone, Copy, PartialEq)]
pub enum Family {
    V4,
    V6,
    Arp,
    Other,
}

/// The frame's family, from the kernel's own reading of its EtherType. A frame
/// with a VLAN tag is other: the VLAN's own interface will see it without.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn family(skb: *mut __sk_buff) -> Family {
    // SAFETY: the verifier admits reads of these context fields.
    let (protocol, vlan) = unsafe { ((*skb).protocol as u16, (*skb).vlan_present) };
    if vlan != 0 {
        Family::Other
    } else if protocol == ETH_P_IP.to_be() {
        Family::V4
    } else if protocol == ETH_P_IPV6.to_be() {
        Family::V6
    } else if protocol == ETH_P_ARP.to_be() {
        Family::Arp
    } else {
        Family::Other
    }
}

/// Reads a `T` of the frame at `offset`, or nothing past its linear end. `T` has
/// two bytes or more: of one, the verifier does not follow the bound.
///
/// # Safety
/// `skb` is the program's context. Kernel and verifier accept the unaligned
/// read; a caller passes integers and arrays of them only.
#[inline(always)]
pub unsafe fn load<T: Copy>(skb: *mut __sk_buff, offset: u32) -> Option<T> {
    // SAFETY: as the caller promises.
    unsafe { place::<T>(skb, offset).map(|at| *at) }
}

/// Where a `T` stands in the frame, to read the one field or other of it, until a
/// helper changes the frame.
///
/// # Safety
/// As `load`.
#[inline(always)]
pub unsafe fn place<T>(skb: *mut __sk_buff, offset: u32) -> Option<*const T> {
    // SAFETY: context reads; the bound is what the verifier asks for.
    unsafe {
        let at = (*skb).data as usize + offset as usize;
        if at + size_of::<T>() > (*skb).data_end as usize {
            return None;
        }
        Some(at as *const T)
    }
}

/// Reads a `T` of the frame at `at`, wherever its bytes are kept, or nothing past
/// the frame's end.
///
/// # Safety
/// `skb` is the program's context. `T` is of integers alone, without padding.
#[inline(always)]
pub unsafe fn copied<T: Copy>(skb: *mut __sk_buff, at: u32) -> Option<T> {
    let mut value = MaybeUninit::<T>::uninit();
    // SAFETY: as the caller promises.
    unsafe { copy_to(skb, at, value.as_mut_ptr()).then(|| value.assume_init()) }
}

/// The same to where it stays: the compiler makes copies of what is returned, and the
/// stack is small. False when there was nothing.
///
/// # Safety
/// As `copied`; a `T` may be written to `value`.
#[inline(always)]
pub unsafe fn copy_to<T: Copy>(skb: *mut __sk_buff, at: u32, value: *mut T) -> bool {
    // SAFETY: the helper writes all of `value` or fails.
    unsafe { bpf_skb_load_bytes(skb.cast(), at, value.cast(), size_of::<T>() as u32) == 0 }
}

/// Makes the headers readable where a driver left them in pages.
///
/// # Safety
/// `skb` is the program's context; pointers into the frame are void afterwards.
#[inline(always)]
pub unsafe fn pull(skb: *mut __sk_buff, headers: u32) {
    // SAFETY: context reads and a helper call.
    unsafe {
        let linear = (*skb).data_end - (*skb).data;
        let length = (*skb).len;
        if linear < headers && linear < length {
            bpf_skb_pull_data(skb, if length < headers { length } else { headers });
        }
    }
}

/// Reads an IPv4 frame into `packet`, where it stays: copies would cost stack and
/// time. None: not TCP or UDP, or not even ports in it, so nothing can be said about
/// it.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn parse_v4(
    skb: *mut __sk_buff,
    packet: &mut MaybeUninit<Packet>,
) -> Option<&mut Packet> {
    // SAFETY: as the caller promises; every field is written.
    unsafe {
        // No more than is read: what lies in pages behind the headers stays there.
        pull(skb, ETH_HLEN + IPV4_HLEN + TCP_HLEN);
        let mut ip: *const Ipv4 = place(skb, ETH_HLEN)?;
        let header = (*ip).length();
        if header > IPV4_HLEN {
            pull(skb, ETH_HLEN + header + TCP_HLEN);
            ip = place(skb, ETH_HLEN)?;
        }
        let protocol = (*ip).protocol;
        if header == 0 || protocol != IPPROTO_TCP && protocol != IPPROTO_UDP {
            return None;
        }
        let fragment = u16::from_be((*ip).fragment);
        let parsed = packet.as_mut_ptr();
        (*parsed).tuple.saddr = [0, 0, MAPPED, (*ip).saddr];
        (*parsed).tuple.daddr = [0, 0, MAPPED, (*ip).daddr];
        (*parsed).length = u16::from_be((*ip).length).into();
        (*parsed).ttl = (*ip).ttl;
        let defect = if fragment & (MORE_FRAGMENTS | FRAGMENT_OFFSET) == 0 {
            SOUND
        } else if fragment & FRAGMENT_OFFSET == 0 {
            FIRST_FRAGMENT
        } else {
            LATER_FRAGMENT
        };
        transport(skb, packet, protocol, ETH_HLEN + header, defect)
    }
}

/// Reads an IPv6 frame, like `parse_v4`.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn parse_v6(
    skb: *mut __sk_buff,
    packet: &mut MaybeUninit<Packet>,
) -> Option<&mut Packet> {
    // SAFETY: as the caller promises; every field is written.
    unsafe {
        pull(skb, ETH_HLEN + IPV6_HLEN + TCP_HLEN);
        let ip: *const Ipv6 = place(skb, ETH_HLEN)?;
        if (*ip).version[0] >> 4 != 6 {
            return None;
        }
        let next = (*ip).next;
        let parsed = packet.as_mut_ptr();
        // Copied as arrays they would be moved byte by byte, by a function.
        let (from, to) = (
            (&raw const (*ip).saddr).cast(),
            (&raw mut (*parsed).tuple).cast(),
        );
        for word in 0..4 {
            *<*mut u64>::add(to, word) = *<*const u64>::add(from, word);
        }
        (*parsed).length = u32::from(u16::from_be((*ip).length)) + IPV6_HLEN;
        (*parsed).ttl = (*ip).hops;
        if next == IPPROTO_TCP || next == IPPROTO_UDP {
            return transport(skb, packet, next, ETH_HLEN + IPV6_HLEN, SOUND);
        }
        let found = walk_extensions(skb, next, ETH_HLEN + IPV6_HLEN);
        let l4 = (found >> 16) as u32 & 0xffff;
        // Bounds what the verifier has to believe of the offset.
        if found == 0 || l4 > 1024 {
            return None;
        }
        pull(skb, l4 + TCP_HLEN);
        transport(skb, packet, found as u8, l4, (found >> 8) as u8 & 3)
    }
}

/// Completes `packet`, of which the IP header has said addresses, length and TTL:
/// reads ports and flags at `l4`, and checks the lengths against each other.
#[inline(always)]
unsafe fn transport(
    skb: *mut __sk_buff,
    packet: &mut MaybeUninit<Packet>,
    protocol: u8,
    l4: u32,
    defect: u8,
) -> Option<&mut Packet> {
    let parsed = packet.as_mut_ptr();
    // SAFETY: as the caller of the parser promises; with this, every field is written.
    unsafe {
        (*parsed).tuple.protocol = protocol.into();
        (*parsed).l4 = l4;
        (*parsed).flags = 0;
        (*parsed).overhead = 0;
        let header = l4 - ETH_HLEN;
        if defect == LATER_FRAGMENT {
            (*parsed).tuple.set_ports(0);
            let short = (*parsed).length + ETH_HLEN > (*skb).len;
            (*parsed).defect = if short || (*parsed).length < header {
                MALFORMED
            } else {
                LATER_FRAGMENT
            };
            return Some(packet.assume_init_mut());
        }
        (*parsed).tuple.set_ports(load(skb, l4)?);
        (*parsed).defect = defect;
        let minimum = if protocol == IPPROTO_TCP {
            match place::<[u8; TCP_HLEN as usize]>(skb, l4) {
                Some(tcp) => {
                    (*parsed).flags = (*tcp)[13];
                    let length = u32::from((*tcp)[12] >> 4) * 4;
                    if length < TCP_HLEN {
                        (*parsed).defect = MALFORMED;
                    }
                    length
                }
                None => {
                    (*parsed).defect = MALFORMED;
                    TCP_HLEN
                }
            }
        } else {
            match load::<u16>(skb, l4 + 4) {
                // RFC 768: the length counts the header.
                Some(length) if u32::from(u16::from_be(length)) >= UDP_HLEN => {}
                _ => (*parsed).defect = MALFORMED,
            }
            UDP_HLEN
        };
        // A super-packet of GRO may be longer than its length field can say.
        if (*skb).gso_size != 0 {
            (*parsed).length = (*skb).len - ETH_HLEN;
        } else if (*parsed).length < header + minimum || (*parsed).length + ETH_HLEN > (*skb).len {
            (*parsed).defect = MALFORMED;
        }
        Some(packet.assume_init_mut())
    }
}
