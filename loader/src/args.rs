// SPDX-License-Identifier: Apache-2.0

//! The command line, checked fully before anything is opened.

#![forbid(unsafe_code)]

use std::{ffi::OsString, path::PathBuf};

use lexopt::{
    Arg::{Long, Short},
    Parser, ValueExt as _,
};
use log::LevelFilter;

/// Exit status for a wrong command line (EX_USAGE of sysexits.h).
pub const EXIT_USAGE: u8 = 64;

pub const HELP: &str = "\
Loads eBPF objects and mutates their maps on command, over gRPC on a unix socket

Usage: blixt-loader --socket PATH --pin-dir DIR [OPTION]...

  --socket PATH     Where to listen; the folder is created with mode 0700 when missing
  --pin-dir DIR     Folder in a bpffs for pinned programs, maps and links
  --allow-uid UID   Let this user call too, beside the loader's own; repeatable
  --socket-group G  Let this group, one of the loader's, open the socket: mode 0660, not 0600
  --log LEVEL       error, warn, info (default), debug or trace
  --help            Print this help
  --version         Print the version

SIGTERM ends the loader and leaves everything attached; Unload detaches.
";

#[derive(Debug, PartialEq, Eq)]
pub enum Command {
    Serve(Options),
    Help,
    Version,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Options {
    pub socket: PathBuf,
    pub pin_dir: PathBuf,
    /// Users who may call, beside the loader's own.
    pub allowed_uids: Vec<u32>,
    /// Group that may open the socket; only its owner may otherwise.
    pub socket_group: Option<u32>,
    pub log: LevelFilter,
}

/// Parses the arguments after the program's name.
///
/// # Errors
/// One sentence that names the argument that is wrong.
pub fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Command, String> {
    parse_with(Parser::from_args(arguments)).map_err(|error| error.to_string())
}

fn parse_with(mut parser: Parser) -> Result<Command, lexopt::Error> {
    let mut socket = None;
    let mut pin_dir = None;
    let mut allowed_uids = Vec::new();
    let mut socket_group = None;
    let mut log = LevelFilter::Info;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("socket") => socket = Some(absolute("--socket", parser.value()?)?),
            Long("pin-dir") => pin_dir = Some(absolute("--pin-dir", parser.value()?)?),
            Long("allow-uid") => allowed_uids.push(parser.value()?.parse()?),
            Long("socket-group") => socket_group = Some(parser.value()?.parse()?),
            Long("log") => log = parser.value()?.parse()?,
            Long("help") | Short('h') => return Ok(Command::Help),
            Long("version") => return Ok(Command::Version),
            other => return Err(other.unexpected()),
        }
    }
    Ok(Command::Serve(Options {
        socket: socket.ok_or("missing option '--socket PATH'")?,
        pin_dir: pin_dir.ok_or("missing option '--pin-dir DIR'")?,
        allowed_uids,
        socket_group,
        log,
    }))
}

fn absolute(option: &str, value: OsString) -> Result<PathBuf, String> {
    let path = PathBuf::from(value);
    if path.is_absolute() {
        Ok(path)
    } else {
        Err(format!(
            "option '{option}' needs an absolute path, not '{}'",
            path.display()
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Command, String> {
        super::parse(arguments.iter().map(OsString::from))
    }

    #[test]
    fn parse_reads_every_option() {
        assert_eq!(
            parse(&[
                "--socket=/run/l.sock",
                "--pin-dir",
                "/sys/fs/bpf/l",
                "--allow-uid",
                "7",
                "--allow-uid=8",
                "--socket-group",
                "9",
                "--log",
                "debug",
            ]),
            Ok(Command::Serve(Options {
                socket: "/run/l.sock".into(),
                pin_dir: "/sys/fs/bpf/l".into(),
                allowed_uids: vec![7, 8],
                socket_group: Some(9),
                log: LevelFilter::Debug,
            }))
        );
    }

    #[test]
    fn parse_allows_nobody_else_and_logs_info_by_default() {
        let Ok(Command::Serve(options)) = parse(&["--socket", "/s", "--pin-dir", "/p"]) else {
            panic!("not accepted");
        };
        assert_eq!(options.allowed_uids, []);
        assert_eq!(options.socket_group, None);
        assert_eq!(options.log, LevelFilter::Info);
    }

    #[test]
    fn parse_names_the_argument_that_is_wrong() {
        for (arguments, part) in [
            (&[][..], "--socket"),
            (&["--socket", "/s"], "--pin-dir"),
            (&["--socket"], "--socket"),
            (&["--socket", "s", "--pin-dir", "/p"], "absolute"),
            (&["--socket", "/s", "--pin-dir", "p"], "--pin-dir"),
            (&["--allow-uid", "me"], "me"),
            (&["--allow-uid", "-1"], "-1"),
            (&["--socket-group", "wheel"], "wheel"),
            (&["--log", "loud"], "loud"),
            (&["--sockets", "/s"], "--sockets"),
            (&["extra"], "extra"),
        ] {
            let error = parse(arguments).expect_err("accepted");
            assert!(error.contains(part), "{arguments:?}: {error}");
        }
    }

    #[test]
    fn parse_answers_help_and_version_without_the_options_that_are_needed_to_serve() {
        assert_eq!(parse(&["--help"]), Ok(Command::Help));
        assert_eq!(parse(&["-h"]), Ok(Command::Help));
        assert_eq!(parse(&["--version"]), Ok(Command::Version));
    }
}
