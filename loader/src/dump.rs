// SPDX-License-Identifier: Apache-2.0

//! Reading a whole map, a chunk at a time, while it may change.
//!
//! A hash is read bucket by bucket, each as it was at one moment, so no
//! element that stays in the map is missed. An element that comes or goes
//! meanwhile may be in the answer or not.

#![forbid(unsafe_code)]

use std::collections::HashSet;

use crate::{
    apply,
    bpf::{self, Cursor},
    error::{Error, Result},
    map::Map,
    proto::Element,
    tables::Tables,
};

/// Elements in a message when the client does not say.
pub const DEFAULT_CHUNK: u32 = 4096;

/// Bytes of keys and values in one message: well below the 4 MiB that gRPC
/// clients take by default. One element may be larger.
const CHUNK_BYTES: usize = 1 << 20;

/// Reads of a slot before giving up on a table that is replaced every time.
const TABLE_READS: usize = 16;

/// Reads `map` and gives `emit` at most `chunk` elements at a time (0 for the
/// default) until it is read or `emit` says false; with `skip_zeros` without those
/// whose value has no other byte.
///
/// # Errors
/// INVALID_ARGUMENT for a map that holds no plain elements; else what the
/// kernel answered.
pub fn dump(
    map: &Map,
    chunk: u32,
    skip_zeros: bool,
    mut emit: impl FnMut(Vec<Element>) -> bool,
) -> Result<()> {
    check(map)?;
    let chunk = if chunk == 0 { DEFAULT_CHUNK } else { chunk } as usize;
    let mut chunks = Chunks::new(chunk, &mut emit);
    read(map, chunk, |key, value| match map.tables() {
        None if skip_zeros && value.iter().all(|byte| *byte == 0) => Ok(true),
        None => Ok(chunks.add(key, value.to_vec())),
        Some(tables) => {
            let table = read_table(map, tables, key)?;
            Ok(table.is_none_or(|table| chunks.add(key, table)))
        }
    })?;
    chunks.finish();
    Ok(())
}

/// # Errors
/// INVALID_ARGUMENT for a map that holds no plain elements.
pub fn check(map: &Map) -> Result<()> {
    if map.layout().shape.accessible() {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "Map {} is of type {}, which holds no plain keys and values",
        map.name(),
        map.layout().shape.map_type
    )))
}

/// Ids of the tables that a map of maps holds.
pub fn table_ids(map: &Map) -> Result<HashSet<u32>> {
    let mut ids = HashSet::new();
    read(map, DEFAULT_CHUNK as usize, |_, value| {
        ids.extend(value.try_into().map(u32::from_ne_bytes));
        Ok(true)
    })?;
    Ok(ids)
}

/// Gives `visit` every key and value until it says false. `batch` elements are
/// asked of the kernel at a time, more where a hash bucket holds more.
pub fn read(
    map: &Map,
    batch: usize,
    mut visit: impl FnMut(&[u8], &[u8]) -> Result<bool>,
) -> Result<()> {
    let sizes = map.sizes();
    let mut capacity = batch.min(CHUNK_BYTES / (sizes.key + sizes.value)).max(1);
    let mut cursor = Cursor::default();
    loop {
        let mut keys = vec![0; capacity * sizes.key];
        let mut values = vec![0; capacity * sizes.value];
        let batch = match bpf::lookup_batch(map.fd(), sizes, &mut cursor, &mut keys, &mut values) {
            Err(error) if error.raw_os_error() == Some(libc::ENOSPC) => {
                capacity *= 2;
                continue;
            }
            batch => {
                batch.map_err(|error| Error::kernel(format!("read map {}", map.name()), &error))?
            }
        };
        let elements = keys.chunks(sizes.key).zip(values.chunks(sizes.value));
        for (key, value) in elements.take(batch.count) {
            if !visit(key, value)? {
                return Ok(());
            }
        }
        if batch.last {
            return Ok(());
        }
    }
}

/// The table at a key, or none. A table that is replaced between looking up
/// its id and opening it is looked up again.
pub fn read_table(map: &Map, tables: &Tables, key: &[u8]) -> Result<Option<Vec<u8>>> {
    for _ in 0..TABLE_READS {
        let Some(id) = apply::table_id(map, key)? else {
            return Ok(None);
        };
        if let Some(table) = tables.read(id)? {
            return Ok(Some(table));
        }
    }
    Err(Error::precondition(format!(
        "A table of map {} is not pinned by this loader or changes all the time; write it again",
        map.name()
    )))
}

/// Gathers elements into messages.
struct Chunks<'a> {
    elements: Vec<Element>,
    bytes: usize,
    limit: usize,
    emit: &'a mut dyn FnMut(Vec<Element>) -> bool,
}

impl<'a> Chunks<'a> {
    fn new(limit: usize, emit: &'a mut dyn FnMut(Vec<Element>) -> bool) -> Self {
        Self {
            elements: Vec::new(),
            bytes: 0,
            limit,
            emit,
        }
    }

    /// Adds one element; false when nobody wants more.
    fn add(&mut self, key: &[u8], value: Vec<u8>) -> bool {
        let size = key.len() + value.len();
        let full = self.elements.len() >= self.limit || self.bytes + size > CHUNK_BYTES;
        let wanted = !full || self.elements.is_empty() || self.flush();
        self.bytes += size;
        self.elements.push(Element {
            key: key.to_vec().into(),
            value: value.into(),
        });
        wanted
    }

    fn flush(&mut self) -> bool {
        self.bytes = 0;
        (self.emit)(std::mem::take(&mut self.elements))
    }

    fn finish(mut self) {
        if !self.elements.is_empty() {
            self.flush();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lengths(limit: usize, values: &[usize], stop_after: usize) -> (Vec<usize>, usize) {
        let mut lengths = Vec::new();
        let mut emit = |elements: Vec<Element>| {
            lengths.push(elements.len());
            lengths.len() < stop_after
        };
        let mut chunks = Chunks::new(limit, &mut emit);
        let added = values
            .iter()
            .take_while(|size| chunks.add(b"key", vec![0; **size]))
            .count();
        chunks.finish();
        (lengths, added)
    }

    #[test]
    fn chunks_hold_at_most_the_number_asked_for() {
        assert_eq!(lengths(2, &[1; 5], 99).0, [2, 2, 1]);
        assert_eq!(lengths(5, &[1; 5], 99).0, [5]);
        assert!(lengths(5, &[], 99).0.is_empty());
    }

    #[test]
    fn chunks_stay_below_the_limit_in_bytes_but_hold_at_least_one() {
        assert_eq!(lengths(9, &[CHUNK_BYTES / 2; 3], 99).0, [1, 1, 1]);
        assert_eq!(lengths(9, &[CHUNK_BYTES / 3; 3], 99).0, [2, 1]);
        assert_eq!(lengths(9, &[CHUNK_BYTES * 2, 1], 99).0, [1, 1]);
    }

    #[test]
    fn chunks_stop_when_nobody_wants_more() {
        assert_eq!(lengths(1, &[1; 100], 3).1, 3);
    }
}
