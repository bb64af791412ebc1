// SPDX-License-Identifier: Apache-2.0

//! Server and clients of the dataplane's bench. They do as little as they can
//! beside the system calls, so that what is measured is the way in between:
//!
//! ```text
//! blixt-load serve NAME ADDRESS:PORT…         answers TCP and UDP until it is killed
//! blixt-load request ADDRESS:PORT SECONDS     one connection, a request after each answer
//! blixt-load connect ADDRESS:PORT SECONDS     connections, each with one request, in eight threads
//! blixt-load datagram ADDRESS:PORT SECONDS    datagrams of one socket that nobody answers
//! ```
//!
//! A client prints one JSON object, or fails with a sentence: a connection that
//! does not come about is never left out of a figure.

mod connect;
mod cpu;
mod datagram;
mod message;
mod report;
mod request;
mod serve;

use std::{env, error::Error, net::SocketAddr, process::ExitCode, time::Duration};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn run(words: &[String]) -> Result<()> {
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match words[..] {
        ["serve", name, ref addresses @ ..] => {
            let addresses = addresses.iter().map(|address| address.parse());
            serve::serve(
                name,
                &addresses.collect::<std::result::Result<Vec<_>, _>>()?,
            )
        }
        [command, to, seconds] => {
            let to: SocketAddr = to.parse()?;
            let time = Duration::from_secs_f64(seconds.parse()?);
            let report = match command {
                "request" => request::run(to, time)?.to_json(),
                "connect" => connect::run(to, time)?.to_json(),
                "datagram" => datagram::run(to, time)?.to_json(),
                _ => return Err(format!("{command} is not a command").into()),
            };
            println!("{report}");
            Ok(())
        }
        _ => Err("see the top of main.rs for the commands".into()),
    }
}

fn main() -> ExitCode {
    match run(&env::args().skip(1).collect::<Vec<_>>()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("blixt-load: {error}");
            ExitCode::FAILURE
        }
    }
}
