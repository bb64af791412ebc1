// SPDX-License-Identifier: Apache-2.0

//! The inner maps of a map of maps: plain arrays, filled before they are put
//! in place and never written again.

#![forbid(unsafe_code)]

use std::{
    collections::HashSet,
    os::fd::{AsFd as _, AsRawFd as _},
    path::{Path, PathBuf},
};

use aya::maps::{MapData, MapType};

use crate::{
    bpf::{self, Cursor},
    error::{Error, Result},
    map, pins,
    shape::Shape,
};

/// Pin of an empty map that shows what inner maps look like: the kernel does
/// not tell it of a map of maps.
const TEMPLATE: &str = "template";

/// Bytes read from an inner map at a time.
const READ_SIZE: usize = 64 * 1024;

#[derive(Debug)]
pub struct Tables {
    /// Name of the map of maps.
    map: String,
    folder: PathBuf,
    template: Shape,
}

/// An inner map that is filled and pinned.
#[derive(Debug)]
pub struct Table {
    data: MapData,
    /// The kernel's id: what a look-up in the map of maps returns.
    pub id: u32,
}

impl Table {
    /// The value that puts it into a map of maps: its descriptor.
    pub fn value(&self) -> [u8; 4] {
        self.data.fd().as_fd().as_raw_fd().to_ne_bytes()
    }
}

impl Tables {
    /// Makes and pins the template of a new map of maps.
    pub fn create(folder: &Path, name: &str, declared: aya_obj::Map) -> Result<()> {
        pins::create_folder(folder)?;
        // Without the types of the object's BTF: they mean nothing without its descriptor.
        let declared = aya_obj::Map::new_from_params(
            declared.map_type(),
            declared.key_size(),
            declared.value_size(),
            declared.max_entries(),
            declared.map_flags(),
        );
        let data = MapData::create(declared, TEMPLATE, None)
            .map_err(|error| creation_failed(name, &error))?;
        pins::replace(data.fd(), &folder.join(TEMPLATE))
    }

    pub fn open(folder: PathBuf, name: &str) -> Result<Self> {
        let data = map::open(&folder.join(TEMPLATE), name)?;
        let (template, _) = Shape::of(&data)?;
        Ok(Self {
            map: name.to_owned(),
            folder,
            template,
        })
    }

    pub fn template(&self) -> Shape {
        self.template
    }

    /// Makes a table of `values`, which must be whole values, fills and pins it.
    pub fn make(&self, values: &[u8]) -> Result<Table> {
        let count = values.len() / self.template.value_size as usize;
        let count = u32::try_from(count)
            .map_err(|_| Error::invalid(format!("A table of map {} is too long", self.map)))?;
        let declared = aya_obj::Map::new_from_params(
            MapType::Array as u32,
            self.template.key_size,
            self.template.value_size,
            count,
            self.template.flags,
        );
        let data = MapData::create(declared, "table", None)
            .map_err(|error| creation_failed(&self.map, &error))?;
        let (shape, id) = Shape::of(&data)?;
        let keys: Vec<u8> = (0..count).flat_map(u32::to_ne_bytes).collect();
        bpf::update_batch(data.fd().as_fd(), shape.sizes(1), &keys, values).map_err(|stopped| {
            Error::kernel(format!("fill a table of map {}", self.map), &stopped.error)
        })?;
        bpf::pin(data.fd().as_fd(), &self.pin(id))
            .map_err(|error| Error::kernel(format!("pin a table of map {}", self.map), &error))?;
        Ok(Table { data, id })
    }

    /// Reads a whole table. `None` when it is not in use any more.
    pub fn read(&self, id: u32) -> Result<Option<Vec<u8>>> {
        let path = self.pin(id);
        if !path.exists() {
            return Ok(None);
        }
        let Ok(data) = MapData::from_pin(&path) else {
            return Ok(None);
        };
        let (shape, _) = Shape::of(&data)?;
        let sizes = shape.sizes(1);
        let chunk = (READ_SIZE / sizes.value).max(1);
        let (mut keys, mut values) = (vec![0; chunk * sizes.key], vec![0; chunk * sizes.value]);
        let mut cursor = Cursor::default();
        let mut table = Vec::with_capacity(shape.max_entries as usize * sizes.value);
        loop {
            let batch = bpf::lookup_batch(
                data.fd().as_fd(),
                sizes,
                &mut cursor,
                &mut keys,
                &mut values,
            )
            .map_err(|error| Error::kernel(format!("read a table of map {}", self.map), &error))?;
            table.extend_from_slice(&values[..batch.count * sizes.value]);
            if batch.last {
                return Ok(Some(table));
            }
        }
    }

    /// Forgets a table that no element names any more.
    pub fn release(&self, id: u32) -> Result<()> {
        pins::remove(&self.pin(id))
    }

    /// Removes the pins of tables that are not in use: what is left when the
    /// loader died between making a table and putting it in place.
    pub fn sweep(&self, used: &HashSet<u32>) -> Result<()> {
        for name in pins::list(&self.folder)? {
            let in_use = name.parse().is_ok_and(|id| used.contains(&id));
            if name != TEMPLATE && !in_use {
                pins::remove(&self.folder.join(name))?;
            }
        }
        Ok(())
    }

    fn pin(&self, id: u32) -> PathBuf {
        self.folder.join(id.to_string())
    }
}

fn creation_failed(map: &str, error: &aya::maps::MapError) -> Error {
    let what = format!("create a table of map {map}");
    match error {
        aya::maps::MapError::CreateError { io_error, .. } => Error::kernel(what, io_error),
        other => Error::internal(format!("Cannot {what}: {other}")),
    }
}
