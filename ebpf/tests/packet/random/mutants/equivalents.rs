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
const UNFINISHED: &str = "no test run leaves a checksum to a device";
const WRITABLE: &str = "the kernel makes every packet of a test run writable";

const ALL: &[Equivalent] = &[
    line("global.rs", "", VERIFIER),
    line("mss.rs", "at &= 0x3f", VERIFIER).of(Kind::Constant),
    line("packet.rs", "self.l4 & 0x7ff", VERIFIER).of(Kind::Constant),
    line(
        "tracking.rs",
        "packet.tuple.protocol() != IPPROTO_TCP",
        "TCP and UDP differ in other bits, too",
    )
    .of(Kind::Constant),
    line(
        "echo.rs",
        "as *mut [u8; 2]) = reply",
        "the code is 0 already",
    )
    .of(Kind::Lost),
    line(
        "affinity.rs",
        "match recall(packet, service)",
        "no flow has the backend that refuses, nor any other that there is not",
    )
    .within("is_chosen_no_more")
    .of(Kind::Constant),
    line(
        "packet.rs",
        "if at + size_of::<T>() > (*skb).data_end as usize",
        "of what is reset, all of the TCP header was there",
    )
    .within("reset")
    .of(Kind::Boundary),
    line("icmp_error.rs", "== Some(before)", UNFINISHED),
    line("refuse.rs", "leave_to_device(", UNFINISHED),
    line(
        "checksum.rs",
        "if V6 { a + b + c + d } else { d }",
        "who is taken for unfinished goes to the helper, which makes the same sum",
    ),
    line(
        "deliver.rs",
        "*saddr = ",
        "no route of the lab depends on the source",
    ),
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
    let known = ALL.iter().find(is).map(|one| one.why);
    known.or_else(|| is_of_ipv4(site, mutant).then_some(IPV4))
}

const IPV4: &str = "the first words of IPv4 addresses are alike, and keys have the last alone";

/// Whether another word of an IPv4 address is read, or one is not written. What takes
/// the last one for another is always found.
fn is_of_ipv4(site: &Site, mutant: &Mutant) -> bool {
    let v4 = site.function.ends_with('4') || site.function.contains("Kb0_");
    let word = matches!(mutant.kind, Kind::Field | Kind::Lost);
    let address = ["addr", "Tuple", "mix(mix(mix("];
    v4 && word && address.iter().any(|part| site.text.contains(part))
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
