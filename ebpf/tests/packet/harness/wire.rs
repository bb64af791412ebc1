// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The far end of a veth pair: frames go in and come out as they do between a
//! container and its host, checksums left to a device that is not there.

use std::{
    ffi::CString,
    io, mem,
    os::fd::{AsRawFd, FromRawFd, OwnedFd},
    time::{Duration, Instant},
};

use crate::checksum;

/// linux/if_packet.h
const PACKET_VNET_HDR: libc::c_int = 15;
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;
/// linux/virtio_net.h: `struct virtio_net_hdr`, its flag for a checksum yet to be made.
const HEADER: usize = 10;
const NEEDS_CHECKSUM: u8 = 1;
const DEADLINE: Duration = Duration::from_secs(5);

/// What the sender left to the device (linux/virtio_net.h).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offload {
    /// Where the checksum begins, and its field from there.
    pub start: u16,
    pub field: u16,
    /// Bytes of payload a segment is to have; 0 for one segment.
    pub segment: u16,
    /// VIRTIO_NET_HDR_GSO_*; 0 for one segment.
    pub kind: u8,
}

pub struct Wire(OwnedFd);

impl Wire {
    /// On an interface of the calling thread's namespace.
    pub fn open(interface: &str) -> io::Result<Self> {
        let name = CString::new(interface)?;
        let everything = (libc::ETH_P_ALL as u16).to_be();
        // SAFETY: the calls read `name`, `one` and `address` within their sizes,
        // and a new descriptor has no other owner.
        unsafe {
            let descriptor = check(libc::socket(
                libc::AF_PACKET,
                libc::SOCK_RAW | libc::SOCK_CLOEXEC,
                0,
            ))?;
            let socket = OwnedFd::from_raw_fd(descriptor);
            let one: libc::c_int = 1;
            for option in [PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING] {
                let (value, size) = ((&raw const one).cast(), size_of_val(&one) as u32);
                check(libc::setsockopt(
                    socket.as_raw_fd(),
                    libc::SOL_PACKET,
                    option,
                    value,
                    size,
                ))?;
            }
            let mut address: libc::sockaddr_ll = mem::zeroed();
            address.sll_family = libc::AF_PACKET as u16;
            address.sll_protocol = everything;
            address.sll_ifindex = libc::if_nametoindex(name.as_ptr()) as i32;
            let size = size_of_val(&address) as u32;
            check(libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                size,
            ))?;
            Ok(Self(socket))
        }
    }

    /// Sends a frame whose transport checksum is that of the pseudo-header alone.
    pub fn send(&self, frame: &[u8], offload: Offload) -> io::Result<()> {
        let headers = offload.start + offload.field + 4;
        let mut message = vec![NEEDS_CHECKSUM, offload.kind];
        for word in [headers, offload.segment, offload.start, offload.field] {
            message.extend(word.to_ne_bytes());
        }
        message.extend(frame);
        self.write(message)
    }

    fn write(&self, message: Vec<u8>) -> io::Result<()> {
        // SAFETY: the call reads `message` within its size.
        let sent = unsafe {
            libc::send(
                self.0.as_raw_fd(),
                message.as_ptr().cast(),
                message.len(),
                0,
            )
        };
        if sent < 0 {
            Err(io::Error::last_os_error())
        } else {
            Ok(())
        }
    }

    /// Sends a frame as it is, its checksums made.
    pub fn send_whole(&self, frame: &[u8]) -> io::Result<()> {
        self.write([&[0; HEADER], frame].concat())
    }

    /// The next TCP or UDP frame, its checksum made as the device would have, and
    /// what was left to that. None when there is none for five seconds.
    pub fn receive(&self) -> io::Result<Option<(Vec<u8>, Option<Offload>)>> {
        self.receive_one(is_transport)
    }

    /// The next frame of these, its checksum made.
    pub fn receive_any(&self, is_one: impl Fn(&[u8]) -> bool) -> Vec<u8> {
        let received = self.receive_one(is_one).expect("the socket works");
        received.expect("a frame arrives within five seconds").0
    }

    fn receive_one(
        &self,
        is_one: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Option<(Vec<u8>, Option<Offload>)>> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let mut poll = libc::pollfd {
                fd: self.0.as_raw_fd(),
                events: libc::POLLIN,
                revents: 0,
            };
            // SAFETY: one element, as said.
            if check(unsafe { libc::poll(&raw mut poll, 1, left.as_millis() as i32) })? == 0 {
                return Ok(None);
            }
            let mut message = vec![0; 65_536];
            // SAFETY: the call writes `message` within its size.
            let length = unsafe {
                libc::recv(
                    self.0.as_raw_fd(),
                    message.as_mut_ptr().cast(),
                    message.len(),
                    0,
                )
            };
            message.truncate(usize::try_from(length).map_err(|_| io::Error::last_os_error())?);
            let frame = message.split_off(HEADER);
            if is_one(&frame) {
                return Ok(Some(completed(&message, frame)));
            }
        }
    }
}

/// TCP or UDP right behind the IP header: not the kernel's own chatter on a link.
fn is_transport(frame: &[u8]) -> bool {
    let protocol = match frame.get(12..14) {
        Some([0x08, 0x00]) => frame.get(23),
        Some([0x86, 0xdd]) => frame.get(20),
        _ => None,
    };
    matches!(protocol, Some(6 | 17))
}

fn completed(header: &[u8], mut frame: Vec<u8>) -> (Vec<u8>, Option<Offload>) {
    if header[0] & NEEDS_CHECKSUM == 0 {
        return (frame, None);
    }
    let word = |at: usize| u16::from_ne_bytes([header[at], header[at + 1]]);
    let offload = Offload {
        kind: header[1],
        segment: word(4),
        start: word(6),
        field: word(8),
    };
    let start = usize::from(offload.start);
    let sum = checksum::internet(&frame[start..]);
    let field = start + usize::from(offload.field);
    frame[field..field + 2].copy_from_slice(&sum.to_be_bytes());
    (frame, Some(offload))
}

fn check(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}
