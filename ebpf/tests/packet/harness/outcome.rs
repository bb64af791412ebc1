// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

use crate::{build::Packet, diff::assert_same};

/// linux/bpf.h: the next program at the hook decides.
pub const TCX_NEXT: u32 = u32::MAX;
/// linux/pkt_cls.h
pub(super) const TC_ACT_SHOT: u32 = 2;
pub const TC_ACT_REDIRECT: u32 = 7;

/// What became of a packet.
#[must_use]
#[derive(Debug)]
pub struct Outcome {
    pub action: u32,
    pub sent: Vec<u8>,
    pub frame: Vec<u8>,
}

impl Outcome {
    /// Sent on its way, and looks like this to the last byte.
    #[track_caller]
    pub fn is_redirected_as(&self, expected: &Packet) {
        self.is_redirected_as_frame(&expected.bytes());
    }

    #[track_caller]
    pub fn is_redirected_as_frame(&self, expected: &[u8]) {
        self.has_action(TC_ACT_REDIRECT);
        assert_same(&self.frame, expected);
    }

    /// Left to the programs behind this one and to the stack, as it came.
    #[track_caller]
    pub fn is_passed_untouched(&self) {
        self.has_action(TCX_NEXT);
        assert_same(&self.frame, &self.sent);
    }

    /// Left to the programs behind this one and to the stack, looking like this.
    #[track_caller]
    pub fn is_passed_as(&self, expected: &Packet) {
        self.has_action(TCX_NEXT);
        assert_same(&self.frame, &expected.bytes());
    }

    #[track_caller]
    pub fn is_dropped(&self) {
        self.has_action(TC_ACT_SHOT);
    }

    pub fn was_redirected(&self) -> bool {
        self.action == TC_ACT_REDIRECT
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
        TCX_NEXT => "TCX_NEXT",
        TC_ACT_SHOT => "TC_ACT_SHOT",
        TC_ACT_REDIRECT => "TC_ACT_REDIRECT",
        _ => "none that the program has",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(action: u32, frame: &[u8]) -> Outcome {
        Outcome {
            action,
            sent: vec![1; 60],
            frame: frame.to_vec(),
        }
    }

    #[test]
    #[should_panic(expected = "the verdict is TCX_NEXT, expected TC_ACT_REDIRECT")]
    fn is_redirected_as_frame_names_the_verdicts() {
        outcome(TCX_NEXT, &[1; 60]).is_redirected_as_frame(&[1; 60]);
    }

    #[test]
    #[should_panic(expected = "the frames differ")]
    fn is_redirected_as_frame_compares_the_frame() {
        outcome(TC_ACT_REDIRECT, &[1; 60]).is_redirected_as_frame(&[2; 60]);
    }

    #[test]
    #[should_panic(expected = "the frames differ")]
    fn is_passed_untouched_sees_a_touch() {
        outcome(TCX_NEXT, &[2; 60]).is_passed_untouched();
    }

    #[test]
    fn is_dropped_asks_for_the_verdict_alone() {
        outcome(TC_ACT_SHOT, &[2; 60]).is_dropped();
    }
}
