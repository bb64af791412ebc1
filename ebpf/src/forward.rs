// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The path of a packet from parse to verdict.

use core::ptr;

use aya_ebpf::bindings::__sk_buff;
use blixt_ebpf::layout::{
    ADDRESS_LOCAL, BACKEND_ALIVE, DELIVERY_MAC, DELIVERY_UNKNOWN, Flow, Pending,
};

use crate::{
    affinity,
    begin::{BEGUN, PORTLESS, RENEWED, RESET, begin},
    counters,
    deliver::{TC_ACT_OK, TC_ACT_SHOT, deliver, resolve},
    flows, fragments,
    global::global,
    hairpin::{self, is_hairpin},
    maps::BACKEND,
    mss,
    packet::{FIRST_FRAGMENT, IPPROTO_TCP, IPPROTO_UDP, LATER_FRAGMENT, Packet, TCP_SYN},
    pending,
    refuse::reset,
    rewrite::rewrite,
    select, snat, source_port,
    time_exceeded::expire,
    too_big::{is_too_big, tell},
    tracking,
};

/// What `stray` makes of a packet, or BEGUN.
const BEGIN: i32 = -4;
const BURY: i32 = -5;

/// Forwards, refuses or drops one parsed packet, or leaves it to the stack.
///
/// # Safety
/// `skb` is the program's context, `packet` what it parsed to.
#[inline(always)]
pub unsafe fn forward<const V6: bool>(skb: *mut __sk_buff, packet: &Packet) -> i32 {
    let tuple = &packet.tuple;
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    unsafe {
        if packet.defect > FIRST_FRAGMENT {
            return unsound::<V6>(skb, packet);
        }
        let tick = tracking::tick();
        let mut flow = flows::find::<V6>(tuple).unwrap_or(ptr::null_mut());
        if flow.is_null() || continuation(packet, &*flow, tick) != Continuation::GoOn {
            let verdict = match stray::<V6>(packet, flow, tick) {
                BEGIN => match begin::<V6>(skb, packet) {
                    PORTLESS => source_port::begin::<V6>(skb, packet),
                    verdict => verdict,
                },
                BURY => bury::<V6>(packet),
                _ => BEGUN,
            };
            if verdict == RESET {
                return reset::<V6>(skb, packet);
            }
            if verdict == BEGUN {
                flow = pending::go_on::<V6>(skb, packet);
            } else if verdict != RENEWED {
                return verdict;
            }
            if flow.is_null() {
                counters::dropped(|drops| &mut drops.no_entry);
                return TC_ACT_SHOT;
            }
            if packet.overhead != 0 {
                mss::note::<V6>(skb, packet, flow);
            }
        }
        let flow = &mut *flow;
        tracking::follow::<V6>(packet, flow);
        let mut asks = false;
        if flow.tick != tick {
            flow.tick = tick;
            asks = look_again::<V6>(skb, packet, flow) != 0;
        }
        if packet.defect == FIRST_FRAGMENT {
            fragments::note::<V6>(skb, packet);
        }
        send::<V6, true>(skb, packet, flow, asks)
    }
}

/// What to make of a packet that has no settled flow to go on with: BEGUN for one of
/// a pending flow, BEGIN or BURY. `flow` is the settled one all the same, or null.
#[inline(always)]
unsafe fn stray<const V6: bool>(packet: &Packet, flow: *mut Flow, tick: u16) -> i32 {
    let flow = if flow.is_null() {
        flows::pending::<V6>(&packet.tuple).map_or(ptr::null_mut(), <*mut Pending>::cast)
    } else {
        flow
    };
    if flow.is_null() {
        return BEGIN;
    }
    // SAFETY: as the caller promises; a map's element stays valid for this run.
    unsafe { judge::<V6>(tick, packet, flow) }
}

global! {
    /// The same with the entry of the flow that the packet finds.
    fn judge(tick: u16; packet: Packet, flow: Flow) -> i32 = judge_body, judge4, judge6
}

#[inline(always)]
fn judge_body<const V6: bool>(tick: u16, packet: &Packet, flow: &Flow) -> i32 {
    if pending::has_been_here::<V6>(packet) {
        // A flow that it began anew would not remember that.
        return BEGUN;
    }
    match continuation(packet, flow, tick) {
        Continuation::GoOn if !pending::is_sent_back::<V6>(packet) => BEGUN,
        Continuation::GoOn | Continuation::Begin => BEGIN,
        Continuation::Bury => BURY,
    }
}

global! {
    /// What is done for a flow once in a while, as long as it has packets: its way is
    /// looked up every second, the other direction's entry every eight. Returns 1 when
    /// the kernel shall find the neighbour for this packet, else 0.
    ///
    /// What the FIB says of a neighbour may be out of date. The kernel asks whether it is
    /// (RFC 4861, section 7.3.3; ARP likewise) only when it sends something there itself.
    fn look_again(skb: *mut __sk_buff; packet: Packet, flow: Flow) -> i32
        = look_again_body, look_again4, look_again6
}

#[inline(always)]
unsafe fn look_again_body<const V6: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    flow: &mut Flow,
) -> i32 {
    let now = tracking::now();
    // SAFETY: as the caller promises.
    unsafe {
        let seen = flow.seen;
        if seen == now {
            return 0;
        }
        flow.seen = now;
        flow.used = now;
        let remote = tracking::is_remote(&packet.tuple, flow);
        resolve::<V6>(skb, packet, flow);
        // Both are new where this one is; a remote one may have become none.
        if seen != 0
            && (remote || seen >> 3 != now >> 3)
            && !tracking::is_remote(&packet.tuple, flow)
        {
            tracking::refresh::<V6>(skb, &packet.tuple, flow);
        }
        i32::from(seen != 0 && flow.delivery == DELIVERY_MAC)
    }
}

/// What an entry means for the packet that found it.
#[derive(PartialEq)]
enum Continuation {
    /// The packet belongs to the flow.
    GoOn,
    /// The packet begins a flow anew.
    Begin,
    /// The flow's backend is gone, and the packet cannot begin another.
    Bury,
}

/// Replies go on even when their backend left meanwhile: what it still has to
/// say is the client's.
#[inline(always)]
fn continuation(packet: &Packet, flow: &Flow, tick: u16) -> Continuation {
    if !flow.is_forward() {
        Continuation::GoOn
    } else if tracking::starts_over(packet, flow, tick) {
        Continuation::Begin
    } else if is_alive(flow) {
        if tracking::asks_again(packet, flow) && is_chosen_no_more(packet, flow.backend) {
            Continuation::Begin
        } else {
            Continuation::GoOn
        }
    } else if packet.tuple.protocol() != IPPROTO_TCP || tracking::opens(packet) {
        Continuation::Begin
    } else {
        Continuation::Bury
    }
}

/// Whether the flow would go elsewhere today. A node whose table is newer than this
/// one's was may have sent the packet on, or back here.
#[inline(never)]
fn is_chosen_no_more(packet: &Packet, backend: u32) -> bool {
    select::service(&packet.tuple)
        .is_some_and(|service| affinity::first_choice(packet, &service) != Some(backend))
}

/// Counts, rewrites and delivers, by the kernel's own search for the neighbour with
/// `asks`; without `PORTS`, a later fragment.
#[inline(always)]
unsafe fn send<const V6: bool, const PORTS: bool>(
    skb: *mut __sk_buff,
    packet: &Packet,
    flow: &Flow,
    asks: bool,
) -> i32 {
    // SAFETY: as the caller promises.
    unsafe {
        if packet.ttl <= 1 {
            return expire::<V6>(skb, packet);
        }
        if flow.delivery == DELIVERY_UNKNOWN {
            counters::dropped(|drops| &mut drops.no_route);
            return TC_ACT_SHOT;
        }
        if packet.length > flow.mtu.into() && is_too_big(skb, packet, flow.mtu) {
            return tell::<V6>(skb, flow.mtu, packet);
        }
        if PORTS && flow.mss != 0 && packet.flags & TCP_SYN != 0 {
            mss::clamp(skb, packet, flow.mss);
        }
        let written = if flow.is_snat() {
            snat::rewrite::<V6>(skb, packet, flow)
        } else if is_hairpin(&packet.tuple, flow) {
            hairpin::turn::<V6>(skb, packet, flow)
        } else {
            rewrite::<V6, PORTS>(skb, packet, flow)
        };
        if !written {
            counters::dropped(|drops| &mut drops.rewrite_failed);
            return TC_ACT_SHOT;
        }
        counters::forwarded(flow, packet.length);
        deliver::<V6>(skb, flow, asks)
    }
}

/// Whether the flow's backend is the one it began with.
#[inline(always)]
pub fn is_alive(flow: &Flow) -> bool {
    BACKEND
        .get(flow.backend)
        .is_some_and(|b| b.flags & BACKEND_ALIVE != 0 && b.epoch == flow.epoch)
}

global! {
    /// A later fragment, or a malformed packet. Returns the program's verdict.
    fn unsound(skb: *mut __sk_buff; packet: Packet) -> i32
        = unsound_body, unsound4, unsound6
}

#[inline(always)]
unsafe fn unsound_body<const V6: bool>(skb: *mut __sk_buff, packet: &mut Packet) -> i32 {
    if packet.defect == LATER_FRAGMENT {
        // SAFETY: as the caller promises; the element stays valid for this run.
        unsafe {
            let flow = fragments::flow::<V6>(skb, packet);
            if !flow.is_null() {
                // The first found the way, but the flow may have begun anew since. Of its
                // packets' ports only the first knew.
                if (*flow).delivery == DELIVERY_UNKNOWN {
                    fragments::name::<V6>(skb, packet);
                    resolve::<V6>(skb, packet, flow);
                    packet.tuple.set_ports(0);
                }
                return send::<V6, false>(skb, packet, &*flow, false);
            }
        }
    }
    if !is_ours::<V6>(packet) {
        return TC_ACT_OK;
    }
    if packet.defect == LATER_FRAGMENT {
        counters::dropped(|drops| &mut drops.fragment);
    } else {
        counters::dropped(|drops| &mut drops.malformed);
    }
    TC_ACT_SHOT
}

/// Whether a packet that cannot be forwarded is our business: TCP or UDP for an
/// address of ours; where the host has that too, for a service.
#[inline(always)]
pub fn is_ours<const V6: bool>(packet: &Packet) -> bool {
    if !matches!(packet.tuple.protocol(), IPPROTO_TCP | IPPROTO_UDP) {
        return false;
    }
    match select::address::<V6>(&packet.tuple.daddr) {
        None => false,
        Some(flags) => flags & ADDRESS_LOCAL == 0 || select::service(&packet.tuple).is_some(),
    }
}

global! {
    /// A connection whose backend is gone ends with a reset, so that the client knows.
    fn bury(; packet: Packet) -> i32
        = bury_body, bury4, bury6
}

#[inline(always)]
fn bury_body<const V6: bool>(packet: &Packet) -> i32 {
    let flow = flows::find_any::<V6>(&packet.tuple);
    if !flow.is_null() {
        // SAFETY: the element stays valid for this run.
        let twin = unsafe { packet.tuple.twin_in::<V6>(&*flow) };
        let other = flows::find_any::<V6>(&twin);
        // Another service's flow may have taken its place since.
        // SAFETY: as above.
        if !other.is_null() && unsafe { (*other).service == (*flow).service } {
            flows::remove_any::<V6>(&twin);
        }
        flows::remove_any::<V6>(&packet.tuple);
    }
    counters::dropped(|drops| &mut drops.backend_gone);
    RESET
}
