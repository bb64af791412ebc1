// SPDX-License-Identifier: Apache-2.0

//! Bytes that a client keeps with an object, in a map because a bpffs holds no
//! files.

#![forbid(unsafe_code)]

use std::{os::fd::AsFd as _, path::Path};

use aya::maps::{MapData, MapType};

use crate::{
    bpf,
    error::{Error, Result},
    map, pins,
    shape::Shape,
};

/// Longest note, in bytes.
const LONGEST: usize = 64 * 1024;

/// # Errors
/// INVALID_ARGUMENT for a note that is too long.
pub fn check(note: &[u8]) -> Result<()> {
    if note.len() <= LONGEST {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "A note has at most {LONGEST} bytes, not {}",
        note.len()
    )))
}

/// Pins a note in place of the one that is there; an empty one leaves none.
pub fn write(pin: &Path, note: &[u8]) -> Result<()> {
    if note.is_empty() {
        return pins::remove(pin);
    }
    let size = u32::try_from(note.len()).map_err(|_| Error::invalid("A note is too long"))?;
    let declared = aya_obj::Map::new_from_params(MapType::Array as u32, 4, size, 1, 0);
    let data = MapData::create(declared, "note", None)
        .map_err(|error| Error::internal(format!("Cannot create a map for the note: {error}")))?;
    let (shape, _) = Shape::of(&data)?;
    bpf::update(data.fd().as_fd(), shape.sizes(1), &[0; 4], note)
        .map_err(|error| Error::kernel("write the note", &error))?;
    pins::replace(data.fd(), pin)
}

/// Reads a note; empty when there is none.
pub fn read(pin: &Path) -> Result<Vec<u8>> {
    if !pin.exists() {
        return Ok(Vec::new());
    }
    let data = map::open(pin, "note")?;
    let (shape, _) = Shape::of(&data)?;
    let mut note = vec![0; shape.value_size as usize];
    bpf::lookup(data.fd().as_fd(), shape.sizes(1), &[0; 4], &mut note)
        .map_err(|error| Error::kernel("read the note", &error))?;
    Ok(note)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_refuses_a_note_that_is_too_long() {
        assert!(check(&vec![0; LONGEST]).is_ok());
        let error = check(&vec![0; LONGEST + 1]).unwrap_err();
        assert_eq!(error.message, "A note has at most 65536 bytes, not 65537");
    }
}
