// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What comes out, and how two frames are compared that have checksums.

use super::bytes::word;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// Left to the programs behind this one and to the stack.
    Passed,
    Dropped,
    /// On its way, or sent back.
    Redirected,
}

/// How a redirected frame leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Via {
    /// By the interface of that index, which may be that of the frame's arrival.
    Interface(u32),
    /// Into the pod behind an interface.
    Pod,
    /// To a neighbour that the kernel finds.
    Neighbour,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub fate: Fate,
    pub frame: Vec<u8>,
    /// How it leaves, when it is redirected; none for where it came from.
    pub via: Option<Via>,
    /// Where checksums are that may be either zero of ones' complement.
    pub sums: Vec<usize>,
}

impl Verdict {
    pub fn new(fate: Fate, frame: Vec<u8>) -> Self {
        Self {
            fate,
            frame,
            via: None,
            sums: Vec::new(),
        }
    }

    pub fn dropped() -> Self {
        Self::new(Fate::Dropped, Vec::new())
    }

    pub fn redirected(frame: Vec<u8>) -> Self {
        Self::new(Fate::Redirected, frame)
    }

    /// The same with a checksum at that place in the frame.
    pub fn sum(mut self, at: usize) -> Self {
        self.sums.push(at);
        self
    }

    /// Whether a frame is the one expected. Whoever got a dropped one does not look at it.
    pub fn is(&self, frame: &[u8]) -> bool {
        if self.fate == Fate::Dropped || self.frame == frame {
            return true;
        }
        let mut came = frame.to_vec();
        for &at in &self.sums {
            let pair = [word(&came, at), word(&self.frame, at)];
            if let [Some(0 | 0xffff), Some(zero @ (0 | 0xffff))] = pair {
                came[at..at + 2].copy_from_slice(&zero.to_be_bytes());
            }
        }
        self.frame == came
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_takes_either_zero_for_a_checksum_and_nothing_else() {
        let verdict = Verdict::redirected(vec![1, 2, 0, 0, 0, 0]).sum(2);
        assert!(verdict.is(&[1, 2, 0, 0, 0, 0]));
        assert!(verdict.is(&[1, 2, 0xff, 0xff, 0, 0]));
        for other in [
            &[1, 2, 0, 1, 0, 0][..],
            &[1, 2, 0, 0, 0xff, 0xff],
            &[1, 2, 0, 0, 0],
        ] {
            assert!(!verdict.is(other), "{other:?}");
        }
    }

    #[test]
    fn is_does_not_ask_for_what_is_left_of_a_dropped_frame() {
        assert!(Verdict::dropped().is(&[1, 2, 3]));
        assert!(!Verdict::new(Fate::Passed, vec![1]).is(&[2]));
    }
}
