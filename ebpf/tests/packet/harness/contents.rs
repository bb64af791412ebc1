// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What any map of the object holds, as bytes, and how it comes to hold nothing.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
};

use aya::{
    maps::{Map, MapData},
    util::nr_cpus,
};

use super::syscall::{Command, MapElem, bpf};

/// How elements of a map go.
#[derive(Clone, Copy, PartialEq)]
enum Removal {
    /// They are deleted: hashes, maps of maps.
    Delete,
    /// They are always there, and hold nothing when all is zero: arrays.
    Zero,
}

/// A map of whatever kind the object has.
pub struct Contents<'a> {
    fd: BorrowedFd<'a>,
    removal: Removal,
    key_size: usize,
    /// Of all CPUs together where each has a value of its own.
    value_size: usize,
}

impl<'a> Contents<'a> {
    /// Panics for a kind of map that nothing is known of here: it has to be added.
    pub fn of(name: &str, map: &'a Map) -> Self {
        let (data, removal, per_cpu): (&MapData, _, _) = match map {
            Map::HashMap(data) | Map::LruHashMap(data) | Map::ArrayOfMaps(data) => {
                (data, Removal::Delete, false)
            }
            Map::Array(data) => (data, Removal::Zero, false),
            Map::PerCpuArray(data) => (data, Removal::Zero, true),
            _ => panic!("nobody says here how {name} is emptied"),
        };
        let info = data.info().expect("the kernel describes a map");
        let (key_size, value_size) = (info.key_size() as usize, info.value_size() as usize);
        // The kernel pads what each CPU has to words of eight bytes.
        let value_size = if per_cpu {
            value_size.next_multiple_of(8) * nr_cpus().expect("the kernel counts its CPUs")
        } else {
            value_size
        };
        Self {
            fd: data.fd().as_fd(),
            removal,
            key_size,
            value_size,
        }
    }

    /// Another descriptor of the map.
    pub fn descriptor(&self) -> OwnedFd {
        let fd = self.fd.try_clone_to_owned();
        fd.expect("a descriptor can be cloned")
    }

    pub fn value_size(&self) -> usize {
        self.value_size
    }

    pub fn key_size(&self) -> usize {
        self.key_size
    }

    /// Elements that hold something. Nobody else may write meanwhile.
    pub fn keys(&self) -> Vec<Vec<u8>> {
        let mut keys = Vec::new();
        let mut value = vec![0; self.value_size];
        let mut last: Option<Vec<u8>> = None;
        loop {
            let mut key = vec![0; self.key_size];
            match self.next(last.as_deref(), &mut key) {
                Ok(()) => {}
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return keys,
                Err(error) => panic!("the map cannot be read: {error}"),
            }
            if self.read(&key, &mut value) {
                keys.push(key.clone());
            }
            last = Some(key);
        }
    }

    /// Makes the map hold nothing.
    pub fn clear(&self) {
        let zeros = vec![0; self.value_size];
        for key in self.keys() {
            match self.removal {
                Removal::Delete => self
                    .command(Command::MapDeleteElem, &key, 0)
                    .expect("the element was there"),
                Removal::Zero => self.write(&key, &zeros),
            }
        }
    }

    /// Writes an element. Panics unless key and value are as long as the map's.
    pub fn write(&self, key: &[u8], value: &[u8]) {
        assert_eq!(value.len(), self.value_size);
        self.command(Command::MapUpdateElem, key, value.as_ptr() as u64)
            .expect("the map takes the element");
    }

    /// Whether there is an element that holds something, whose value is `value` then.
    fn read(&self, key: &[u8], value: &mut [u8]) -> bool {
        let there = self.command(Command::MapLookupElem, key, value.as_mut_ptr() as u64);
        match (there, self.removal) {
            (Ok(()), Removal::Delete) => true,
            (Ok(()), Removal::Zero) => value.iter().any(|byte| *byte != 0),
            (Err(error), _) if error.raw_os_error() == Some(libc::ENOENT) => false,
            (Err(error), _) => panic!("the map cannot be read: {error}"),
        }
    }

    fn next(&self, last: Option<&[u8]>, key: &mut [u8]) -> io::Result<()> {
        let last = last.map_or(0, |last| last.as_ptr() as u64);
        let mut attributes = MapElem::new(self.fd, last, key.as_mut_ptr() as u64);
        // SAFETY: both keys outlive the call and have the map's size.
        unsafe { bpf(Command::MapGetNextKey, &mut attributes).map(|_| ()) }
    }

    fn command(&self, command: Command, key: &[u8], value: u64) -> io::Result<()> {
        assert_eq!(key.len(), self.key_size);
        let mut attributes = MapElem::new(self.fd, key.as_ptr() as u64, value);
        // SAFETY: the key is as long as the map's; the value that callers point at is too.
        unsafe { bpf(command, &mut attributes).map(|_| ()) }
    }
}
