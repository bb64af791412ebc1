// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The program that sends a frame which nobody asked for: user space runs it by
//! hand (BPF_PROG_TEST_RUN) and needs no raw socket, so no CAP_NET_RAW. It is
//! attached nowhere.

use aya_ebpf::{helpers::generated::bpf_clone_redirect, macros::classifier, programs::TcContext};

/// Sends the frame out of the interface it was run for. Returns 0, or a negative
/// errno: -ENETDOWN where the interface is down.
#[classifier]
pub fn emit(ctx: TcContext) -> i32 {
    let skb = ctx.skb.skb;
    // SAFETY: `skb` is this program's context.
    unsafe { bpf_clone_redirect(skb, (*skb).ifindex, 0) as i32 }
}
