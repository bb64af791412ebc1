// SPDX-License-Identifier: Apache-2.0

//! All objects by name. Requests for one object are done one after another,
//! those for different objects side by side.

#![forbid(unsafe_code)]

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{
    error::{Error, Result},
    object::Object,
    pins, proto,
};

/// Longest name of an object.
const NAME_LENGTH: usize = 32;

#[derive(Debug)]
pub struct Objects {
    pin_dir: PathBuf,
    /// Possible CPUs of this machine.
    cpus: usize,
    objects: Mutex<BTreeMap<String, Arc<Mutex<Object>>>>,
}

impl Objects {
    pub fn new(pin_dir: PathBuf, cpus: usize) -> Self {
        Self {
            pin_dir,
            cpus,
            objects: Mutex::default(),
        }
    }

    pub fn pin_dir(&self) -> &std::path::Path {
        &self.pin_dir
    }

    pub fn cpus(&self) -> usize {
        self.cpus
    }

    /// Names of the objects that are pinned.
    pub fn names(&self) -> Result<Vec<String>> {
        let mut names = pins::list(&self.pin_dir)?;
        names.retain(|name| check_name(name).is_ok());
        Ok(names)
    }

    /// Does `work` with an object that may not exist yet.
    pub fn with_new<T>(
        &self,
        name: &str,
        work: impl FnOnce(&mut Object) -> Result<T>,
    ) -> Result<T> {
        let entry = self.entry(name)?;
        let mut object = lock(&entry);
        object.refresh()?;
        work(&mut object)
    }

    fn entry(&self, name: &str) -> Result<Arc<Mutex<Object>>> {
        check_name(name)?;
        let mut objects = lock(&self.objects);
        if let Some(entry) = objects.get(name) {
            return Ok(Arc::clone(entry));
        }
        let object = Object::open(&self.pin_dir, name, self.cpus)?;
        let entry = Arc::new(Mutex::new(object));
        objects.insert(name.to_owned(), Arc::clone(&entry));
        Ok(entry)
    }

    /// Gives object `by` the place and the name of object `name`.
    ///
    /// # Errors
    /// NOT_FOUND without `by`; INVALID_ARGUMENT when both are the same.
    pub fn replace(&self, name: &str, by: &str) -> Result<proto::LoadedObject> {
        if name == by {
            return Err(Error::invalid(format!(
                "Object {name} cannot replace itself"
            )));
        }
        let (former, next) = (self.entry(name)?, self.entry(by)?);
        // In one order, whoever calls.
        let (mut former, mut next) = if name < by {
            let former = lock(&former);
            (former, lock(&next))
        } else {
            let next = lock(&next);
            (lock(&former), next)
        };
        former.refresh()?;
        next.refresh()?;
        if !next.exists() {
            return Err(not_loaded(by));
        }
        next.replace(&mut former)?;
        former.describe()
    }

    /// Does `work` with an object that exists.
    ///
    /// # Errors
    /// NOT_FOUND when nothing is loaded or pinned under that name.
    pub fn with<T>(&self, name: &str, work: impl FnOnce(&mut Object) -> Result<T>) -> Result<T> {
        self.with_new(name, |object| {
            if object.exists() {
                work(object)
            } else {
                Err(not_loaded(name))
            }
        })
    }
}

fn not_loaded(name: &str) -> Error {
    Error::not_found(format!("No object {name} is loaded; Load it first"))
}

/// Checks the name of an object.
///
/// # Errors
/// INVALID_ARGUMENT unless the name is [a-z0-9_-]{1,32}.
pub fn check_name(name: &str) -> Result<()> {
    let plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if (1..=NAME_LENGTH).contains(&name.len()) && name.bytes().all(plain) {
        return Ok(());
    }
    Err(Error::invalid(format!(
        "An object's name is 1 to {NAME_LENGTH} of a-z, 0-9, _ and -, not {name:?}"
    )))
}

/// A panic in one request must not refuse all later ones: whatever matters is
/// in the kernel and not in the value that was locked.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_name_takes_what_the_contract_says_and_no_path() {
        for name in ["a", "abc_9-z", &"x".repeat(32)] {
            assert!(check_name(name).is_ok(), "{name}");
        }
        for name in ["", ".", "..", "a/b", "A", "a.b", "é", &"x".repeat(33)] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
