// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Changes that make no difference, and those that no packet of a test run can show.

use super::change::{Kind, Mutant};
use crate::harness::Site;

/// Changes of a line, by a part of its text, in a function, by a part of its name;
/// either may be empty.
struct Equivalent {
    function: &'static str,
    file: &'static str,
    text: &'static str,
    /// Of any kind, if there is none.
    kind: Option<Kind>,
    why: &'static str,
}

const fn line(file: &'static str, text: &'static str, why: &'static str) -> Equivalent {
    Equivalent {
        function: "",
        file,
        text,
        kind: None,
        why,
    }
}

impl Equivalent {
    /// In that function alone.
    const fn within(self, function: &'static str) -> Self {
        Self { function, ..self }
    }

    /// Of that kind alone.
    const fn of(self, kind: Kind) -> Self {
        Self {
            kind: Some(kind),
            ..self
        }
    }
}

const VERIFIER: &str = "the verifier wants it, and it is so anyway";
const UNSEEN: &str =
    "neither flags of a redirect nor a packet's type are in what a test run returns";
const WRITABLE: &str = "the kernel makes every packet of a test run writable";

const ALL: &[Equivalent] = &[
    line("global.rs", "", VERIFIER),
    line("mss.rs", "at &= 0x3f", VERIFIER).of(Kind::Constant),
    line("packet.rs", "self.l4 & 0x7ff", VERIFIER).of(Kind::Constant),
    line("deliver.rs", "pkt_type != PACKET_HOST", UNSEEN),
    line("", "", UNSEEN).within("send_back"),
    line("errors.rs", "if !write(", WRITABLE).of(Kind::Constant),
];

/// Why nobody can notice it, where that is known.
pub fn why(site: &Site, mutant: &Mutant) -> Option<&'static str> {
    let is = |one: &&Equivalent| {
        site.function.contains(one.function)
            && (one.file.is_empty() || site.file == one.file)
            && site.text.contains(one.text)
            && one.kind.is_none_or(|kind| kind == mutant.kind)
    };
    ALL.iter().find(is).map(|one| one.why)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use super::*;

    #[test]
    fn all_are_lines_of_the_program() {
        let source = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src");
        for one in ALL.iter().filter(|one| !one.file.is_empty()) {
            let text = fs::read_to_string(source.join(one.file));
            let text = text.unwrap_or_else(|error| panic!("{}: {error}", one.file));
            assert!(text.contains(one.text), "{}: {}", one.file, one.text);
        }
    }
}
