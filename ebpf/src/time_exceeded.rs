// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Packets at the end of their hops: their sender is told which node that was, as
//! routers tell it (RFC 1812, section 5.3.1; RFC 4443, section 3.3). traceroute lives
//! on it.

use core::{mem, ptr};

use aya_ebpf::{
    bindings::{
        __sk_buff, BPF_FIB_LKUP_RET_FWD_DISABLED, BPF_FIB_LKUP_RET_SUCCESS,
        BPF_FIB_LOOKUP_SKIP_NEIGH, BPF_FIB_LOOKUP_SRC, bpf_fib_lookup as Fib,
    },
    helpers::generated::{bpf_fib_lookup, bpf_redirect_neigh},
};

use crate::{
    counters,
    deliver::{AF_INET, AF_INET6, TC_ACT_SHOT},
    flows,
    global::global,
    host::{is_from_host, send_back, way_back},
    icmp_error::{become_error, may_tell},
    packet::{IPPROTO_UDP, MAPPED, Packet},
    pending::has_been_here,
    tracking::is_remote,
};

/// Time exceeded, in transit (RFC 792; RFC 4443).
const TIME_EXCEEDED: u16 = u16::from_ne_bytes([11, 0]);
const TIME_EXCEEDED_V6: u16 = u16::from_ne_bytes([3, 0]);

global! {
    /// Drops a packet whose last hop this is, and turns it into the error about itself,
    /// where its sender may be told; not of one that nodes have sent round. Returns the
    /// program's verdict.
    ///
    /// It goes by the host's way to the sender, which need not be where the packet came
    /// from: another node may have sent it on. What the host sent, or somebody whom
    /// no route leads to, goes back.
    ///
    /// # Safety
    /// `skb` is the program's context, `packet` what it parsed to; it is not rewritten yet.
    pub fn expire(skb: *mut __sk_buff; packet: Packet) -> i32
        = expire_body, expire4, expire6
}

#[inline(always)]
unsafe fn expire_body<const V6: bool>(skb: *mut __sk_buff, packet: &mut Packet) -> i32 {
    counters::dropped(|drops| &mut drops.ttl_exceeded);
    if may_have_been_here::<V6>(packet) || !may_tell::<V6>(packet) {
        return TC_ACT_SHOT;
    }
    let kind = if V6 { TIME_EXCEEDED_V6 } else { TIME_EXCEEDED };
    // SAFETY: as the caller promises.
    unsafe {
        let ifindex = if is_from_host(skb) {
            0
        } else {
            way::<V6>(skb, packet)
        };
        if !become_error::<V6>(skb, kind, 0, packet) {
            TC_ACT_SHOT
        } else if ifindex == 0 {
            send_back(skb)
        } else {
            bpf_redirect_neigh(ifindex, ptr::null_mut(), 0, 0) as i32
        }
    }
}

/// Whether it may be nodes whose tables differ that sent the packet round. Of datagrams, one
/// settles its flow on its rounds, and then nobody knows with how many hops that began.
#[inline(always)]
fn may_have_been_here<const V6: bool>(packet: &Packet) -> bool {
    let tuple = &packet.tuple;
    has_been_here::<V6>(packet)
        || tuple.protocol() == IPPROTO_UDP
            // SAFETY: a map's element stays valid for this run.
            && flows::find::<V6>(tuple).is_some_and(|flow| unsafe { is_remote(tuple, &*flow) })
}

/// The interface on the way to the packet's sender; 0 when there is none. The host's own
/// address there is written over the packet's destination, for the error to come
/// from (RFC 1812, section 4.3.2.4). A host whose forwarding is off does not tell
/// it; then the destination stays, and the way is that of replies.
#[inline(always)]
unsafe fn way<const V6: bool>(skb: *mut __sk_buff, packet: &mut Packet) -> u32 {
    // SAFETY: `fib` is zeroed plain data; unions are read as they were written.
    unsafe {
        let mut fib: Fib = mem::zeroed();
        fib.ifindex = (*skb).ifindex;
        fib.l4_protocol = packet.tuple.protocol();
        // Else the helper measures this packet against the MTU there.
        fib.__bindgen_anon_1.tot_len = 1;
        if V6 {
            fib.family = AF_INET6;
            fib.__bindgen_anon_4.ipv6_dst = packet.tuple.saddr;
        } else {
            fib.family = AF_INET;
            fib.__bindgen_anon_4.ipv4_dst = packet.tuple.saddr[3];
        }
        let flags = BPF_FIB_LOOKUP_SRC | BPF_FIB_LOOKUP_SKIP_NEIGH;
        let answer = bpf_fib_lookup(skb.cast(), &raw mut fib, size_of::<Fib>() as i32, flags);
        match answer as u32 {
            BPF_FIB_LKUP_RET_SUCCESS => {
                packet.tuple.daddr = if V6 {
                    fib.__bindgen_anon_3.ipv6_src
                } else {
                    [0, 0, MAPPED, fib.__bindgen_anon_3.ipv4_src]
                };
                fib.ifindex
            }
            BPF_FIB_LKUP_RET_FWD_DISABLED => way_back((*skb).ifindex),
            _ => 0,
        }
    }
}
