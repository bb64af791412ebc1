// SPDX-License-Identifier: Apache-2.0

//! Latency: one connection, and a request as soon as the last one was answered.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use crate::{
    Result,
    message::{LENGTH, REQUEST, server},
    report::Report,
};

/// Patience with an answer or a connection.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// Asks for that time.
pub fn run(to: SocketAddr, time: Duration) -> Result<Report> {
    let mut connection = open(to)?;
    let mut report = Report::default();
    let begin = Instant::now();
    while report.elapsed < time {
        let start = Instant::now();
        let answer = ask(&mut connection)?;
        report.add(server(&answer)?, start.elapsed());
        report.elapsed = begin.elapsed();
    }
    Ok(report)
}

/// Opens a connection.
pub fn open(to: SocketAddr) -> Result<TcpStream> {
    let connection = TcpStream::connect_timeout(&to, PATIENCE)
        .map_err(|error| format!("no connection to {to}: {error}"))?;
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(PATIENCE))?;
    Ok(connection)
}

/// One request and its answer.
pub fn ask(connection: &mut TcpStream) -> Result<[u8; LENGTH]> {
    connection.write_all(&REQUEST)?;
    let mut answer = [0; LENGTH];
    connection
        .read_exact(&mut answer)
        .map_err(|error| format!("no answer: {error}"))?;
    Ok(answer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::tests::local;

    #[test]
    fn every_request_of_a_connection_is_answered_by_the_same_server() {
        let report = run(local("b1"), Duration::from_millis(50)).unwrap();
        assert!(report.times.len() > 10);
        assert_eq!(report.servers.get("b1"), Some(&(report.times.len() as u64)));
        assert!(report.elapsed >= Duration::from_millis(50));
    }

    #[test]
    fn a_closed_port_is_an_error() {
        let error = run("127.0.0.1:1".parse().unwrap(), Duration::from_millis(50)).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no connection to 127.0.0.1:1: "),
            "{error}"
        );
    }
}
