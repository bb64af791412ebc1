// SPDX-License-Identifier: Apache-2.0

//! Ordered writes to maps. A run of operations goes to the kernel as one
//! batch, because it waits for an RCU grace period after every write to a map
//! of maps, and once for a batch.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::Arc,
    thread,
};

use crate::{
    bpf::{self, Stopped},
    error::{Error, Result},
    map::Map,
    plan::{Change, Step},
    tables::{Table, Tables},
};

/// What the kernel answers where a map type has no batches (include/linux/errno.h).
const ENOTSUPP: i32 = 524;

/// Tables made before they are put in place together: each holds a descriptor
/// until then, and a process has 1,024 by default.
const TABLES_AT_ONCE: usize = 256;

/// Threads that delete side by side from a map of maps.
const DELETERS: usize = 64;

/// Does the steps in order and returns the number of operations done.
///
/// # Errors
/// What the kernel answered, with the number of operations done before.
pub fn execute(maps: &BTreeMap<String, Arc<Map>>, steps: &[Step<'_>]) -> Result<u64> {
    let mut applied = 0;
    for step in steps {
        let map = &maps[step.map];
        let done = match (&step.change, map.tables()) {
            (Change::Put(values), _) => put(map, &step.keys, values),
            (Change::Delete, None) => delete(map, &step.keys),
            (Change::Delete, Some(tables)) => delete_tables(map, tables, &step.keys),
            (Change::PutTable(values), Some(tables)) => put_tables(map, tables, &step.keys, values),
            (Change::PutTable(_), None) => unreachable!("plan() lets no table into a plain map"),
        };
        done.map_err(|error| {
            let before = applied + error.applied.unwrap_or(0);
            error.after(before)
        })?;
        applied += step.count as u64;
    }
    Ok(applied)
}

fn put(map: &Map, keys: &[u8], values: &[u8]) -> Result<()> {
    let sizes = map.sizes();
    let written = match bpf::update_batch(map.fd(), sizes, keys, values) {
        Err(stopped) if stopped.error.raw_os_error() == Some(ENOTSUPP) => {
            let elements = keys.chunks(sizes.key).zip(values.chunks(sizes.value));
            one_by_one(elements, |(key, value)| {
                bpf::update(map.fd(), sizes, key, value)
            })
        }
        written => written,
    };
    written.map_err(|stopped| failed("write to", map, stopped))
}

fn delete(map: &Map, keys: &[u8]) -> Result<()> {
    let sizes = map.sizes();
    let mut done = 0;
    while done * sizes.key < keys.len() {
        let rest = &keys[done * sizes.key..];
        match bpf::delete_batch(map.fd(), sizes, rest) {
            Ok(()) => break,
            Err(stopped) => match stopped.error.raw_os_error() {
                // The one that is not there counts as deleted.
                Some(libc::ENOENT) => done += stopped.done + 1,
                Some(ENOTSUPP) => {
                    return delete_side_by_side(map, rest)
                        .map_err(|stopped| failed("delete from", map, stopped));
                }
                _ => {
                    let done = done + stopped.done;
                    let error = stopped.error;
                    return Err(failed("delete from", map, Stopped { done, error }));
                }
            },
        }
    }
    Ok(())
}

/// Deletes from a map without batches. It is a map of maps, where each deletion
/// waits for an RCU grace period: threads that wait side by side share one.
///
/// A thread that fails does not stop the others, so more may be deleted than
/// the number reported; deleting again does no harm.
fn delete_side_by_side(map: &Map, keys: &[u8]) -> std::result::Result<(), Stopped> {
    let key_size = map.sizes().key;
    let share = (keys.len() / key_size).div_ceil(DELETERS);
    thread::scope(|scope| {
        let deleters: Vec<_> = keys
            .chunks(share * key_size)
            .map(|keys| {
                scope.spawn(move || one_by_one(keys.chunks(key_size), |key| delete_one(map, key)))
            })
            .collect();
        for (index, deleter) in deleters.into_iter().enumerate() {
            let deleted = deleter.join().expect("a deleter does not panic");
            deleted.map_err(|stopped| Stopped {
                done: index * share + stopped.done,
                error: stopped.error,
            })?;
        }
        Ok(())
    })
}

fn delete_one(map: &Map, key: &[u8]) -> io::Result<()> {
    match bpf::delete(map.fd(), map.sizes(), key) {
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(()),
        deleted => deleted,
    }
}

/// Makes tables and puts them in place, many at once.
///
/// # Errors
/// As [`execute`].
pub fn put_tables(map: &Map, tables: &Tables, keys: &[u8], values: &[&[u8]]) -> Result<()> {
    let key_size = map.sizes().key;
    let runs = keys
        .chunks(key_size * TABLES_AT_ONCE)
        .zip(values.chunks(TABLES_AT_ONCE));
    for (run, (keys, values)) in runs.enumerate() {
        let before = (run * TABLES_AT_ONCE) as u64;
        put_tables_at_once(map, tables, keys, values).map_err(|error| {
            let done = before + error.applied.unwrap_or(0);
            error.after(done)
        })?;
    }
    Ok(())
}

fn put_tables_at_once(map: &Map, tables: &Tables, keys: &[u8], values: &[&[u8]]) -> Result<()> {
    let former = ids_at(map, keys)?;
    let mut made = Vec::with_capacity(values.len());
    let done = values
        .iter()
        .try_for_each(|values| tables.make(values).map(|table| made.push(table)))
        .and_then(|()| {
            let fds: Vec<u8> = made.iter().flat_map(Table::value).collect();
            put(map, keys, &fds)
        });
    // Whatever happened, and also when a key occurs twice: of the tables that
    // were and those that were made, the ones in place are needed.
    let used = ids_at(map, keys)?;
    let made = made.iter().map(|table| table.id);
    release_unused(tables, former.into_iter().chain(made), &used)?;
    done
}

fn delete_tables(map: &Map, tables: &Tables, keys: &[u8]) -> Result<()> {
    let former = ids_at(map, keys)?;
    let done = delete(map, keys);
    release_unused(tables, former, &ids_at(map, keys)?)?;
    done
}

/// Forgets those of `ids` that are not in `used`.
fn release_unused(
    tables: &Tables,
    ids: impl IntoIterator<Item = u32>,
    used: &HashSet<u32>,
) -> Result<()> {
    let mut unused = ids.into_iter().filter(|id| !used.contains(id));
    unused.try_for_each(|id| tables.release(id))
}

/// Ids of the tables at these keys, where there are any.
fn ids_at(map: &Map, keys: &[u8]) -> Result<HashSet<u32>> {
    let mut ids = HashSet::new();
    for key in keys.chunks(map.sizes().key) {
        ids.extend(table_id(map, key)?);
    }
    Ok(ids)
}

/// Id of the table at a key of a map of maps.
pub fn table_id(map: &Map, key: &[u8]) -> Result<Option<u32>> {
    let mut id = [0; 4];
    match bpf::lookup(map.fd(), map.sizes(), key, &mut id) {
        Ok(()) => Ok(Some(u32::from_ne_bytes(id))),
        Err(error) if error.raw_os_error() == Some(libc::ENOENT) => Ok(None),
        Err(error) => Err(Error::kernel(format!("read map {}", map.name()), &error)),
    }
}

/// Calls `write` for each element until one fails.
fn one_by_one<T>(
    elements: impl Iterator<Item = T>,
    mut write: impl FnMut(T) -> io::Result<()>,
) -> std::result::Result<(), Stopped> {
    for (done, element) in elements.enumerate() {
        write(element).map_err(|error| Stopped { done, error })?;
    }
    Ok(())
}

fn failed(verb: &str, map: &Map, stopped: Stopped) -> Error {
    Error::kernel(format!("{verb} map {}", map.name()), &stopped.error).after(stopped.done as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_by_one_stops_at_the_first_failure_and_counts_those_before() {
        let mut written = Vec::new();
        let stopped = one_by_one([1, 2, 3, 4].into_iter(), |element| {
            written.push(element);
            if element == 3 {
                return Err(io::Error::from_raw_os_error(libc::ENOMEM));
            }
            Ok(())
        })
        .unwrap_err();
        assert_eq!((stopped.done, written), (2, vec![1, 2, 3]));
    }
}
