// SPDX-License-Identifier: Apache-2.0

//! Where an object's kernel parts are kept alive in the bpffs.
//!
//! ```text
//! PIN_DIR/<object>/maps/<map>
//! PIN_DIR/<object>/programs/<program>
//! PIN_DIR/<object>/links/<program>-<hook>-<ifindex>
//! PIN_DIR/<object>/note                               bytes that a client keeps with it
//! PIN_DIR/<object>/tables/<map of maps>/template      what inner maps look like
//! PIN_DIR/<object>/tables/<map of maps>/<id>          the inner maps in use
//! ```
//!
//! A bpffs refuses names with a dot, so the parts of a link's name are joined
//! by hyphens, which no program's name has. Inner maps are pinned because the
//! kernel opens a map by id only for CAP_SYS_ADMIN, and the loader must read
//! them back after a restart.

#![forbid(unsafe_code)]

use std::{
    fs, io,
    os::fd::AsFd,
    path::{Path, PathBuf},
};

use crate::{
    bpf,
    error::{Error, Result},
    hook::Place,
};

/// Folder of one object's pins.
#[derive(Debug, Clone)]
pub struct Pins {
    folder: PathBuf,
}

impl Pins {
    pub fn new(pin_dir: &Path, object: &str) -> Self {
        Self {
            folder: pin_dir.join(object),
        }
    }

    pub fn exist(&self) -> bool {
        self.folder.is_dir()
    }

    pub fn maps(&self) -> PathBuf {
        self.folder.join("maps")
    }

    pub fn programs(&self) -> PathBuf {
        self.folder.join("programs")
    }

    pub fn links(&self) -> PathBuf {
        self.folder.join("links")
    }

    pub fn map(&self, map: &str) -> PathBuf {
        self.maps().join(map)
    }

    pub fn program(&self, program: &str) -> PathBuf {
        self.programs().join(program)
    }

    pub fn link(&self, place: &Place) -> PathBuf {
        self.links().join(place.pin_name())
    }

    /// What a client keeps with the object.
    pub fn note(&self) -> PathBuf {
        self.folder.join("note")
    }

    /// Pins of another object beside this one.
    pub fn of(&self, object: &str) -> Self {
        Self {
            folder: self.folder.with_file_name(object),
        }
    }

    /// Folder of the inner maps of a map of maps.
    pub fn tables(&self, map: &str) -> PathBuf {
        self.folder.join("tables").join(map)
    }

    /// Makes the object's folders.
    pub fn create(&self) -> Result<()> {
        for folder in [self.maps(), self.programs(), self.links()] {
            create_folder(&folder)?;
        }
        Ok(())
    }

    /// Removes every pin of the object and its folders. Links go first, so
    /// that no program runs without its maps being listed; maps before their
    /// tables, so that what is left half way can still be opened.
    pub fn remove_all(&self) -> Result<()> {
        remove_folder(&self.links())?;
        remove_folder(&self.maps())?;
        remove_folder(&self.folder)
    }
}

/// Makes a folder and those above it.
pub fn create_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)
        .map_err(|error| Error::kernel(format!("create the folder {}", folder.display()), &error))
}

/// Pins at `path`, in place of what is pinned there, in one step.
pub fn replace(fd: impl AsFd, path: &Path) -> Result<()> {
    let failed = |error| Error::kernel(format!("pin {}", path.display()), &error);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let next = path.with_file_name(format!("{name}-next"));
    remove(&next)?;
    bpf::pin(fd.as_fd(), &next).map_err(failed)?;
    fs::rename(&next, path).map_err(failed)
}

/// Gives an object the name of one that is not there, in one step.
pub fn rename(from: &Pins, to: &Pins) -> Result<()> {
    fs::rename(&from.folder, &to.folder).map_err(|error| {
        let what = format!(
            "rename {} to {}",
            from.folder.display(),
            to.folder.display()
        );
        Error::kernel(what, &error)
    })
}

/// Removes one pin; an absent one is not an error.
pub fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::kernel(
            format!("remove the pin {}", path.display()),
            &error,
        )),
        _ => Ok(()),
    }
}

/// Removes a folder and every pin in it; an absent one is not an error.
pub fn remove_folder(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Error::kernel(
            format!("remove the pins in {}", folder.display()),
            &error,
        )),
        _ => Ok(()),
    }
}

/// Names in a folder, sorted; none when there is no folder.
pub fn list(folder: &Path) -> Result<Vec<String>> {
    let failed = |error: io::Error| Error::kernel(format!("read {}", folder.display()), &error);
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(failed)?,
    };
    let mut names = Vec::new();
    for entry in entries {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}
