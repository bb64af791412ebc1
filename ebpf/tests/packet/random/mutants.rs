// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Wrong programs: the object with one instruction changed, for which somebody has to
//! be found who notices. `BLIXT_MUTANTS=100` tries so many, `BLIXT_CASES` cases on each,
//! and says which nobody noticed. Not all that differ do anything else.

use super::rng::Random;

/// Of an ELF section header (ELF-64): executable instructions.
const EXECUTABLE: u64 = 4;
/// The type of the section of symbols, bytes of one, and the type of functions.
const SYMBOLS: usize = 2;
const SYMBOL: usize = 24;
const FUNCTION: u8 = 2;
/// Bytes of an instruction (RFC 9669).
const INSTRUCTION: usize = 8;

/// Where the headers of an object's sections are.
fn sections(object: &[u8]) -> impl Iterator<Item = usize> + Clone {
    let headers = number(object, 0x28, 8);
    let [size, count] = [number(object, 0x3a, 2), number(object, 0x3c, 2)];
    (0..count).map(move |index| headers + index * size)
}

/// Name of the function that has the instruction at `at`.
fn function(object: &[u8], at: usize) -> String {
    let field = |section, offset| number(object, section + offset, 8);
    let all: Vec<usize> = sections(object).collect();
    let symbols = all.iter().find(|at| number(object, **at + 4, 4) == SYMBOLS);
    let symbols = *symbols.expect("the object has symbols");
    let strings = field(all[number(object, symbols + 40, 4)], 24);
    let places = (0..field(symbols, 32) / SYMBOL).map(|index| field(symbols, 24) + index * SYMBOL);
    let found = places
        .filter(|place| object[place + 4] & 0xf == FUNCTION)
        .find(|place| {
            let section = all[number(object, place + 6, 2)];
            let begin = field(section, 24) + number(object, place + 8, 8);
            (begin..begin + number(object, place + 16, 8)).contains(&at)
        });
    let name = found.map(|place| {
        let text = &object[strings + number(object, place, 4)..];
        text.iter()
            .take_while(|byte| **byte != 0)
            .map(|byte| char::from(*byte))
            .collect()
    });
    name.unwrap_or_else(|| "nobody".to_owned())
}

/// Where instructions are in an object.
pub fn instructions(object: &[u8]) -> Vec<usize> {
    let code = sections(object).filter(|at| number(object, at + 8, 8) as u64 & EXECUTABLE != 0);
    let mut found = Vec::new();
    for section in code {
        let [at, length] = [
            number(object, section + 24, 8),
            number(object, section + 32, 8),
        ];
        let mut place = at;
        while place < at + length {
            found.push(place);
            // A wide one has two places (section 5.4).
            let wide = object[place] == 0x18;
            place += INSTRUCTION * if wide { 2 } else { 1 };
        }
    }
    found
}

/// Little endian.
fn number(bytes: &[u8], at: usize, size: usize) -> usize {
    let bytes = &bytes[at..at + size];
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Changes an instruction's meaning, and says how; none of those that have nothing to
/// change, or whose change would say nothing.
pub fn mutate(object: &mut [u8], at: usize, random: &mut Random) -> Option<String> {
    let opcode = object[at];
    let constant = opcode & 0x08 == 0;
    let immediate = number(object, at + 4, 4) as u32 as i32;
    let (class, operation) = (opcode & 0x07, opcode & 0xf0);
    let how = match class {
        // Arithmetic with a constant: another constant. Of the frame pointer's copies
        // come places on the stack.
        4 | 7 if constant && !matches!(operation, 0x80 | 0xd0) => {
            let other = immediate ^ 1 << random.below(4);
            object[at + 4..at + 8].copy_from_slice(&other.to_le_bytes());
            format!("{immediate} becomes {other}")
        }
        // A jump: the other way, or by another constant.
        5 | 6 if !matches!(operation, 0x00 | 0x80 | 0x90) => {
            if constant && random.once_in(2) {
                let other = immediate.wrapping_add(1);
                object[at + 4..at + 8].copy_from_slice(&other.to_le_bytes());
                format!("compares with {other}, not {immediate}")
            } else {
                object[at] = opposite(operation)? | opcode & 0x0f;
                "jumps when it should not".to_owned()
            }
        }
        // A store of a constant.
        2 => {
            let other = immediate ^ 1;
            object[at + 4..at + 8].copy_from_slice(&other.to_le_bytes());
            format!("stores {other}, not {immediate}")
        }
        _ => return None,
    };
    Some(format!("opcode {opcode:#04x}, {how}"))
}

/// RFC 9669, section 4.3.
fn opposite(operation: u8) -> Option<u8> {
    let pairs = [
        (0x10, 0x50),
        (0x20, 0xb0),
        (0x30, 0xa0),
        (0x60, 0xd0),
        (0x70, 0xc0),
    ];
    pairs.into_iter().find_map(|(one, other)| match operation {
        operation if operation == one => Some(other),
        operation if operation == other => Some(one),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use std::{env, panic};

    use super::*;
    use crate::{
        harness::{Chain, Forwarding, Object, with_lab_of},
        random::{kernel::Kernel, model::Fault, run::Runner},
    };

    /// Cases for each wrong program.
    const CASES: u64 = 4_000;
    const SEED: u64 = 1;
    /// Without a wish it is enough when so many are found, of so many that the
    /// verifier takes.
    const ENOUGH: u64 = 3;
    const MUTANTS: u64 = 20;

    /// After how many cases somebody notices; none when nobody does.
    fn noticed(object: Object, cases: u64) -> Option<u64> {
        let mut found = None;
        let search = || {
            with_lab_of(
                || object,
                Chain::Ingress,
                Forwarding::On,
                |lab| {
                    let mut runner = Runner::new(Kernel::new(lab, true), Fault::None);
                    found = (0..cases).find(|number| {
                        let seed = Random::new(SEED ^ number << 20).next();
                        runner.run(seed).is_some()
                    });
                    if found.is_none() && runner.finish_round().is_err() {
                        found = Some(cases);
                    }
                },
            );
        };
        // A verdict that no program has makes a case end early, too.
        if panic::catch_unwind(panic::AssertUnwindSafe(search)).is_err() {
            return Some(0);
        }
        found
    }

    #[test]
    #[ignore = "needs root"]
    fn wrong_programs_are_found() {
        let number = |name| {
            let text: Option<String> = env::var(name).ok();
            text.map(|text| text.parse::<u64>().expect("a number"))
        };
        let wish = number("BLIXT_MUTANTS");
        let wanted = wish.unwrap_or(MUTANTS);
        let cases = number("BLIXT_CASES").unwrap_or(CASES);
        let seed = number("BLIXT_SEED").unwrap_or(SEED);
        let mut random = Random::new(seed);
        let sound = Object::bytes();
        let places = instructions(&sound);
        assert!(places.len() > 1_000, "{} instructions", places.len());
        let (mut tried, mut killed, mut refused) = (0, 0, 0);
        while tried < wanted && (wish.is_some() || killed < ENOUGH) {
            let mut object = sound.clone();
            let at = random.pick(&places);
            let Some(how) = mutate(&mut object, at, &mut random) else {
                continue;
            };
            let how = format!("{}, {at:#x}: {how}", function(&sound, at));
            let Some(object) = Object::try_load(&object) else {
                refused += 1;
                continue;
            };
            tried += 1;
            match noticed(object, cases) {
                Some(cases) => {
                    killed += 1;
                    println!("{how}: noticed after {cases} cases");
                }
                None => println!("{how}: nobody noticed"),
            }
        }
        println!("{killed} of {tried} wrong programs were found; the verifier refused {refused}");
        assert!(killed >= ENOUGH, "{killed} of {tried}");
    }

    #[test]
    fn mutate_changes_one_instruction_and_another_each_time() {
        // r1 += 2, if r1 == 3 goto +1, exit
        let code = [
            0x07, 1, 0, 0, 2, 0, 0, 0, 0x15, 1, 1, 0, 3, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0,
        ];
        let mut random = Random::new(7);
        for at in [0, 8] {
            let mut changed = code;
            assert!(mutate(&mut changed, at, &mut random).is_some());
            let differ = (0..code.len()).filter(|index| code[*index] != changed[*index]);
            assert!(differ.clone().count() == 1 && differ.clone().all(|index| index / 8 == at / 8));
        }
        let mut changed = code;
        assert_eq!(mutate(&mut changed, 16, &mut random), None);
        assert_eq!(changed, code);
    }
}
