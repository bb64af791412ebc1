// SPDX-License-Identifier: Apache-2.0

//! What a map looks like, as declared by an object or as the kernel has it.

#![forbid(unsafe_code)]

use std::fmt;

use aya::maps::{MapData, MapInfo, MapType};

use crate::{
    bpf::Sizes,
    error::{Error, Result},
};

/// Type, sizes and flags of a map. Two maps with equal shapes can stand for
/// each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// `enum bpf_map_type` of linux/bpf.h.
    pub map_type: u32,
    pub key_size: u32,
    pub value_size: u32,
    /// 0 in a declaration leaves the number to whoever creates the map.
    pub max_entries: u32,
    pub flags: u32,
}

impl Shape {
    pub fn declared(map: &aya_obj::Map) -> Self {
        Self {
            map_type: map.map_type(),
            key_size: map.key_size(),
            value_size: map.value_size(),
            max_entries: map.max_entries(),
            flags: map.map_flags(),
        }
    }

    /// # Errors
    /// When the kernel does not answer, or has a map type this loader does not know.
    pub fn of(data: &MapData) -> Result<(Self, u32)> {
        let failed = |error| Error::internal(format!("Cannot read a map's shape: {error}"));
        let info: MapInfo = data.info().map_err(failed)?;
        let shape = Self {
            map_type: info.map_type().map_err(failed)? as u32,
            key_size: info.key_size(),
            value_size: info.value_size(),
            max_entries: info.max_entries(),
            flags: info.map_flags(),
        };
        Ok((shape, info.id()))
    }

    /// Whether a map of this shape can be used where `declared` is asked for.
    pub fn fits(&self, declared: &Self) -> bool {
        let max_entries = match declared.max_entries {
            0 => self.max_entries,
            asked => asked,
        };
        *self
            == Self {
                max_entries,
                ..*declared
            }
    }

    fn is(&self, types: &[MapType]) -> bool {
        types
            .iter()
            .any(|map_type| *map_type as u32 == self.map_type)
    }

    /// One value for each possible CPU.
    pub fn per_cpu(&self) -> bool {
        self.is(&[
            MapType::PerCpuHash,
            MapType::PerCpuArray,
            MapType::LruPerCpuHash,
        ])
    }

    /// Values are other maps.
    pub fn of_maps(&self) -> bool {
        self.is(&[MapType::ArrayOfMaps, MapType::HashOfMaps])
    }

    /// Keys are indexes below `max_entries`.
    pub fn indexed(&self) -> bool {
        self.is(&[MapType::Array, MapType::PerCpuArray, MapType::ArrayOfMaps])
    }

    /// Elements are always there: to remove one means to write zeros.
    pub fn permanent(&self) -> bool {
        self.is(&[MapType::Array, MapType::PerCpuArray])
    }

    /// Elements lie in buckets that their keys choose.
    pub fn hash(&self) -> bool {
        self.is(&[
            MapType::Hash,
            MapType::PerCpuHash,
            MapType::LruHash,
            MapType::LruPerCpuHash,
        ])
    }

    /// Plain bytes as keys and values (or inner maps), which a client can
    /// write and read. Others hold descriptors of the loader's process, or no
    /// keys at all.
    pub fn accessible(&self) -> bool {
        self.permanent() || self.of_maps() || self.hash() || self.is(&[MapType::LpmTrie])
    }

    /// Sizes of one element as bpf(2) transfers it on a machine of `cpus`
    /// possible CPUs.
    pub fn sizes(&self, cpus: usize) -> Sizes {
        let value = self.value_size as usize;
        Sizes {
            key: self.key_size as usize,
            value: if self.per_cpu() {
                value.next_multiple_of(8) * cpus
            } else {
                value
            },
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "type {}, key {}, value {}, max_entries {}, flags {:#x}",
            self.map_type, self.key_size, self.value_size, self.max_entries, self.flags
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape(map_type: MapType) -> Shape {
        Shape {
            map_type: map_type as u32,
            key_size: 4,
            value_size: 12,
            max_entries: 7,
            flags: 0,
        }
    }

    #[test]
    fn fits_needs_every_property_to_be_equal() {
        let declared = shape(MapType::Hash);
        assert!(declared.fits(&declared));
        for other in [
            Shape {
                map_type: 9,
                ..declared
            },
            Shape {
                key_size: 8,
                ..declared
            },
            Shape {
                value_size: 8,
                ..declared
            },
            Shape {
                max_entries: 8,
                ..declared
            },
            Shape {
                flags: 1,
                ..declared
            },
        ] {
            assert!(!other.fits(&declared), "{other}");
        }
    }

    #[test]
    fn fits_takes_any_size_where_the_declaration_leaves_it_open() {
        let open = Shape {
            max_entries: 0,
            ..shape(MapType::PerfEventArray)
        };
        assert!(shape(MapType::PerfEventArray).fits(&open));
    }

    #[test]
    fn sizes_of_per_cpu_values_are_padded_and_one_for_each_cpu() {
        let sizes = shape(MapType::PerCpuArray).sizes(3);
        assert_eq!((sizes.key, sizes.value), (4, 48));
        let sizes = shape(MapType::Array).sizes(3);
        assert_eq!((sizes.key, sizes.value), (4, 12));
    }

    #[test]
    fn accessible_excludes_maps_of_descriptors_and_maps_without_keys() {
        for map_type in [
            MapType::Hash,
            MapType::LruHash,
            MapType::ArrayOfMaps,
            MapType::LpmTrie,
        ] {
            assert!(shape(map_type).accessible(), "{map_type:?}");
        }
        for map_type in [
            MapType::ProgramArray,
            MapType::RingBuf,
            MapType::Queue,
            MapType::XskMap,
        ] {
            assert!(!shape(map_type).accessible(), "{map_type:?}");
        }
    }

    #[test]
    fn display_names_every_property() {
        assert_eq!(
            shape(MapType::Hash).to_string(),
            "type 1, key 4, value 12, max_entries 7, flags 0x0"
        );
    }
}
