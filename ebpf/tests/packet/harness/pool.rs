// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Objects for one test after the other: the verifier takes most of a second for
//! one, what a test leaves in the maps is gone in milliseconds.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::object::Object;

/// For all tests of this process.
pub static POOL: Pool = Pool::new(Object::load);
/// The same of objects whose programs tell where they redirect to.
pub static TELLING: Pool = Pool::new(Object::load_telling);

pub struct Pool {
    load: fn() -> Object,
    objects: Mutex<Vec<Object>>,
}

impl Pool {
    const fn new(load: fn() -> Object) -> Self {
        let objects = Mutex::new(Vec::new());
        Self { load, objects }
    }

    /// An object whose maps hold nothing, as its loader makes it.
    pub fn take(&self) -> Object {
        let kept = self.objects().pop();
        kept.unwrap_or_else(self.load)
    }

    /// Keeps an object of [`Self::take()`] for the next test. One that was attached
    /// goes: packets of the kernel's own may still be under way in it.
    pub fn give_back(&self, object: Object) {
        if !object.was_attached() {
            object.clear();
            self.objects().push(object);
        }
    }

    fn objects(&self) -> MutexGuard<'_, Vec<Object>> {
        self.objects.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsRawFd;

    use super::*;
    use crate::harness::{Ends, Forwarding, ip, namespace::Namespace, with_lab};
    use blixt_ebpf::layout::Drops;

    /// Writes the first element of every map, where CPUs have their own that of the last.
    fn fill(object: &mut Object) {
        object.set_table(0, &[1]);
        for (name, map) in object.maps() {
            // It takes no bytes, but a map.
            if name == "tables" {
                continue;
            }
            let mut value = vec![0; map.value_size()];
            *value.last_mut().expect("no value is empty") = 1;
            map.write(&vec![0; map.key_size()], &value);
        }
    }

    /// How many elements that hold something each map has.
    fn held(object: &Object) -> Vec<(String, usize)> {
        let maps = object.maps();
        maps.map(|(name, map)| (name.to_owned(), map.keys().len()))
            .collect()
    }

    #[test]
    #[ignore = "needs root"]
    fn pool_gives_the_same_object_again_with_nothing_in_any_map() {
        let pool = Pool::new(Object::load);
        let mut object = pool.take();
        let program = object.program().as_raw_fd();
        let loaded = held(&object);
        assert!(loaded.iter().any(|(name, _)| name == "drops"), "{loaded:?}");
        assert!(loaded.iter().all(|(_, count)| *count == 0), "{loaded:?}");
        fill(&mut object);
        let filled = held(&object);
        assert!(filled.iter().all(|(_, count)| *count == 1), "{filled:?}");
        pool.give_back(object);
        let again = pool.take();
        assert_eq!(again.program().as_raw_fd(), program);
        assert_eq!(held(&again), loaded);
    }

    #[test]
    #[ignore = "needs root"]
    fn pool_keeps_no_object_that_was_attached() {
        let pool = Pool::new(Object::load);
        let mut object = pool.take();
        let namespace = Namespace::new().expect("root may make a network namespace");
        namespace.enter(|| {
            ip("link add end0 type veth peer name end1");
            object.attach("end0");
        });
        pool.give_back(object);
        assert!(pool.objects().is_empty());
    }

    // The second of both chains comes after what the first has left.
    #[test]
    #[ignore = "needs root"]
    fn every_lab_begins_without_flows_and_counts() {
        with_lab(Forwarding::On, |lab| {
            assert_eq!(lab.flow_entries(), 0);
            assert_eq!(lab.drops(), Drops::default());
            for ends in Ends::all() {
                assert_eq!(lab.service_stats(&ends).flows, 0);
                lab.begin(&ends);
                lab.client_sends(&ends.request().ttl(1)).is_dropped();
                assert_eq!(lab.service_stats(&ends).flows, 1);
            }
            assert!(lab.flow_entries() > 0);
            assert_ne!(lab.drops(), Drops::default());
        });
    }
}
