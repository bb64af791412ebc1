// SPDX-License-Identifier: Apache-2.0

//! What an Apply asks for: checked whole, then gathered into runs as long as
//! the order allows. Nothing is written here.

#![forbid(unsafe_code)]

use crate::{
    error::{Error, Result},
    map::Layout,
    proto::{Operation, operation::Action},
};

/// A run of operations of one kind on one map.
#[derive(Debug, PartialEq, Eq)]
pub struct Step<'a> {
    pub map: &'a str,
    /// Operations in this run.
    pub count: usize,
    /// Their keys, one after another.
    pub keys: Vec<u8>,
    pub change: Change<'a>,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Change<'a> {
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

#[cfg(test)]
mod tests {
    use aya::maps::MapType;
    use tonic::Code;

    use super::*;
    use crate::{
        proto::{Delete, Put, PutTable},
        shape::Shape,
    };

    const CPUS: usize = 2;

    fn layout(name: &str) -> Option<&'static Layout> {
        const fn plain(map_type: MapType, value_size: u32) -> Layout {
            Layout {
                shape: Shape {
                    map_type: map_type as u32,
                    key_size: 4,
                    value_size,
                    max_entries: 8,
                    flags: 0,
                },
                inner: None,
            }
        }
        static HASH: Layout = plain(MapType::Hash, 2);
        static ARRAY: Layout = plain(MapType::Array, 2);
        static PER_CPU: Layout = plain(MapType::PerCpuHash, 2);
        static PROGRAMS: Layout = plain(MapType::ProgramArray, 4);
        static TABLES: Layout = Layout {
            inner: Some(plain(MapType::Array, 4).shape),
            ..plain(MapType::ArrayOfMaps, 4)
        };
        match name {
            "hash" => Some(&HASH),
            "array" => Some(&ARRAY),
            "per_cpu" => Some(&PER_CPU),
            "programs" => Some(&PROGRAMS),
            "tables" => Some(&TABLES),
            _ => None,
        }
    }

    fn operation(map: &str, action: Action) -> Operation {
        Operation {
            map: map.into(),
            action: Some(action),
        }
    }

    fn put(map: &str, key: u32, value: &[u8]) -> Operation {
        let key = key.to_ne_bytes().to_vec().into();
        let value = value.to_vec().into();
        operation(map, Action::Put(Put { key, value }))
    }

    fn delete(map: &str, key: u32) -> Operation {
        let key = key.to_ne_bytes().to_vec().into();
        operation(map, Action::Delete(Delete { key }))
    }

    fn put_table(map: &str, key: u32, values: &[u8]) -> Operation {
        let key = key.to_ne_bytes().to_vec().into();
        let values = values.to_vec().into();
        operation(map, Action::PutTable(PutTable { key, values }))
    }

    fn keys(keys: &[u32]) -> Vec<u8> {
        keys.iter().copied().flat_map(u32::to_ne_bytes).collect()
    }

    #[test]
    fn plan_gathers_neighbours_of_one_kind_and_keeps_the_order() {
        let operations = [
            put("hash", 1, &[1, 1]),
            put("hash", 2, &[2, 2]),
            delete("hash", 1),
            put("hash", 3, &[3, 3]),
            put("array", 3, &[4, 4]),
            put_table("tables", 0, &[0; 4]),
            put_table("tables", 1, &[0; 8]),
        ];
        let steps = plan(layout, &operations, CPUS).unwrap();
        let step = |map, count, numbers: &[u32], change| Step {
            map,
            count,
            keys: keys(numbers),
            change,
        };
        assert_eq!(
            steps,
            [
                step("hash", 2, &[1, 2], Change::Put(vec![1, 1, 2, 2])),
                step("hash", 1, &[1], Change::Delete),
                step("hash", 1, &[3], Change::Put(vec![3, 3])),
                step("array", 1, &[3], Change::Put(vec![4, 4])),
                step(
                    "tables",
                    2,
                    &[0, 1],
                    Change::PutTable(vec![&[0; 4], &[0; 8]])
                ),
            ]
        );
    }

    #[test]
    fn plan_turns_a_deletion_in_an_array_into_zeros() {
        let operations = [put("array", 1, &[1, 1]), delete("array", 2)];
        let steps = plan(layout, &operations, CPUS).unwrap();
        assert_eq!(steps.len(), 1);
        assert_eq!(steps[0].change, Change::Put(vec![1, 1, 0, 0]));
    }

    #[test]
    fn plan_pads_and_repeats_the_value_of_a_per_cpu_map() {
        let operations = [put("per_cpu", 1, &[5, 6])];
        let steps = plan(layout, &operations, CPUS).unwrap();
        let value = [5, 6, 0, 0, 0, 0, 0, 0];
        assert_eq!(steps[0].change, Change::Put(value.repeat(CPUS)));
    }

    #[test]
    fn plan_keeps_a_deletion_in_a_map_of_maps() {
        let operations = [delete("tables", 7)];
        let steps = plan(layout, &operations, CPUS).unwrap();
        assert_eq!(steps[0].change, Change::Delete);
    }

    #[test]
    fn plan_names_the_operation_and_the_map_that_cannot_work() {
        let wrong_key = operation(
            "hash",
            Action::Delete(Delete {
                key: vec![1, 2, 3].into(),
            }),
        );
        let nothing = Operation {
            map: "hash".into(),
            action: None,
        };
        for (bad, part) in [
            (wrong_key, "the key has 3 bytes"),
            (nothing, "neither put, delete nor put_table"),
            (put("hash", 1, &[1]), "the value has 1 bytes"),
            (put("array", 8, &[1, 1]), "index 8 is out of bounds"),
            (delete("tables", 8), "index 8 is out of bounds"),
            (put("programs", 1, &[0; 4]), "no plain keys and values"),
            (put("tables", 1, &[0; 4]), "takes put_table"),
            (put_table("hash", 1, &[0; 4]), "needs a map of maps"),
            (put_table("tables", 1, &[]), "whole values"),
            (put_table("tables", 1, &[0; 5]), "whole values"),
        ] {
            let map = bad.map.clone();
            let operations = [put("hash", 1, &[1, 1]), bad];
            let error = plan(layout, &operations, CPUS).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            let start = format!("Operation 1 on map {map}: ");
            assert!(error.message.starts_with(&start), "{}", error.message);
            assert!(error.message.contains(part), "{part}: {}", error.message);
        }
    }

    #[test]
    fn plan_does_not_find_an_unknown_map() {
        let operations = [put("other", 1, &[1])];
        let error = plan(layout, &operations, CPUS).unwrap_err();
        assert_eq!(error.code, Code::NotFound);
        assert!(error.message.contains("Operation 0 names map \"other\""));
    }
}
