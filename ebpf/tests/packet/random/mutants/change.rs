// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! One instruction changed as somebody may have written the program wrongly (RFC 9669).

use crate::harness::{Elf, INSTRUCTION, NOTHING};

/// What is wrong then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A number is off by one: a length, an offset, a state, a life-time, a flag.
    Constant,
    /// `<` in place of `<=`, or the other way round.
    Boundary,
    /// Does what it should not, and not what it should.
    Condition,
    /// `+` in place of `-`, `&` in place of `|`, or the other way round.
    Operation,
    /// Reads or writes the neighbouring field.
    Field,
    /// Does not write: a counter, a state, a header.
    Lost,
    /// Does not call: a checksum is not updated, an entry not written.
    Skipped,
    /// Asks, or writes to, another map.
    Table,
}

/// A wrong program: bytes to write over those of the object.
#[derive(Clone, Debug)]
pub struct Mutant {
    pub at: usize,
    pub kind: Kind,
    pub how: String,
    patch: Vec<(usize, Vec<u8>)>,
}

impl Mutant {
    pub fn apply(&self, object: &mut [u8]) {
        for (at, bytes) in &self.patch {
            object[*at..at + bytes.len()].copy_from_slice(bytes);
        }
    }
}

/// Maps of the same keys.
const SIBLINGS: [[&str; 2]; 3] = [
    ["flows4", "pending4"],
    ["flows6", "pending6"],
    ["service_stats", "backend_stats"],
];
/// The register that leads to the stack, and bytes of what may be loaded or stored.
const STACK: u8 = 10;
const SIZES: [i16; 4] = [4, 2, 1, 8];
/// Nothing came of a call: r0 = 0.
const ZERO: [u8; INSTRUCTION] = [0xb7, 0, 0, 0, 0, 0, 0, 0];

/// Of shifts, what puts bytes into larger words.
const BYTE: i32 = 8;
/// The one among them that sums are folded with.
const HALF: i32 = 16;

/// The ways in which the instruction at `at` may be wrong; none of those that the
/// compiler writes on its own account: numbers made longer or shorter, places on the stack.
pub fn mutants(elf: &Elf<'_>, at: usize) -> Vec<Mutant> {
    let place = Place::new(elf, at);
    let mut all = Vec::new();
    match place.opcode & 0x07 {
        4 | 7 => arithmetic(&place, &mut all),
        5 | 6 => jump(&place, &mut all),
        0x01..=0x03 if place.opcode & 0xe0 == 0x60 => memory(&place, &mut all),
        0 => table(elf, &place, &mut all),
        _ => {}
    }
    all
}

struct Place {
    at: usize,
    opcode: u8,
    destination: u8,
    source: u8,
    offset: i16,
    immediate: i32,
    /// The instructions before and after it.
    before: [u8; INSTRUCTION],
    after: [u8; INSTRUCTION],
}

impl Place {
    fn new(elf: &Elf<'_>, at: usize) -> Self {
        let bytes = elf.instruction(at);
        Self {
            at,
            opcode: bytes[0],
            destination: bytes[1] & 0xf,
            source: bytes[1] >> 4,
            offset: i16::from_le_bytes([bytes[2], bytes[3]]),
            immediate: i32::from_le_bytes([bytes[4], bytes[5], bytes[6], bytes[7]]),
            before: elf.instruction(at - INSTRUCTION),
            after: elf.instruction(at + INSTRUCTION),
        }
    }

    fn has_constant(&self) -> bool {
        self.opcode & 0x08 == 0
    }

    fn mutant(&self, kind: Kind, how: String, patch: Vec<(usize, Vec<u8>)>) -> Mutant {
        let at = self.at;
        Mutant {
            at,
            kind,
            how,
            patch,
        }
    }

    /// One more, and one less.
    fn constants(&self, all: &mut Vec<Mutant>) {
        for other in [
            self.immediate.wrapping_add(1),
            self.immediate.wrapping_sub(1),
        ] {
            let how = format!("{} becomes {other}", self.immediate);
            let patch = vec![(self.at + 4, other.to_le_bytes().to_vec())];
            all.push(self.mutant(Kind::Constant, how, patch));
        }
    }

    fn operation(&self, kind: Kind, other: u8, how: &str, all: &mut Vec<Mutant>) {
        let patch = vec![(self.at, vec![other | self.opcode & 0x0f])];
        all.push(self.mutant(kind, how.to_owned(), patch));
    }

    /// Half of what cuts a number to 32 bits or fewer: shifted up, and down again.
    fn cuts(&self) -> bool {
        let is = |code: &[u8; INSTRUCTION], operations: &[u8]| {
            code[0] & 0x07 == 7
                && operations.contains(&(code[0] & 0xf8))
                && code[1] & 0xf == self.destination
                && code[4..] == self.immediate.to_le_bytes()
        };
        let shifts = |operation: u8| [0x60, 0x70, 0xc0].contains(&(operation & 0xf8));
        shifts(self.opcode)
            && self.has_constant()
            && (is(&self.before, &[0x60]) || is(&self.after, &[0x70, 0xc0]))
    }

    /// Whether bytes become larger words, or those become bytes.
    fn packs(&self) -> bool {
        let shifts = matches!(self.opcode & 0xf0, 0x60 | 0x70 | 0xc0);
        shifts && self.immediate % BYTE == 0 && self.immediate != HALF
    }

    /// Whether it makes an address on the stack of a copy of the register that leads there.
    fn is_on_stack(&self) -> bool {
        self.before[0] == 0xbf && self.before[1] == STACK << 4 | self.destination
    }
}

fn arithmetic(place: &Place, all: &mut Vec<Mutant>) {
    let operation = place.opcode & 0xf0;
    if matches!(operation, 0x80 | 0xd0) || place.cuts() || place.packs() || place.is_on_stack() {
        return;
    }
    if place.has_constant() {
        place.constants(all);
    }
    let (other, how) = match operation {
        0x00 => (0x10, "- in place of +"),
        0x10 => (0x00, "+ in place of -"),
        0x40 => (0x50, "& in place of |"),
        0x50 => (0x40, "| in place of &"),
        _ => return,
    };
    place.operation(Kind::Operation, other, how, all);
}

fn jump(place: &Place, all: &mut Vec<Mutant>) {
    let operation = place.opcode & 0xf0;
    match operation {
        0x80 if place.opcode == 0x85 => {
            let how = format!("call {} does nothing", place.immediate);
            let patch = vec![(place.at, ZERO.to_vec())];
            all.push(place.mutant(Kind::Skipped, how, patch));
            return;
        }
        0x00 | 0x80 | 0x90 | 0xe0 => return,
        _ => {}
    }
    if place.has_constant() {
        place.constants(all);
    }
    // RFC 9669, section 4.3.
    let either = |pairs: &[(u8, u8)]| {
        let found = pairs.iter().find(|(a, b)| [*a, *b].contains(&operation));
        found.map(|(a, b)| if operation == *a { *b } else { *a })
    };
    let opposites = [
        (0x10, 0x50),
        (0x20, 0xb0),
        (0x30, 0xa0),
        (0x60, 0xd0),
        (0x70, 0xc0),
    ];
    if let Some(other) = either(&opposites) {
        place.operation(Kind::Condition, other, "jumps when it should not", all);
    }
    let boundaries = [(0x20, 0x30), (0xa0, 0xb0), (0x60, 0x70), (0xc0, 0xd0)];
    if let Some(other) = either(&boundaries) {
        place.operation(
            Kind::Boundary,
            other,
            "takes the boundary for the other side",
            all,
        );
    }
}

fn memory(place: &Place, all: &mut Vec<Mutant>) {
    let loads = place.opcode & 0x07 == 1;
    if place.opcode & 0x07 == 2 {
        place.constants(all);
    }
    let base = if loads {
        place.source
    } else {
        place.destination
    };
    // What is kept on the stack for a while has no neighbours.
    if base == STACK {
        return;
    }
    if !loads {
        let patch = vec![(place.at, NOTHING.to_vec())];
        all.push(place.mutant(Kind::Lost, "does not write".to_owned(), patch));
    }
    let size = SIZES[usize::from(place.opcode >> 3 & 3)];
    for other in [place.offset + size, place.offset - size] {
        let how = format!("field at {other}, not {}", place.offset);
        let patch = vec![(place.at + 2, other.to_le_bytes().to_vec())];
        all.push(place.mutant(Kind::Field, how, patch));
    }
}

fn table(elf: &Elf<'_>, place: &Place, all: &mut Vec<Mutant>) {
    let Some((relocation, name)) = elf.map(place.at) else {
        return;
    };
    let pair = SIBLINGS.iter().find(|pair| pair.contains(&name.as_str()));
    let other = pair.and_then(|pair| pair.iter().find(|one| **one != name));
    let Some(other) = other else { return };
    let symbol = elf.symbol_of(other).expect("the object has both");
    let patch = vec![(relocation + 12, symbol.to_le_bytes().to_vec())];
    all.push(place.mutant(Kind::Table, format!("{other}, not {name}"), patch));
}
