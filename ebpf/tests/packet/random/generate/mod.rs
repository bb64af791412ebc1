// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Steps as they may come, one after the other, drawn so that flows live long
//! enough to be in trouble.

mod change;
mod control;
mod ends;
mod frame;
mod options;
mod spoil;

use super::{
    case::{Change, Frame, Step},
    config::SERVICES,
    model::Model,
    rng::Random,
};

/// Most steps of a case.
const STEPS: usize = 40;

pub struct Generator {
    random: Random,
    /// The service that most of the case is about.
    focus: usize,
    /// Changes with which it begins, the last one first.
    prelude: Vec<Change>,
    /// What came in before.
    sent: Vec<Frame>,
}

impl Generator {
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let focus = random.below(SERVICES);
        let prelude = if random.once_in(3) {
            change::everywhere(&mut random, focus)
        } else {
            Vec::new()
        };
        Self {
            random,
            focus,
            prelude,
            sent: Vec::new(),
        }
    }

    /// How many steps the case has.
    pub fn length(&mut self) -> usize {
        let most = 1 + self.random.below(STEPS);
        1 + self.random.below(most) + self.prelude.len()
    }

    /// The next step after those that the model has gone through.
    pub fn step(&mut self, model: &Model) -> Step {
        if let Some(change) = self.prelude.pop() {
            return Step::Changes(change);
        }
        let random = &mut self.random;
        if random.once_in(7) {
            let number = number(random, self.focus);
            return Step::Changes(change::change(random, model, number));
        }
        if random.once_in(12)
            && let Some(frame) = self.sent.last()
        {
            // Sent again: the last one, or any.
            let again = if random.once_in(2) {
                frame.clone()
            } else {
                random.pick(&self.sent)
            };
            return Step::Arrives(again);
        }
        if random.once_in(16)
            && let Some(frame) = frame::of_host(random, model, self.focus)
        {
            return Step::Leaves(frame);
        }
        let frame = frame::frame(random, model, self.focus);
        self.sent.push(frame.clone());
        Step::Arrives(frame)
    }
}

/// A service: mostly that one, else the one that shares its backends, or any.
fn number(random: &mut Random, focus: usize) -> usize {
    match random.below(8) {
        0 => random.below(SERVICES),
        1 | 2 => focus ^ 1,
        _ => focus,
    }
}
