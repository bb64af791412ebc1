// SPDX-License-Identifier: Apache-2.0

//! Connection rate: open, ask once, close, again.

use std::{
    net::SocketAddr,
    thread,
    time::{Duration, Instant},
};

use crate::{
    Result,
    message::server,
    report::Report,
    request::{ask, open},
};

/// Connections under way at a time: enough that both sides always have work.
const LANES: usize = 8;

/// Connects for that time. One connection that fails is an error.
pub fn run(to: SocketAddr, time: Duration) -> Result<Report> {
    let lanes: Vec<_> = (0..LANES)
        .map(|_| thread::spawn(move || lane(to, time)))
        .collect();
    let mut total = Report::default();
    for lane in lanes {
        total.merge(lane.join().map_err(|_| "a thread panicked")??);
    }
    Ok(total)
}

fn lane(to: SocketAddr, time: Duration) -> Result<Report> {
    let mut report = Report::default();
    let begin = Instant::now();
    while report.elapsed < time {
        let start = Instant::now();
        let answer = ask(&mut open(to)?)?;
        report.add(server(&answer)?, start.elapsed());
        report.elapsed = begin.elapsed();
    }
    Ok(report)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::tests::local;

    #[test]
    fn every_connection_is_counted_with_its_answer() {
        let report = run(local("b2"), Duration::from_millis(50)).unwrap();
        assert!(report.times.len() >= LANES);
        assert_eq!(report.servers.get("b2"), Some(&(report.times.len() as u64)));
    }

    #[test]
    fn one_connection_that_fails_fails_them_all() {
        assert!(run("127.0.0.1:1".parse().unwrap(), Duration::from_millis(50)).is_err());
    }
}
