// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Maps by the bare system calls, for tests that make millions of them.

use std::{
    io,
    marker::PhantomData,
    os::fd::{FromRawFd, OwnedFd},
};

use aya::util::nr_cpus;

use super::{
    raw::Layout,
    syscall::{Command, MapElem, bpf},
};

/// A map with keys `K` and values `V`; each CPU may have a value of its own.
pub struct Table<K, V> {
    fd: OwnedFd,
    cpus: usize,
    types: PhantomData<(K, V)>,
}

impl<K: Layout, V: Layout> Table<K, V> {
    /// `sizes` are those of the map's keys and of its values, of all CPUs together.
    /// Panics unless they are those of `K` and of a whole number of `V`.
    pub(super) fn new(fd: OwnedFd, sizes: (usize, usize)) -> Self {
        let cpus = sizes.1 / size_of::<V>();
        assert_eq!(sizes, (size_of::<K>(), cpus * size_of::<V>()));
        let all = nr_cpus().expect("the kernel counts its CPUs");
        assert!(cpus == 1 || cpus == all, "{cpus} of {all} CPUs");
        Self {
            fd,
            cpus,
            types: PhantomData,
        }
    }

    pub fn put(&self, key: K, value: V) {
        self.put_each(key, &[value]);
    }

    /// Writes the value of each CPU.
    pub fn put_each(&self, key: K, values: &[V]) {
        assert_eq!(values.len(), self.cpus);
        let written = self.command(Command::MapUpdateElem, &key, values.as_ptr() as u64);
        written.expect("the map takes the element");
    }

    pub fn get(&self, key: K) -> Option<V> {
        self.read(Command::MapLookupElem, &key)?.pop()
    }

    /// The value of each CPU.
    pub fn get_each(&self, key: K) -> Vec<V> {
        let values = self.read(Command::MapLookupElem, &key);
        values.expect("the array has the element")
    }

    /// Removes an element of a hash, and returns it.
    pub fn take(&self, key: K) -> Option<V> {
        self.read(Command::MapLookupAndDeleteElem, &key)?.pop()
    }

    /// Removes an element of a hash, if there is one.
    pub fn remove(&self, key: K) {
        match self.command(Command::MapDeleteElem, &key, 0) {
            Err(error) if error.raw_os_error() != Some(libc::ENOENT) => {
                panic!("the map cannot be written: {error}")
            }
            _ => {}
        }
    }

    /// Removes every element of a hash.
    pub fn clear(&self) {
        self.keys().into_iter().for_each(|key| self.remove(key));
    }

    pub fn cpus(&self) -> usize {
        self.cpus
    }

    /// Every key of a hash. Nobody else may write meanwhile.
    pub fn keys(&self) -> Vec<K> {
        let mut keys: Vec<K> = Vec::new();
        loop {
            let last = keys
                .last()
                .map_or(0, |last| std::ptr::from_ref(last) as u64);
            let mut next = std::mem::MaybeUninit::<K>::uninit();
            let mut attributes = MapElem::new(&self.fd, last, next.as_mut_ptr() as u64);
            // SAFETY: both keys outlive the call and have the map's size.
            match unsafe { bpf(Command::MapGetNextKey, &mut attributes) } {
                // SAFETY: the kernel has written it.
                Ok(_) => keys.push(unsafe { next.assume_init() }),
                Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return keys,
                Err(error) => panic!("the map cannot be read: {error}"),
            }
        }
    }

    fn read(&self, command: Command, key: &K) -> Option<Vec<V>> {
        let mut values = Vec::<V>::with_capacity(self.cpus);
        match self.command(command, key, values.as_mut_ptr() as u64) {
            Ok(()) => {}
            Err(error) if error.raw_os_error() == Some(libc::ENOENT) => return None,
            Err(error) => panic!("the map cannot be read: {error}"),
        }
        // SAFETY: the kernel has written that many.
        unsafe { values.set_len(self.cpus) };
        Some(values)
    }

    fn command(&self, command: Command, key: &K, value: u64) -> io::Result<()> {
        let mut attributes = MapElem::new(&self.fd, std::ptr::from_ref(key) as u64, value);
        // SAFETY: key and value outlive the call and have the map's sizes.
        unsafe { bpf(command, &mut attributes).map(|_| ()) }
    }
}

/// The member of `union bpf_attr` for a descriptor by id.
#[repr(C)]
struct FdById {
    id: u32,
    next_id: u32,
    open_flags: u32,
}

impl Table<u32, u32> {
    /// The inner array that an element of a map of maps names.
    pub fn inner<V: Layout>(&self, index: u32) -> Table<u32, V> {
        let id = self.get(index).expect("there is an inner map");
        let mut attributes = FdById {
            id,
            next_id: 0,
            open_flags: 0,
        };
        // SAFETY: the struct is what the command takes; a descriptor comes back that is ours alone.
        let fd = unsafe {
            let fd = bpf(Command::MapGetFdById, &mut attributes).expect("the map is there");
            OwnedFd::from_raw_fd(fd)
        };
        Table::new(fd, (4, size_of::<V>()))
    }
}
