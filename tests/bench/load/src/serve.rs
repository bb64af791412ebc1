// SPDX-License-Identifier: Apache-2.0

//! The server: answers requests, over TCP and UDP, with its name.

use std::{
    io::{ErrorKind, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    thread,
};

use crate::{
    Result,
    message::{LENGTH, LOAD, answer},
};

/// Connections that are served at a time; more wait to be accepted.
const THREADS: usize = 32;

/// Answers until it is killed; prints "listening" once every socket is open.
pub fn serve(name: &str, addresses: &[SocketAddr]) -> Result<()> {
    for &address in addresses {
        start(name, TcpListener::bind(address)?, UdpSocket::bind(address)?)?;
    }
    println!("listening");
    loop {
        thread::park();
    }
}

/// Threads that accept cost a connection less than a thread for each connection.
fn start(name: &str, listener: TcpListener, socket: UdpSocket) -> Result<()> {
    let message = answer(name);
    for _ in 0..THREADS {
        let listener = listener.try_clone()?;
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                // A client may leave at any moment.
                let _ = exchange(connection, &message);
            }
        });
    }
    thread::spawn(move || datagrams(&socket, &message));
    Ok(())
}

fn exchange(mut connection: TcpStream, message: &[u8; LENGTH]) -> std::io::Result<()> {
    connection.set_nodelay(true)?;
    let mut request = [0; LENGTH];
    loop {
        match connection.read_exact(&mut request) {
            Ok(()) => connection.write_all(message)?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(()),
            Err(error) => return Err(error),
        }
    }
}

fn datagrams(socket: &UdpSocket, message: &[u8; LENGTH]) {
    let mut request = [0; LENGTH];
    loop {
        // An error is an ICMP message about an earlier answer.
        if let Ok((_, client)) = socket.recv_from(&mut request)
            && request[0] != LOAD[0]
        {
            let _ = socket.send_to(message, client);
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::message::{REQUEST, server};
    use std::time::Duration;

    /// A server of this process on loopback; its socket is there before this returns.
    pub fn local(name: &str) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        start(name, listener, UdpSocket::bind(address).unwrap()).unwrap();
        address
    }

    #[test]
    fn a_datagram_is_answered_when_it_asks() {
        let to = local("b7");
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket
            .set_read_timeout(Some(Duration::from_secs(5)))
            .unwrap();
        for message in [LOAD, REQUEST] {
            socket.send_to(&message, to).unwrap();
        }
        let mut message = [0; LENGTH];
        assert_eq!(socket.recv(&mut message).unwrap(), LENGTH);
        assert_eq!(server(&message).unwrap(), "b7");
        socket
            .set_read_timeout(Some(Duration::from_millis(50)))
            .unwrap();
        assert!(socket.recv(&mut message).is_err(), "both were answered");
    }

    #[test]
    fn a_connection_may_end_in_the_middle_of_a_request() {
        let to = local("b7");
        for _ in 0..2 * THREADS {
            TcpStream::connect(to).unwrap().write_all(b"??").unwrap();
        }
        let mut connection = TcpStream::connect(to).unwrap();
        connection.write_all(&REQUEST).unwrap();
        let mut message = [0; LENGTH];
        connection.read_exact(&mut message).unwrap();
        assert_eq!(server(&message).unwrap(), "b7");
    }
}
