// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Comparison of whole frames, with a report that names the fields.

use std::fmt::Write;

use crate::dissect::dissect;

/// Panics with a readable report unless the frames are the same to the byte.
#[track_caller]
pub fn assert_same(actual: &[u8], expected: &[u8]) {
    if let Some(report) = difference(actual, expected) {
        panic!("{report}");
    }
}

/// What differs between two frames, field by field as `expected` has them, then
/// row by row; nothing when they are the same.
pub fn difference(actual: &[u8], expected: &[u8]) -> Option<String> {
    if actual == expected {
        return None;
    }
    let mut report = format!(
        "the frames differ: {} bytes expected, {} came\n",
        expected.len(),
        actual.len()
    );
    for part in dissect(expected) {
        let wanted = &expected[part.range.clone()];
        let end = part.range.end.min(actual.len());
        let came = actual.get(part.range.start..end).unwrap_or(&[]);
        if wanted != came {
            let (name, range) = (&part.name, &part.range);
            let line = format!(
                "  {name} at {}: expected {}, came {}",
                range.start,
                hex(wanted),
                hex(came)
            );
            writeln!(report, "{line}").expect("a String takes all");
        }
    }
    if actual.len() > expected.len() {
        let more = hex(&actual[expected.len()..]);
        writeln!(report, "  past the end at {}: came {more}", expected.len())
            .expect("a String takes all");
    }
    report.push_str(&rows(actual, expected));
    Some(report)
}

/// A hex dump of both: a row once where they agree, marked - and + where they do not.
fn rows(actual: &[u8], expected: &[u8]) -> String {
    let mut dump = String::new();
    for start in (0..actual.len().max(expected.len())).step_by(16) {
        let [wanted, came] = [expected, actual].map(|frame| {
            let end = (start + 16).min(frame.len());
            frame.get(start..end).unwrap_or(&[])
        });
        if wanted == came {
            writeln!(dump, "    {start:04x}  {}", hex(wanted)).expect("a String takes all");
        } else {
            writeln!(dump, "  - {start:04x}  {}", hex(wanted)).expect("a String takes all");
            writeln!(dump, "  + {start:04x}  {}", hex(came)).expect("a String takes all");
        }
    }
    dump
}

fn hex(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "nothing".to_owned();
    }
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::{Field, Packet};

    fn packet() -> Packet {
        Packet::tcp(
            "192.0.2.1:1".parse().unwrap(),
            "192.0.2.2:2".parse().unwrap(),
        )
        .payload([0x55; 20])
    }

    #[test]
    fn difference_is_none_for_equal_frames() {
        assert_eq!(difference(&packet().bytes(), &packet().bytes()), None);
    }

    #[test]
    fn difference_sees_every_single_bit() {
        let expected = packet().bytes();
        for bit in 0..expected.len() * 8 {
            let mut actual = expected.clone();
            actual[bit / 8] ^= 1 << (bit % 8);
            assert!(difference(&actual, &expected).is_some(), "bit {bit}");
        }
    }

    #[test]
    fn difference_names_the_fields_and_shows_both_values() {
        let actual = packet()
            .ttl(63)
            .with_tcp(|tcp| tcp.checksum = Field::Exactly(0xabcd))
            .bytes();
        let report = difference(&actual, &packet().bytes()).unwrap();
        assert!(
            report.contains("IPv4 TTL at 22: expected 40, came 3f"),
            "{report}"
        );
        assert!(report.contains("IPv4 header checksum at 24"), "{report}");
        assert!(report.contains("came ab cd"), "{report}");
        assert!(!report.contains("TCP flags"), "{report}");
    }

    #[test]
    fn difference_marks_only_the_rows_that_differ() {
        let mut actual = packet().bytes();
        actual[0x21] ^= 0xff;
        let report = difference(&actual, &packet().bytes()).unwrap();
        assert!(report.contains("  - 0020"), "{report}");
        assert!(report.contains("  + 0020"), "{report}");
        assert!(report.contains("    0010"), "{report}");
        assert_eq!(report.matches("  + 00").count(), 1, "{report}");
    }

    #[test]
    fn difference_tells_missing_bytes_from_surplus_ones() {
        let whole = packet().bytes();
        let short = &whole[..whole.len() - 2];
        assert!(difference(short, &whole).unwrap().contains("payload at 54"));
        let report = difference(&whole, short).unwrap();
        assert!(
            report.contains("past the end at 72: came 55 55"),
            "{report}"
        );
    }

    #[test]
    fn difference_copes_with_an_empty_frame() {
        assert!(difference(&[], &packet().bytes()).is_some());
        assert!(difference(&packet().bytes(), &[]).is_some());
    }

    #[test]
    #[should_panic(expected = "IPv4 destination address")]
    fn assert_same_panics_with_the_report() {
        let other = packet().to("192.0.2.3:2".parse().unwrap());
        assert_same(&packet().bytes(), &other.bytes());
    }
}
