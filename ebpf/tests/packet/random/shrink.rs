// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A case that fails, as small as it goes while it still does.

use super::case::{Case, Change, Frame, Step};

/// Drops steps, then simplifies what is left, as long as `fails` holds. That is
/// asked for every try.
pub fn shrink(case: Case, fails: &mut dyn FnMut(&Case) -> bool) -> Case {
    let mut best = case;
    loop {
        let before = best.clone();
        drop_steps(&mut best, fails);
        for index in 0..best.steps.len() {
            simplify(&mut best, index, fails);
        }
        if best.early {
            try_one(&mut best, fails, |case| case.early = false);
        }
        if best == before {
            return best;
        }
    }
}

/// Keeps a change of the case if it still fails. Returns whether it does.
fn try_one(
    best: &mut Case,
    fails: &mut dyn FnMut(&Case) -> bool,
    change: impl FnOnce(&mut Case),
) -> bool {
    let mut tried = best.clone();
    change(&mut tried);
    let better = tried != *best && fails(&tried);
    if better {
        *best = tried;
    }
    better
}

/// Many at once first.
fn drop_steps(best: &mut Case, fails: &mut dyn FnMut(&Case) -> bool) {
    let mut size = best.steps.len();
    while size > 0 {
        let mut at = 0;
        while at < best.steps.len() {
            let end = (at + size).min(best.steps.len());
            let dropped = try_one(best, fails, |case| {
                case.steps.drain(at..end);
            });
            if !dropped {
                at += size;
            }
        }
        size /= 2;
    }
}

fn simplify(best: &mut Case, index: usize, fails: &mut dyn FnMut(&Case) -> bool) {
    match &best.steps[index] {
        Step::Arrives(_) | Step::Leaves(_) => simplify_frame(best, index, fails),
        Step::Changes(Change::Time(units)) => {
            let units = *units;
            for fewer in [0, 1, 8] {
                if fewer < units
                    && try_one(best, fails, |case| {
                        case.steps[index] = Step::Changes(Change::Time(fewer));
                    })
                {
                    return;
                }
            }
        }
        Step::Changes(Change::Slots(table, slots)) => {
            let (table, slots) = (*table, slots.clone());
            for slot in &slots {
                let alike = Change::Slots(table, vec![*slot; slots.len()]);
                if try_one(best, fails, |case| {
                    case.steps[index] = Step::Changes(alike);
                }) {
                    return;
                }
            }
        }
        Step::Changes(_) => {}
    }
}

fn frame(case: &mut Case, index: usize) -> &mut Frame {
    match &mut case.steps[index] {
        Step::Arrives(frame) | Step::Leaves(frame) => frame,
        Step::Changes(_) => unreachable!("the caller has looked"),
    }
}

/// Shorter, then with zeros in place of what does not matter.
fn simplify_frame(best: &mut Case, index: usize, fails: &mut dyn FnMut(&Case) -> bool) {
    try_one(best, fails, |case| frame(case, index).segment = 0);
    let mut size = 256;
    while size > 0 {
        let shorter = |case: &mut Case| {
            let bytes = &mut frame(case, index).bytes;
            let length = bytes.len().saturating_sub(size).max(14);
            bytes.truncate(length);
        };
        if !try_one(best, fails, shorter) {
            size /= 2;
        }
    }
    let mut size = 32;
    while size > 0 {
        let mut at = 0;
        while at < frame(best, index).bytes.len() {
            try_one(best, fails, |case| {
                let bytes = &mut frame(case, index).bytes;
                let end = (at + size).min(bytes.len());
                bytes[at..end].fill(0);
            });
            at += size;
        }
        size /= 2;
    }
}

#[cfg(test)]
mod unit {
    use super::*;
    use crate::random::{case::arrives, world::Place};

    fn case(steps: Vec<Step>) -> Case {
        Case {
            forwards: true,
            early: true,
            steps,
        }
    }

    /// A frame of so many bytes, none of them 0.
    fn filled(length: usize) -> Step {
        arrives(Place::Out, 700, &"5a".repeat(length))
    }

    #[test]
    fn shrink_leaves_the_one_step_and_the_one_byte_that_matter() {
        let mut steps = vec![filled(200); 9];
        steps[4] = arrives(
            Place::Out,
            700,
            &("5a".repeat(40) + "77" + &"5a".repeat(90)),
        );
        let fails = |case: &Case| {
            case.steps.iter().any(
                |step| matches!(step, Step::Arrives(frame) if frame.bytes.get(40) == Some(&0x77)),
            )
        };
        let least = shrink(case(steps), &mut |case| fails(case));
        let expected = arrives(Place::Out, 0, &("00".repeat(40) + "77"));
        assert_eq!(least.steps, [expected]);
        assert!(!least.early);
    }

    #[test]
    fn shrink_keeps_steps_that_matter_together_in_their_order() {
        let steps: Vec<Step> = (0..12)
            .map(|units| Step::Changes(Change::Time(units)))
            .collect();
        let place = |case: &Case, units| {
            let wanted = Step::Changes(Change::Time(units));
            case.steps.iter().position(|step| *step == wanted)
        };
        let fails =
            |case: &Case| matches!((place(case, 3), place(case, 9)), (Some(a), Some(b)) if a < b);
        let least = shrink(case(steps), &mut |case| fails(case));
        let expected = [3, 9].map(|units| Step::Changes(Change::Time(units)));
        assert_eq!(least.steps, expected);
    }

    #[test]
    fn shrink_takes_the_least_time_that_fails() {
        let steps = vec![Step::Changes(Change::Time(600))];
        let least = shrink(
            case(steps),
            &mut |case| matches!(case.steps[..], [Step::Changes(Change::Time(units))] if units >= 2),
        );
        assert_eq!(least.steps, [Step::Changes(Change::Time(8))]);
    }
}
