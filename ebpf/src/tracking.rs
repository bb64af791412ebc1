// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What a flow's packets say about its life.

use aya_ebpf::{
    bindings::__sk_buff,
    helpers::generated::{bpf_jiffies64, bpf_ktime_get_coarse_ns},
};
use blixt_ebpf::layout::{
    DELIVERY_UNKNOWN, DIRECTION_REPLY, Flow, STATE_CLOSE_WAIT, STATE_CLOSED, STATE_ESTABLISHED,
    STATE_FIN_WAIT, STATE_NEW,
};

use crate::{
    flows::{self, NO_PROTOCOL, Tuple},
    global::global,
    host::begin_way,
    maps::SCRATCH,
    packet::{IPPROTO_TCP, Packet, TCP_ACK, TCP_FIN, TCP_RST, TCP_SYN},
    pending, snat,
};

/// Idle time after which a UDP flow is over, in units of `now()`: 120 s, what
/// RFC 4787, REQ-5 asks of a translator at least.
pub const UDP_IDLE: u32 = 112;
/// The same of an established TCP connection: 2 hours and 4 minutes, what RFC 5382,
/// REQ-5 asks for at least. As all of TCP's, 8 more than that, by which `Flow::used`
/// may lag behind the packets of the other direction.
pub const TCP_ESTABLISHED_IDLE: u32 = 6_930 + 8;
/// The same of one that is not established yet, or of which one end has closed its
/// half: 4 minutes, by the same requirement ("transitory").
pub const TCP_TRANSITORY_IDLE: u32 = 224 + 8;

/// The coarse clock in units of 2^30 ns (1.07 s): all that idle times need.
#[inline(always)]
pub fn now() -> u32 {
    // SAFETY: a helper without arguments.
    (unsafe { bpf_ktime_get_coarse_ns() } >> 30) as u32
}

/// 256 jiffies, from a quarter of a second to 2.6 s as the kernel's HZ has it. The
/// kernel compiles the helper into a load, where the coarse clock takes four calls.
/// Comes around after hours; never 0.
#[inline(always)]
pub fn tick() -> u16 {
    // SAFETY: a helper without arguments.
    (unsafe { bpf_jiffies64() } >> 7) as u16 | 1
}

/// Whether a packet asks for a connection.
#[inline(always)]
pub fn opens(packet: &Packet) -> bool {
    packet.flags & (TCP_SYN | TCP_ACK) == TCP_SYN
}

/// Whether a flow has ended, so that another may take its addresses and ports:
/// closed, or idle for longer than its state allows.
#[inline(always)]
pub fn is_over(protocol: u8, flow: &Flow, now: u32) -> bool {
    let idle = if protocol != IPPROTO_TCP {
        UDP_IDLE
    } else if flow.state == STATE_CLOSED {
        return true;
    } else if flow.state == STATE_ESTABLISHED {
        TCP_ESTABLISHED_IDLE
    } else {
        TCP_TRANSITORY_IDLE
    };
    now.wrapping_sub(flow.used) > idle
}

/// Whether this client's packet starts over on an entry of an old flow. Who asks for
/// a connection means no old one that is closing; anything else goes on with a
/// connection, however long that was idle. A flow of datagrams that had one in this
/// tick is not idle.
#[inline(always)]
pub fn starts_over(packet: &Packet, flow: &Flow, tick: u16) -> bool {
    let protocol = packet.tuple.protocol();
    if protocol == IPPROTO_TCP {
        opens(packet) && (flow.state >= STATE_FIN_WAIT || is_over(protocol, flow, now()))
    } else {
        flow.tick != tick && is_over(protocol, flow, now())
    }
}

/// Whether a client asks again for a connection that another node has not
/// answered: to a remote backend the packets go unchanged, and no answer is seen.
#[inline(always)]
pub fn asks_again(packet: &Packet, flow: &Flow) -> bool {
    let tuple = &packet.tuple;
    opens(packet)
        && tuple.protocol() == IPPROTO_TCP
        && flow.state == STATE_NEW
        && flow.port == tuple.dport
        && flow.address == tuple.daddr
}

/// State that a new flow begins in: one whose first packet here is in the
/// middle of a connection was begun on another node, or its entry was lost.
#[inline(always)]
pub fn first_state(packet: &Packet) -> u8 {
    if packet.tuple.protocol() != IPPROTO_TCP || opens(packet) {
        STATE_NEW
    } else {
        STATE_ESTABLISHED
    }
}

/// Follows the packet: NEW → ESTABLISHED → FIN_WAIT or CLOSE_WAIT → CLOSED. An end is
/// told to the other direction's entry as well.
#[inline(always)]
pub fn follow<const V6: bool>(packet: &Packet, flow: &mut Flow) {
    if packet.tuple.protocol() != IPPROTO_TCP {
        // A datagram from the backend makes two sides that have spoken.
        if flow.state == STATE_NEW && !flow.is_forward() {
            flow.state = STATE_ESTABLISHED;
        }
        return;
    }
    if packet.flags & (TCP_FIN | TCP_RST) != 0 {
        let state = if packet.flags & TCP_RST != 0 || flow.state == STATE_CLOSE_WAIT {
            STATE_CLOSED
        } else {
            STATE_FIN_WAIT
        };
        if flow.state < state {
            flow.state = state;
            // SAFETY: nothing is asked of the caller.
            unsafe { close::<V6>(&packet.tuple, flow) };
        }
    } else if flow.state == STATE_NEW && packet.flags & TCP_SYN == 0 {
        flow.state = STATE_ESTABLISHED;
    }
}

global! {
    /// Tells the other direction's entry of the state that this one is in. Returns 0.
    fn close(; tuple: Tuple, flow: Flow) -> i32
        = close_body, close4, close6
}

#[inline(always)]
fn close_body<const V6: bool>(tuple: &Tuple, flow: &Flow) -> i32 {
    let other = flows::find_any::<V6>(&tuple.twin_in::<V6>(flow));
    // SAFETY: the element stays readable and writable for this run (RCU).
    unsafe {
        // Another service's flow may have taken its place since.
        if !other.is_null() && (*other).service == flow.service {
            (*other).state = seen_from_there(flow.state);
        }
    }
    0
}

/// The state of the other direction's entry, when this one's is `state`.
#[inline(always)]
fn seen_from_there(state: u8) -> u8 {
    match state {
        STATE_FIN_WAIT => STATE_CLOSE_WAIT,
        STATE_CLOSE_WAIT => STATE_FIN_WAIT,
        state => state,
    }
}

/// Whether packets of the flow go to another node as they are.
#[inline(always)]
pub fn is_remote(tuple: &Tuple, flow: &Flow) -> bool {
    flow.is_forward() && !flow.is_snat() && flow.address == tuple.daddr && flow.port == tuple.dport
}

/// Marks the other direction's entry as used, or writes it again where it was
/// evicted, or is due only now: a flow to a remote backend has no other direction
/// here, until the backend comes. The packet's frame is still as it came.
///
/// # Safety
/// `skb` is the program's context, the flow not remote.
#[inline(never)]
pub unsafe fn refresh<const V6: bool>(skb: *mut __sk_buff, tuple: &Tuple, flow: &Flow) {
    let twin = tuple.twin_in::<V6>(flow);
    if twin.protocol == NO_PROTOCOL {
        return;
    }
    if let Some(other) = flows::find::<V6>(&twin) {
        // SAFETY: as in `close`.
        unsafe { (*other).used = flow.seen };
    } else if flows::pending::<V6>(&twin).is_none()
        && let Some(scratch) = SCRATCH.get_ptr_mut(0)
    {
        // SAFETY: the element is this CPU's own.
        unsafe {
            turn(skb, tuple, flow, &mut (*scratch).flow);
            if flows::find::<V6>(tuple).is_some() {
                flows::restore::<V6>(&twin, &(*scratch).flow);
            } else {
                pending::unproven(&mut *scratch, 0);
                flows::restore_pending::<V6>(&twin, &*scratch);
            }
        }
    }
    if flow.is_snat() {
        // SAFETY: nothing is asked of the caller.
        unsafe { snat::keep::<V6>(tuple, &twin, flow) };
    }
}

/// Makes `other` the other direction's entry of a flow, not yet seen, so that its
/// next packet finds the way.
///
/// # Safety
/// `skb` is the program's context.
#[inline(always)]
pub unsafe fn turn(skb: *mut __sk_buff, tuple: &Tuple, flow: &Flow, other: &mut Flow) {
    *other = *flow;
    other.direction ^= DIRECTION_REPLY;
    if flow.is_forward() {
        // What replies are rewritten to is what the client sent to.
        other.address = tuple.daddr;
        other.port = tuple.dport;
        // SAFETY: as the caller promises.
        unsafe {
            other.ifindex = (*skb).ifindex;
            begin_way(skb, other);
        }
    } else {
        other.address = tuple.saddr;
        other.port = tuple.sport;
        other.ifindex = 0;
        other.delivery = DELIVERY_UNKNOWN;
    }
    other.state = seen_from_there(flow.state);
    other.seen = 0;
    other.tick = 0;
}
