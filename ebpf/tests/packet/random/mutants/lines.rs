// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Lines of the program, as somebody names them.

use std::{ops::RangeInclusive, str::FromStr};

use crate::harness::Site;

/// "affinity.rs:39" or "pending.rs:180-184", from `src` on.
#[derive(Debug, PartialEq, Eq)]
pub struct Lines {
    file: String,
    numbers: RangeInclusive<usize>,
}

impl Lines {
    pub fn hold(&self, site: &Site) -> bool {
        site.file == self.file && self.numbers.contains(&site.number)
    }
}

impl FromStr for Lines {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no FILE:LINE, nor FILE:FIRST-LAST");
        let (file, numbers) = text.rsplit_once(':').ok_or_else(wrong)?;
        let (first, last) = numbers.split_once('-').unwrap_or((numbers, numbers));
        let number = |text: &str| text.parse::<usize>().map_err(|_| wrong());
        Ok(Self {
            file: file.to_owned(),
            numbers: number(first)?..=number(last)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn site(file: &str, number: usize) -> Site {
        Site {
            file: file.to_owned(),
            number,
            ..Site::default()
        }
    }

    #[test]
    fn lines_hold_one_line_or_those_from_the_first_to_the_last() {
        let one: Lines = "affinity.rs:39".parse().unwrap();
        let held = |lines: &Lines, file| {
            let numbers = (0..400).filter(|number| lines.hold(&site(file, *number)));
            numbers.collect::<Vec<usize>>()
        };
        assert_eq!(held(&one, "affinity.rs"), [39]);
        assert!(held(&one, "xdp/affinity.rs").is_empty());
        let some: Lines = "xdp/forward.rs:180-182".parse().unwrap();
        assert_eq!(held(&some, "xdp/forward.rs"), [180, 181, 182]);
    }

    #[test]
    fn lines_of_another_form_are_refused() {
        for text in [
            "",
            "39",
            "affinity.rs",
            "affinity.rs:",
            "affinity.rs:3-",
            "affinity.rs:a",
        ] {
            assert!(text.parse::<Lines>().is_err(), "{text}");
        }
    }
}
