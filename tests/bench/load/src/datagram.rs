// SPDX-License-Identifier: Apache-2.0

//! Datagrams as fast as one socket sends them. Nobody answers; how many arrive
//! is for the receiver's kernel to say.

use std::{
    net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    time::{Duration, Instant},
};

use crate::{
    Result, cpu,
    message::{LENGTH, LOAD, REQUEST, server},
    request::PATIENCE,
};

/// Between two looks at the clock.
const BURST: u64 = 64;

/// What was sent.
pub struct Sent {
    pub datagrams: u64,
    pub elapsed: Duration,
    /// Who answered the one request before.
    pub server: String,
}

impl Sent {
    /// One line.
    pub fn to_json(&self) -> String {
        let Self {
            datagrams,
            elapsed,
            server,
        } = self;
        format!(
            r#"{{"count":{datagrams},"seconds":{},"cpu":{},"servers":{{{server:?}:1}}}}"#,
            elapsed.as_secs_f64(),
            cpu::spent().as_secs_f64()
        )
    }
}

/// Sends for that time, after one request that shows that somebody is there.
pub fn run(to: SocketAddr, time: Duration) -> Result<Sent> {
    let any: SocketAddr = match to {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any)?;
    socket.connect(to)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.send(&REQUEST)?;
    let mut answer = [0; LENGTH];
    socket
        .recv(&mut answer)
        .map_err(|error| format!("no answer from {to} over UDP: {error}"))?;
    let mut sent = Sent {
        datagrams: 0,
        elapsed: Duration::ZERO,
        server: server(&answer)?.to_owned(),
    };
    let begin = Instant::now();
    while sent.elapsed < time {
        for _ in 0..BURST {
            socket.send(&LOAD)?;
        }
        sent.datagrams += BURST;
        sent.elapsed = begin.elapsed();
    }
    Ok(sent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::tests::local;

    #[test]
    fn datagrams_follow_an_answer() {
        let sent = run(local("b3"), Duration::from_millis(20)).unwrap();
        assert!(sent.datagrams >= BURST);
        assert!(
            sent.to_json().ends_with(r#""servers":{"b3":1}}"#),
            "{}",
            sent.to_json()
        );
    }

    #[test]
    fn a_closed_port_is_an_error() {
        let Err(error) = run("127.0.0.1:1".parse().unwrap(), Duration::from_millis(20)) else {
            panic!("somebody answered");
        };
        assert!(
            error
                .to_string()
                .starts_with("no answer from 127.0.0.1:1 over UDP: "),
            "{error}"
        );
    }
}
