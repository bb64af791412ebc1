// SPDX-License-Identifier: Apache-2.0

//! From one map into another, element by element, so that a map whose keys or
//! values are laid out anew keeps what its former self held. A million elements
//! never leave the process.

#![forbid(unsafe_code)]

use crate::{
    apply,
    bpf::{self, Sizes},
    dump::{self, DEFAULT_CHUNK},
    error::{Error, Result},
    map::Map,
    pieces::Pieces,
    proto,
};

/// What a copy came to, in elements.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    pub copied: u64,
    /// Were there already.
    pub kept: u64,
    /// Have no room in the target.
    pub left_out: u64,
}

/// Copies every element of `from` to `to`, as `request` says.
///
/// # Errors
/// INVALID_ARGUMENT when the maps or the pieces do not fit one another; else what
/// the kernel answered.
pub fn copy(from: &Map, to: &Map, cpus: usize, request: &proto::CopyRequest) -> Result<Copied> {
    check_kinds(from, to, request.keep)?;
    let (source, target) = (from.layout().shape, to.layout().shape);
    let key = Pieces::new("key", &request.key, source.key_size, target.key_size)?;
    let value_sizes = |map: &Map| {
        let layout = map.layout();
        layout.inner.unwrap_or(layout.shape).value_size
    };
    let value = Pieces::new("value", &request.value, value_sizes(from), value_sizes(to))?;
    let mut writer = Writer {
        to,
        keep: request.keep,
        keys: Vec::new(),
        values: Vec::new(),
        tables: Vec::new(),
        sum: Copied::default(),
    };
    let room = if target.indexed() {
        target.max_entries
    } else {
        u32::MAX
    };
    dump::read(from, DEFAULT_CHUNK as usize, |old_key, old_value| {
        let at = writer.keys.len();
        key.append(old_key, &mut writer.keys);
        if target.indexed() && index(&writer.keys[at..]) >= room {
            writer.keys.truncate(at);
            writer.sum.left_out += 1;
            return Ok(true);
        }
        match from.tables() {
            Some(tables) => match dump::read_table(from, tables, old_key)? {
                Some(table) => writer.tables.push(value.of_each(&table)),
                // Gone meanwhile.
                None => writer.keys.truncate(at),
            },
            None if source.per_cpu() => {
                value.append_for_every_cpu(old_value, cpus, &mut writer.values)
            }
            None => value.append(old_value, &mut writer.values),
        }
        if writer.keys.len() / target.key_size as usize >= DEFAULT_CHUNK as usize {
            writer.flush()?;
        }
        Ok(true)
    })?;
    writer.flush()?;
    Ok(writer.sum)
}

fn check_kinds(from: &Map, to: &Map, keep: bool) -> Result<()> {
    let (source, target) = (from.layout().shape, to.layout().shape);
    let pair = format!("map {} to map {}", from.name(), to.name());
    if !source.accessible() || !target.accessible() {
        return Err(Error::invalid(format!(
            "Cannot copy {pair}: one of them holds no plain keys and values"
        )));
    }
    if source.per_cpu() != target.per_cpu() || source.of_maps() != target.of_maps() {
        return Err(Error::invalid(format!(
            "Cannot copy {pair}: both must have a value for each CPU, or inner maps, or neither"
        )));
    }
    if keep && (target.permanent() || target.of_maps()) {
        return Err(Error::invalid(format!(
            "Cannot keep what is in map {}: every element of an array is there already",
            to.name()
        )));
    }
    Ok(())
}

fn index(key: &[u8]) -> u32 {
    key.try_into().map_or(u32::MAX, u32::from_ne_bytes)
}

/// Elements on their way into a map.
struct Writer<'a> {
    to: &'a Map,
    keep: bool,
    keys: Vec<u8>,
    values: Vec<u8>,
    /// Of a map of maps, instead of values.
    tables: Vec<Vec<u8>>,
    sum: Copied,
}

impl Writer<'_> {
    fn flush(&mut self) -> Result<()> {
        let sizes = self.to.sizes();
        if let Some(tables) = self.to.tables() {
            let values: Vec<&[u8]> = self.tables.iter().map(Vec::as_slice).collect();
            apply::put_tables(self.to, tables, &self.keys, &values)?;
            self.sum.copied += self.tables.len() as u64;
        } else if self.keep || !self.write_batch(sizes) {
            self.write_one_by_one(sizes)?;
        }
        self.keys.clear();
        self.values.clear();
        self.tables.clear();
        Ok(())
    }

    /// False when not all could be written like this: then it is done one by one,
    /// which does no harm to those written already.
    fn write_batch(&mut self, sizes: Sizes) -> bool {
        let written = bpf::update_batch(self.to.fd(), sizes, &self.keys, &self.values).is_ok();
        if written {
            self.sum.copied += (self.keys.len() / sizes.key) as u64;
        }
        written
    }

    fn write_one_by_one(&mut self, sizes: Sizes) -> Result<()> {
        let elements = self
            .keys
            .chunks(sizes.key)
            .zip(self.values.chunks(sizes.value));
        for (key, value) in elements {
            let written = if self.keep {
                bpf::insert(self.to.fd(), sizes, key, value)
            } else {
                bpf::update(self.to.fd(), sizes, key, value)
            };
            match written {
                Ok(()) => self.sum.copied += 1,
                Err(error) => match error.raw_os_error() {
                    Some(libc::EEXIST) => self.sum.kept += 1,
                    Some(libc::E2BIG) => self.sum.left_out += 1,
                    _ => {
                        return Err(Error::kernel(
                            format!("copy to map {}", self.to.name()),
                            &error,
                        ));
                    }
                },
            }
        }
        Ok(())
    }
}
