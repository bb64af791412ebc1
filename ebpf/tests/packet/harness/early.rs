// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use super::outcome::{Outcome, TC_ACT_REDIRECT, TC_ACT_SHOT};
use crate::{build::Packet, diff::assert_same};

/// `enum xdp_action` (linux/bpf.h).
const XDP_DROP: u32 = 1;
const XDP_PASS: u32 = 2;
const XDP_TX: u32 = 3;

/// What `early` made of a frame.
#[must_use]
#[derive(Debug)]
pub struct Early {
    pub action: u32,
    pub sent: Vec<u8>,
    pub frame: Vec<u8>,
}

impl Early {
    /// The same as `ingress` would have it; nothing when the frame is passed to that.
    /// Panics where it is passed with a change.
    #[track_caller]
    pub fn verdict(self) -> Option<Outcome> {
        let action = match self.action {
            XDP_PASS => {
                self.is_passed_untouched();
                return None;
            }
            XDP_TX => TC_ACT_REDIRECT,
            XDP_DROP => TC_ACT_SHOT,
            other => panic!("the verdict is {}", name(other)),
        };
        Some(Outcome {
            action,
            sent: self.sent,
            frame: self.frame,
        })
    }

    pub fn was_passed(&self) -> bool {
        self.action == XDP_PASS
    }

    /// Left to `ingress`, as it came.
    #[track_caller]
    pub fn is_passed_untouched(&self) {
        self.has_action(XDP_PASS);
        assert_same(&self.frame, &self.sent);
    }

    /// Sent out where it came in, and looks like this to the last byte.
    #[track_caller]
    pub fn is_sent_back_as(&self, expected: &Packet) {
        self.is_sent_back_as_frame(&expected.bytes());
    }

    #[track_caller]
    pub fn is_sent_back_as_frame(&self, expected: &[u8]) {
        self.has_action(XDP_TX);
        assert_same(&self.frame, expected);
    }

    #[track_caller]
    pub fn is_dropped(&self) {
        self.has_action(XDP_DROP);
    }

    #[track_caller]
    fn has_action(&self, expected: u32) {
        let [came, wanted] = [self.action, expected].map(name);
        assert_eq!(
            self.action, expected,
            "the verdict is {came}, expected {wanted}"
        );
    }
}

fn name(action: u32) -> &'static str {
    match action {
        0 => "XDP_ABORTED",
        XDP_DROP => "XDP_DROP",
        XDP_PASS => "XDP_PASS",
        XDP_TX => "XDP_TX",
        4 => "XDP_REDIRECT",
        _ => "none that XDP has",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn early(action: u32, frame: &[u8]) -> Early {
        Early {
            action,
            sent: vec![1; 60],
            frame: frame.to_vec(),
        }
    }

    #[test]
    fn verdict_is_what_ingress_would_have() {
        let sent_back = early(XDP_TX, &[2; 60]).verdict().expect("a verdict");
        sent_back.is_redirected_as_frame(&[2; 60]);
        early(XDP_DROP, &[2; 60])
            .verdict()
            .expect("a verdict")
            .is_dropped();
        assert!(early(XDP_PASS, &[1; 60]).verdict().is_none());
    }

    #[test]
    #[should_panic(expected = "the frames differ")]
    fn verdict_sees_a_touch_of_what_is_passed() {
        drop(early(XDP_PASS, &[2; 60]).verdict());
    }

    #[test]
    #[should_panic(expected = "the verdict is XDP_ABORTED")]
    fn verdict_takes_no_failure_for_one() {
        drop(early(0, &[1; 60]).verdict());
    }

    #[test]
    #[should_panic(expected = "the verdict is XDP_PASS, expected XDP_TX")]
    fn is_sent_back_as_frame_names_the_verdicts() {
        early(XDP_PASS, &[1; 60]).is_sent_back_as_frame(&[1; 60]);
    }

    #[test]
    #[should_panic(expected = "the frames differ")]
    fn is_sent_back_as_frame_compares_the_frame() {
        early(XDP_TX, &[1; 60]).is_sent_back_as_frame(&[2; 60]);
    }

    #[test]
    #[should_panic(expected = "the verdict is XDP_TX, expected XDP_DROP")]
    fn is_dropped_asks_for_the_verdict() {
        early(XDP_TX, &[1; 60]).is_dropped();
    }
}
