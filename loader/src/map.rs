// SPDX-License-Identifier: Apache-2.0

//! A pinned map of a loaded object.

#![forbid(unsafe_code)]

use std::os::fd::{AsFd as _, BorrowedFd};

use aya::maps::MapData;

use crate::{
    bpf::{self, Sizes},
    error::{Error, Result},
    pins::Pins,
    proto,
    shape::Shape,
    tables::Tables,
};

#[derive(Debug)]
pub struct Map {
    name: String,
    data: MapData,
    layout: Layout,
    /// Sizes for bpf(2), on this machine.
    sizes: Sizes,
    /// Inner maps, of a map of maps.
    tables: Option<Tables>,
}

/// All that is needed to check a request against a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    pub shape: Shape,
    /// Shape of the inner maps, of a map of maps.
    pub inner: Option<Shape>,
}

impl Map {
    /// Opens what is pinned.
    pub fn open(pins: &Pins, name: &str, cpus: usize) -> Result<Self> {
        let data = open(&pins.map(name), name)?;
        let (shape, _) = Shape::of(&data)?;
        let tables = if shape.of_maps() {
            Some(Tables::open(pins.tables(name), name)?)
        } else {
            None
        };
        Ok(Self {
            name: name.to_owned(),
            data,
            layout: Layout {
                shape,
                inner: tables.as_ref().map(Tables::template),
            },
            sizes: shape.sizes(cpus),
            tables,
        })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn fd(&self) -> BorrowedFd<'_> {
        self.data.fd().as_fd()
    }

    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    pub fn sizes(&self) -> Sizes {
        self.sizes
    }

    pub fn tables(&self) -> Option<&Tables> {
        self.tables.as_ref()
    }

    pub fn describe(&self, adopted: bool) -> proto::MapInfo {
        let Layout { shape, inner } = self.layout;
        proto::MapInfo {
            name: self.name.clone(),
            r#type: shape.map_type,
            key_size: shape.key_size,
            value_size: inner.map_or(shape.value_size, |inner| inner.value_size),
            max_entries: shape.max_entries,
            adopted,
            memory: bpf::map_memory(self.fd()).unwrap_or_default(),
        }
    }
}

/// Opens a pinned map.
pub fn open(path: &std::path::Path, name: &str) -> Result<MapData> {
    MapData::from_pin(path)
        .map_err(|error| Error::internal(format!("Cannot open the pinned map {name}: {error}")))
}
