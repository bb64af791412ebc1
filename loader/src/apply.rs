// SPDX-License-Identifier: Apache-2.0

//! Ordered writes to maps: checked whole, then done in runs as long as the
//! order allows. A run goes to the kernel as one batch, because it waits for
//! an RCU grace period after every write to a map of maps, and once for a
//! batch.

use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::Arc,
    thread,
};

use crate::{
    bpf::{self, Stopped},
    error::{Error, Result},
    map::{Layout, Map},
    proto::{Operation, operation::Action},
    tables::{Table, Tables},
};

/// What the kernel answers where a map type has no batches (include/linux/errno.h).
const ENOTSUPP: i32 = 524;

/// Tables made before they are put in place together: each holds a descriptor
/// until then, and a process has 1,024 by default.
const TABLES_AT_ONCE: usize = 256;

/// Threads that delete side by side from a map of maps.
const DELETERS: usize = 64;

/// A run of operations of one kind on one map.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    map: &'a str,
    /// Operations in this run.
    count: usize,
    /// Their keys, one after another.
    keys: Vec<u8>,
    change: Change<'a>,
}

#[derive(Debug, PartialEq, Eq)]
enum Change<'a> {
    /// Values, one after another, as bpf(2) takes them.
    Put(Vec<u8>),
    Delete,
    /// Each operation's table.
    PutTable(Vec<&'a [u8]>),
}

/// Checks every operation and gathers them into steps. `layout` finds a map by
/// name; `cpus` are the machine's possible CPUs.
///
/// # Errors
/// NOT_FOUND for an unknown map, INVALID_ARGUMENT for anything that does not
/// fit it; both name the operation by its index from 0.
pub fn plan<'a, 'm>(
    layout: impl Fn(&str) -> Option<&'m Layout>,
    operations: &'a [Operation],
    cpus: usize,
) -> Result<Vec<Step<'a>>> {
    let mut steps: Vec<Step<'a>> = Vec::new();
    for (index, operation) in operations.iter().enumerate() {
        let name = operation.map.as_str();
        let layout = layout(name).ok_or_else(|| {
            Error::not_found(format!(
                "Operation {index} names map {name:?}, which the object does not have"
            ))
        })?;
        let (key, change) = check(layout, operation, cpus).map_err(|reason| {
            Error::invalid(format!("Operation {index} on map {name}: {reason}"))
        })?;
        match steps.last_mut() {
            Some(step) if step.map == name && step.change.same_kind(&change) => {
                step.count += 1;
                step.keys.extend_from_slice(key);
                step.change.append(change);
            }
            _ => steps.push(Step {
                map: name,
                count: 1,
                keys: key.to_vec(),
                change,
            }),
        }
    }
    Ok(steps)
}

impl Change<'_> {
    fn same_kind(&self, other: &Self) -> bool {
        std::mem::discriminant(self) == std::mem::discriminant(other)
    }

    fn append(&mut self, other: Self) {
        match (self, other) {
            (Self::Put(values), Self::Put(more)) => values.extend(more),
            (Self::PutTable(tables), Self::PutTable(more)) => tables.extend(more),
            _ => {}
        }
    }
}

/// Checks one operation against its map.
///
/// # Errors
/// The reason why it can never work.
fn check<'a>(
    layout: &Layout,
    operation: &'a Operation,
    cpus: usize,
) -> std::result::Result<(&'a [u8], Change<'a>), String> {
    let shape = layout.shape;
    if !shape.accessible() {
        return Err(format!(
            "a map of type {} holds no plain keys and values",
            shape.map_type
        ));
    }
    let Some(action) = &operation.action else {
        return Err("it says neither put, delete nor put_table".into());
    };
    let key = match action {
        Action::Put(put) => &put.key[..],
        Action::Delete(delete) => &delete.key[..],
        Action::PutTable(put) => &put.key[..],
    };
    if key.len() != shape.key_size as usize {
        return Err(format!(
            "the key has {} bytes, the map's keys have {}",
            key.len(),
            shape.key_size
        ));
    }
    if shape.indexed() {
        let index = u32::from_ne_bytes(key.try_into().map_err(|_| "the key is no index")?);
        if index >= shape.max_entries {
            return Err(format!(
                "index {index} is out of bounds, the map has {} elements",
                shape.max_entries
            ));
        }
    }
    let change = match (action, &layout.inner) {
        (Action::Put(_), Some(_)) => {
            return Err("a map of maps takes put_table, not put".into());
        }
        (Action::Put(put), None) => {
            if put.value.len() != shape.value_size as usize {
                return Err(format!(
                    "the value has {} bytes, the map's values have {}",
                    put.value.len(),
                    shape.value_size
                ));
            }
            Change::Put(if shape.per_cpu() {
                for_every_cpu(&put.value, cpus)
            } else {
                put.value.to_vec()
            })
        }
        (Action::Delete(_), _) if shape.permanent() => {
            Change::Put(vec![0; shape.sizes(cpus).value])
        }
        (Action::Delete(_), _) => Change::Delete,
        (Action::PutTable(_), None) => {
            return Err("put_table needs a map of maps".into());
        }
        (Action::PutTable(put), Some(inner)) => {
            let length = put.values.len();
            if length == 0 || !length.is_multiple_of(inner.value_size as usize) {
                return Err(format!(
                    "a table of {length} bytes is not one or more whole values of {} bytes",
                    inner.value_size
                ));
            }
            Change::PutTable(vec![&put.values])
        }
    };
    Ok((key, change))
}

/// A value for each CPU, padded to 8 bytes, as bpf(2) takes it.
fn for_every_cpu(value: &[u8], cpus: usize) -> Vec<u8> {
    let mut padded = value.to_vec();
    padded.resize(value.len().next_multiple_of(8), 0);
    padded.repeat(cpus)
}

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

fn put_tables(map: &Map, tables: &Tables, keys: &[u8], values: &[&[u8]]) -> Result<()> {
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
    let made: Result<Vec<Table>> = values.iter().map(|values| tables.make(values)).collect();
    let made = made?;
    let former = former_ids(map, keys)?;
    let fds: Vec<u8> = made.iter().flat_map(Table::value).collect();
    put(map, keys, &fds)?;
    // A key that occurs twice in the run has its first table replaced as well.
    let now = former_ids(map, keys)?;
    release_unused(
        tables,
        former.into_iter().chain(made.iter().map(|table| table.id)),
        &now,
    )
}

fn delete_tables(map: &Map, tables: &Tables, keys: &[u8]) -> Result<()> {
    let former = former_ids(map, keys)?;
    delete(map, keys)?;
    release_unused(tables, former, &[])
}

/// Forgets those of `ids` that are not in `used`.
fn release_unused(tables: &Tables, ids: impl IntoIterator<Item = u32>, used: &[u32]) -> Result<()> {
    let used: HashSet<&u32> = used.iter().collect();
    for id in ids {
        if !used.contains(&id) {
            tables.release(id)?;
        }
    }
    Ok(())
}

/// Ids of the tables at these keys, where there are any.
fn former_ids(map: &Map, keys: &[u8]) -> Result<Vec<u32>> {
    let mut ids = Vec::new();
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
