// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The object file: its instructions, whose function and line each is, and which map
//! it loads (ELF-64 and .BTF.ext as the kernel's Documentation/bpf/btf.rst has it).

use std::{collections::BTreeMap, fmt, fs, ops::Range, path::PathBuf};

/// Flag of sections with executable instructions.
const EXECUTABLE: usize = 4;
/// Types of sections, bytes of an element of each, and the type of functions.
const SYMBOLS: usize = 2;
const SYMBOL: usize = 24;
const RELOCATIONS: usize = 9;
const RELOCATION: usize = 16;
const FUNCTION: u8 = 2;
/// Bytes of an instruction (RFC 9669).
pub const INSTRUCTION: usize = 8;
/// One without effect: a jump to the next one.
pub const NOTHING: [u8; INSTRUCTION] = [0x05, 0, 0, 0, 0, 0, 0, 0];
/// The opcode of one that has two places (section 5.4).
const WIDE: u8 = 0x18;

pub struct Elf<'a> {
    bytes: &'a [u8],
    sections: Vec<Section>,
    functions: Vec<(Range<usize>, String)>,
    /// By where the first instruction of each is.
    lines: BTreeMap<usize, Line>,
}

struct Section {
    name: String,
    kind: usize,
    flags: usize,
    at: usize,
    length: usize,
    /// The section that its elements name, and the one that they change.
    link: usize,
    info: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    file: String,
    number: usize,
}

/// Where an instruction comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Site {
    pub function: String,
    /// The last line of the program's own before it, from `src` on, and its text.
    pub file: String,
    pub number: usize,
    pub text: String,
}

impl fmt::Display for Site {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            function,
            file,
            number,
            text,
        } = self;
        write!(formatter, "{function}, {file}:{number} `{text}`")
    }
}

impl<'a> Elf<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        let mut elf = Self {
            sections: sections(bytes),
            bytes,
            functions: Vec::new(),
            lines: BTreeMap::new(),
        };
        elf.functions = elf.read_functions();
        elf.lines = elf.read_lines();
        elf
    }

    /// Where instructions are.
    pub fn instructions(&self) -> Vec<usize> {
        let code = self
            .sections
            .iter()
            .filter(|one| one.flags & EXECUTABLE != 0);
        let mut found = Vec::new();
        for section in code {
            let mut place = section.at;
            while place < section.at + section.length {
                found.push(place);
                let wide = self.bytes[place] == WIDE;
                place += INSTRUCTION * if wide { 2 } else { 1 };
            }
        }
        found
    }

    pub fn site(&self, at: usize) -> Site {
        let function = self.functions.iter().find(|(range, _)| range.contains(&at));
        let Some((range, name)) = function else {
            return Site::default();
        };
        let mut before = self.lines.range(range.start..=at).rev();
        // What is the library's stands where somebody called it.
        let own = before.find_map(|(_, line)| {
            let (_, file) = line.file.rsplit_once("ebpf/src/")?;
            Some((file.to_owned(), line.number))
        });
        let (file, number) = own.unwrap_or_default();
        Site {
            function: name.clone(),
            text: text(&file, number),
            file,
            number,
        }
    }

    /// The instruction at `at`; one without effect where the object has no more.
    pub fn instruction(&self, at: usize) -> [u8; INSTRUCTION] {
        let bytes = self.bytes.get(at..at + INSTRUCTION);
        bytes.map_or(NOTHING, |bytes| bytes.try_into().expect("it is as long"))
    }

    /// The map whose address the instruction loads, and where the relocation is that says so.
    pub fn map(&self, at: usize) -> Option<(usize, String)> {
        let relocation = self.sections.iter().filter(|one| one.kind == RELOCATIONS);
        for section in relocation {
            let code = &self.sections[section.info];
            if !(code.at..code.at + code.length).contains(&at) {
                continue;
            }
            let mut elements = (section.at..section.at + section.length).step_by(RELOCATION);
            let found = elements.find(|element| code.at + self.number(*element, 8) == at)?;
            let symbol = self.number(found + 12, 4);
            return Some((found, self.symbol(section.link, symbol)));
        }
        None
    }

    /// The number of the symbol of that name, as relocations have it.
    pub fn symbol_of(&self, name: &str) -> Option<u32> {
        let (index, section) = self.symbols()?;
        let mut numbers = 0..section.length / SYMBOL;
        let found = numbers.find(|number| self.symbol(index, *number) == name);
        found.map(|number| number as u32)
    }

    /// Little endian.
    pub fn number(&self, at: usize, size: usize) -> usize {
        number(self.bytes, at, size)
    }

    fn symbols(&self) -> Option<(usize, &Section)> {
        let mut sections = self.sections.iter().enumerate();
        sections.find(|(_, one)| one.kind == SYMBOLS)
    }

    fn symbol(&self, table: usize, number: usize) -> String {
        let table = &self.sections[table];
        let strings = self.sections[table.link].at;
        string(
            self.bytes,
            strings + self.number(table.at + number * SYMBOL, 4),
        )
    }

    fn read_functions(&self) -> Vec<(Range<usize>, String)> {
        let Some((index, table)) = self.symbols() else {
            return Vec::new();
        };
        let numbers = 0..table.length / SYMBOL;
        let functions = numbers.filter_map(|number| {
            let at = table.at + number * SYMBOL;
            (self.bytes[at + 4] & 0xf == FUNCTION).then(|| {
                let section = &self.sections[self.number(at + 6, 2)];
                let begin = section.at + self.number(at + 8, 8);
                let range = begin..begin + self.number(at + 16, 8);
                (range, self.symbol(index, number))
            })
        });
        functions.collect()
    }

    /// The records of .BTF.ext that name the lines of instructions.
    fn read_lines(&self) -> BTreeMap<usize, Line> {
        let named = |name: &str| self.sections.iter().find(|one| one.name == name);
        let (Some(btf), Some(extra)) = (named(".BTF"), named(".BTF.ext")) else {
            return BTreeMap::new();
        };
        let strings = btf.at + self.number(btf.at + 4, 4) + self.number(btf.at + 16, 4);
        let text = |offset| string(self.bytes, strings + offset);
        let mut at = extra.at + self.number(extra.at + 4, 4) + self.number(extra.at + 16, 4);
        let end = at + self.number(extra.at + 20, 4);
        let size = self.number(at, 4);
        at += 4;
        let mut lines = BTreeMap::new();
        while at < end {
            let code = named(&text(self.number(at, 4))).map_or(0, |section| section.at);
            let count = self.number(at + 4, 4);
            at += 8;
            for record in (0..count).map(|index| at + index * size) {
                let line = Line {
                    file: text(self.number(record + 4, 4)),
                    number: self.number(record + 12, 4) >> 10,
                };
                lines.insert(code + self.number(record, 4), line);
            }
            at += count * size;
        }
        lines
    }
}

fn sections(bytes: &[u8]) -> Vec<Section> {
    let headers = number(bytes, 0x28, 8);
    let [size, count, names] = [0x3a, 0x3c, 0x3e].map(|at| number(bytes, at, 2));
    let field =
        |index: usize, offset, length| number(bytes, headers + index * size + offset, length);
    let names = field(names, 24, 8);
    let section = |index| Section {
        name: string(bytes, names + field(index, 0, 4)),
        kind: field(index, 4, 4),
        flags: field(index, 8, 8),
        at: field(index, 24, 8),
        length: field(index, 32, 8),
        link: field(index, 40, 4),
        info: field(index, 44, 4),
    };
    (0..count).map(section).collect()
}

fn string(bytes: &[u8], at: usize) -> String {
    let text = bytes[at..].iter().take_while(|byte| **byte != 0);
    text.map(|byte| char::from(*byte)).collect()
}

fn number(bytes: &[u8], at: usize, size: usize) -> usize {
    let bytes = &bytes[at..at + size];
    bytes
        .iter()
        .rev()
        .fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// A line of the program's source.
fn text(file: &str, number: usize) -> String {
    let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
    let source = fs::read_to_string(source.join(file)).unwrap_or_default();
    let line = number
        .checked_sub(1)
        .and_then(|index| source.lines().nth(index));
    line.unwrap_or_default().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::Object;

    #[test]
    #[ignore = "needs the object that the build left"]
    fn site_of_nearly_every_instruction_is_a_line_of_the_program() {
        let object = Object::bytes();
        let elf = Elf::new(&object);
        let places = elf.instructions();
        assert!(places.len() > 10_000, "{} instructions", places.len());
        let sites = places.iter().map(|at| elf.site(*at));
        let known = sites.filter(|site| !site.text.is_empty() && !site.function.is_empty());
        assert!(known.count() * 10 > places.len() * 9);
    }

    #[test]
    #[ignore = "needs the object that the build left"]
    fn map_is_named_where_its_address_is_loaded() {
        let object = Object::bytes();
        let elf = Elf::new(&object);
        let maps = elf.instructions().into_iter().filter_map(|at| elf.map(at));
        let loads = maps.filter(|(_, name)| name == "flows4").count();
        assert!(loads > 3, "{loads}");
        assert!(elf.symbol_of("pending6").is_some());
        assert_eq!(elf.symbol_of("nothing"), None);
    }
}
