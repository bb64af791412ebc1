// SPDX-License-Identifier: Apache-2.0

//! Log lines to stderr: level, then the message, in one line each. Time stamps
//! are the business of whoever collects them.

#![forbid(unsafe_code)]

use std::io::Write as _;

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = one_line(record.level().as_str(), &record.args().to_string());
        // Nobody is left to tell when stderr is closed.
        let _ = std::io::stderr().write_all(line.as_bytes());
    }

    fn flush(&self) {}
}

/// Starts logging; a second call changes only the level.
pub fn start(level: LevelFilter) {
    // An error says that the logger is in place already.
    let _ = log::set_logger(&Stderr);
    log::set_max_level(level);
}

fn one_line(level: &str, message: &str) -> String {
    format!("{level:<5} {}\n", message.trim_end().replace('\n', "\\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_keeps_a_message_of_many_lines_together() {
        assert_eq!(one_line("INFO", "a\nb\n"), "INFO  a\\nb\n");
        assert_eq!(one_line("ERROR", "a"), "ERROR a\n");
    }
}
