// SPDX-License-Identifier: Apache-2.0

//! Which pinned maps a new version of an object takes over with their content.

#![forbid(unsafe_code)]

use std::{collections::BTreeMap, path::PathBuf};

use crate::{
    bytecode::{Bytecode, Declared},
    error::{Error, Result},
    map,
    objects::check_name,
    pins::Pins,
    proto::LoadRequest,
    shape::Shape,
    tables::Tables,
};

/// Pins of maps by name: the object's own, and those of another object that the
/// request names.
///
/// # Errors
/// FAILED_PRECONDITION when a pinned map has another shape; NOT_FOUND when the other
/// object does not have it; INVALID_ARGUMENT for what cannot be shared.
pub fn adoptable(
    object: &str,
    pins: &Pins,
    bytecode: &Bytecode<'_>,
    request: &LoadRequest,
) -> Result<BTreeMap<String, PathBuf>> {
    let mut adopted = BTreeMap::new();
    for (name, declared) in bytecode.maps() {
        let pin = pins.map(name);
        if pin.exists() {
            must_fit(object, pins, name, declared)?;
            adopted.insert(name.clone(), pin);
        }
    }
    for name in &request.adopt {
        let Some(declared) = bytecode.maps().get(name) else {
            return Err(Error::invalid(format!(
                "adopt names map {name:?}, which the object does not have"
            )));
        };
        if declared.inner.is_some() {
            return Err(Error::invalid(format!(
                "Map {name} cannot be shared between objects: it is a map of maps; Copy it"
            )));
        }
        check_name(&request.adopt_from)?;
        let other = pins.of(&request.adopt_from);
        if !other.map(name).exists() {
            return Err(Error::not_found(format!(
                "Object {} has no map {name:?} that could be adopted",
                request.adopt_from
            )));
        }
        must_fit(&request.adopt_from, &other, name, declared)?;
        adopted
            .entry(name.clone())
            .or_insert_with(|| other.map(name));
    }
    Ok(adopted)
}

fn must_fit(object: &str, pins: &Pins, name: &str, declared: &Declared) -> Result<()> {
    let (shape, _) = Shape::of(&map::open(&pins.map(name), name)?)?;
    fits(object, name, shape, declared.shape)?;
    if let Some(inner) = &declared.inner {
        let tables = Tables::open(pins.tables(name), name)?;
        fits(object, name, tables.template(), Shape::declared(inner))?;
    }
    Ok(())
}

fn fits(object: &str, map: &str, pinned: Shape, declared: Shape) -> Result<()> {
    if pinned.fits(&declared) {
        return Ok(());
    }
    Err(Error::precondition(format!(
        "Map {map} is pinned as {pinned}, but the object declares {declared}; Unload {object} first, load an object whose map fits, or load this one under another name and let it Replace {object}"
    )))
}
