// SPDX-License-Identifier: Apache-2.0

//! A loaded object: its maps, programs and links. All of it lives in pins, so
//! a new loader finds what an earlier one left.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    os::fd::AsFd as _,
    path::Path,
    sync::Arc,
};

use aya::{Ebpf, programs::ProgramType};
use tonic::Code;

use crate::{
    adopt::adoptable,
    apply, bpf,
    bytecode::Bytecode,
    dump,
    error::{Error, Result},
    hook::Place,
    links,
    map::Map,
    note,
    order::Order,
    pins::{self, Pins},
    plan,
    program::Program,
    proto,
    tables::Tables,
};

#[derive(Debug)]
pub struct Object {
    name: String,
    pins: Pins,
    maps: BTreeMap<String, Arc<Map>>,
    programs: BTreeMap<String, Program>,
    /// Maps that the last Load took over.
    adopted: BTreeSet<String>,
    /// Generation of the last Apply done wholly; 0 for none.
    generation: u64,
    /// What the client that loaded it wrote down.
    note: Vec<u8>,
    /// Why the kernel refused what was last asked for.
    refused: BTreeMap<Place, String>,
    /// Possible CPUs of this machine.
    cpus: usize,
}

impl Object {
    /// What is pinned under a name; nothing when nothing is.
    pub fn open(pin_dir: &Path, name: &str, cpus: usize) -> Result<Self> {
        let mut object = Self {
            name: name.to_owned(),
            pins: Pins::new(pin_dir, name),
            maps: BTreeMap::new(),
            programs: BTreeMap::new(),
            adopted: BTreeSet::new(),
            generation: 0,
            note: Vec::new(),
            refused: BTreeMap::new(),
            cpus,
        };
        object.reopen()?;
        Ok(object)
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Takes the place and the name of `former`, which is gone afterwards. Every
    /// step can be done again.
    pub fn replace(&mut self, former: &mut Self) -> Result<()> {
        links::hand_over(&former.pins, &self.pins, &self.programs)?;
        former.unload()?;
        pins::rename(&self.pins, &former.pins)?;
        std::mem::swap(&mut self.name, &mut former.name);
        std::mem::swap(&mut self.pins, &mut former.pins);
        self.reopen()?;
        // Who holds the two by name finds them where they belong.
        std::mem::swap(self, former);
        Ok(())
    }

    /// Whether anything of it is in the kernel.
    pub fn exists(&self) -> bool {
        self.pins.exist()
    }

    /// Forgets what is gone when somebody removed the pins behind our back.
    pub fn refresh(&mut self) -> Result<()> {
        let empty = self.maps.is_empty() && self.programs.is_empty();
        if !empty && !self.exists() {
            self.unload()?;
        }
        Ok(())
    }

    /// Takes over what is pinned, and removes pins that nothing needs.
    fn reopen(&mut self) -> Result<()> {
        let (pins, cpus) = (&self.pins, self.cpus);
        self.note = note::read(&pins.note())?;
        self.maps = BTreeMap::new();
        for name in pins::list(&pins.maps())? {
            let map = Map::open(pins, &name, cpus)?;
            if let Some(tables) = map.tables() {
                let used: HashSet<u32> = dump::table_ids(&map)?;
                tables.sweep(&used)?;
            }
            self.maps.insert(name, Arc::new(map));
        }
        self.programs = BTreeMap::new();
        for name in pins::list(&pins.programs())? {
            // A hyphen marks what a replacement that was cut short left.
            if !name.contains('-') {
                let program = Program::open(pins, &name)?;
                self.programs.insert(name, program);
            }
        }
        Ok(())
    }

    /// Loads a version of the object; see `Load` in the contract. When it fails
    /// nothing has changed.
    pub fn load(&mut self, request: &proto::LoadRequest) -> Result<()> {
        let bytecode = Bytecode::parse(request)?;
        note::check(&request.note)?;
        let adopted = adoptable(&self.name, &self.pins, &bytecode, request)?;
        let ebpf = bytecode.load(&adopted)?;

        let existed = self.exists();
        self.pins.create()?;
        let created: Vec<&str> = bytecode
            .maps()
            .keys()
            .map(String::as_str)
            .filter(|name| !self.maps.contains_key(*name))
            .collect();
        // Before the programs change: whoever comes after a crash in between
        // loads this version again.
        let switched = self
            .pin_maps(&bytecode, &ebpf, &created)
            .and_then(|()| note::write(&self.pins.note(), &request.note))
            .and_then(|()| self.switch(&ebpf));
        if let Err(error) = switched {
            if existed {
                note::write(&self.pins.note(), &self.note)?;
                created.iter().try_for_each(|name| self.unpin_map(name))?;
            } else {
                self.pins.remove_all()?;
            }
            return Err(error);
        }

        self.unpin_absent(&bytecode)?;
        self.adopted = adopted.into_keys().collect();
        self.reopen()
    }

    fn pin_maps(&self, bytecode: &Bytecode<'_>, ebpf: &Ebpf, created: &[&str]) -> Result<()> {
        for name in created {
            if let Some(inner) = &bytecode.maps()[*name].inner {
                Tables::create(&self.pins.tables(name), name, inner.clone())?;
            }
            let map = ebpf
                .map(name)
                .ok_or_else(|| Error::internal(format!("Map {name} was not created")))?;
            map.pin(self.pins.map(name)).map_err(|error| {
                Error::internal(format!(
                    "Cannot pin map {name}: {error}; --pin-dir must be in a bpffs, and a map's name must have no dot"
                ))
            })?;
        }
        Ok(())
    }

    /// Puts the new programs in the old ones' places.
    fn switch(&self, ebpf: &Ebpf) -> Result<()> {
        let mut programs = BTreeMap::new();
        for (name, program) in ebpf.programs() {
            let fd = program
                .fd()
                .map_err(|error| Error::internal(format!("Program {name} has gone: {error}")))?;
            programs.insert(name, fd.as_fd());
        }
        links::swap(&self.pins, &self.programs, &programs)?;
        for (name, fd) in programs {
            pins::replace(fd, &self.pins.program(name))?;
        }
        Ok(())
    }

    /// Removes pins of maps and programs that the new version does not have.
    fn unpin_absent(&self, bytecode: &Bytecode<'_>) -> Result<()> {
        for name in pins::list(&self.pins.maps())? {
            if !bytecode.maps().contains_key(&name) {
                self.unpin_map(&name)?;
            }
        }
        for name in pins::list(&self.pins.programs())? {
            if !bytecode.programs().contains(&name) {
                pins::remove(&self.pins.program(&name))?;
            }
        }
        Ok(())
    }

    fn unpin_map(&self, name: &str) -> Result<()> {
        pins::remove(&self.pins.map(name))?;
        pins::remove_folder(&self.pins.tables(name))
    }

    /// Detaches and unpins all of it.
    pub fn unload(&mut self) -> Result<()> {
        links::detach_all(&self.pins)?;
        self.pins.remove_all()?;
        self.maps.clear();
        self.programs.clear();
        self.adopted.clear();
        self.note.clear();
        self.refused.clear();
        self.generation = 0;
        Ok(())
    }

    /// Attaches programs, each as far as the kernel lets it.
    pub fn attach(&mut self, request: &proto::AttachRequest) -> Result<Vec<proto::AttachResult>> {
        links::sweep(&self.pins)?;
        let order = Order::from_proto(request)?;
        let results = request.attachments.iter().map(|attachment| {
            let attached = self.attach_one(attachment, &order);
            proto::AttachResult {
                attachment: Some(attachment.clone()),
                error: attached.map_or_else(|error| error.message, |()| String::new()),
            }
        });
        Ok(results.collect())
    }

    fn attach_one(&mut self, attachment: &proto::Attachment, order: &Order) -> Result<()> {
        let place = Place::from_proto(attachment)?;
        let attached = self.attach_at(&place, order);
        match &attached {
            Err(error) if error.code != Code::NotFound => {
                self.refused.insert(place, error.message.clone());
            }
            _ => drop(self.refused.remove(&place)),
        }
        attached
    }

    fn attach_at(&self, place: &Place, order: &Order) -> Result<()> {
        let program = self.program(&place.program)?;
        links::attach(&self.pins, program, place, order)
    }

    /// Places where its programs hang, by the kernel's id of the link.
    pub fn links(&self) -> Result<HashMap<u32, Place>> {
        links::by_id(&self.pins)
    }

    /// Detaches programs; those that do not hang are no error.
    pub fn detach(&mut self, attachments: &[proto::Attachment]) -> Result<()> {
        let places: Result<Vec<Place>> = attachments.iter().map(Place::from_proto).collect();
        for place in places? {
            links::detach(&self.pins, &place)?;
            self.refused.remove(&place);
        }
        Ok(())
    }

    /// Runs a program on frames; see `Run` in the contract.
    pub fn run(&self, request: &proto::RunRequest) -> Result<Vec<i32>> {
        let program = self.program(&request.program)?;
        if program.program_type() != ProgramType::SchedClassifier {
            return Err(Error::invalid(format!(
                "Program {} cannot be run: it is no classifier",
                request.program
            )));
        }
        let results = request.frames.iter().map(|frame| {
            bpf::run(program.fd(), request.ifindex, frame).map_err(|error| {
                let what = format!("run program {} for interface {}", request.program, request.ifindex);
                match error.raw_os_error() {
                    Some(libc::EINVAL | libc::ENODEV) => Error::invalid(format!(
                        "Cannot {what}: there is no such interface, or a frame of {} bytes is too short",
                        frame.len()
                    )),
                    _ => Error::kernel(what, &error),
                }
            })
        });
        results.collect()
    }

    fn program(&self, name: &str) -> Result<&Program> {
        self.programs.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.programs.keys().map(String::as_str).collect();
            Error::not_found(format!(
                "Object {} has no program {name:?}; it has {}",
                self.name,
                known.join(", ")
            ))
        })
    }

    /// Writes to the maps; see `Apply` in the contract.
    pub fn apply(&mut self, request: &proto::ApplyRequest) -> Result<proto::ApplyResponse> {
        if request.generation == 0 {
            return Err(Error::invalid(
                "Generation 0 stands for none; begin with 1 and grow with every request",
            ));
        }
        if request.generation <= self.generation {
            return Ok(proto::ApplyResponse {
                applied: 0,
                already: true,
            });
        }
        let steps = plan::plan(
            |name| self.maps.get(name).map(|map| map.layout()),
            &request.operations,
            self.cpus,
        )?;
        let applied = apply::execute(&self.maps, &steps)?;
        self.generation = request.generation;
        Ok(proto::ApplyResponse {
            applied,
            already: false,
        })
    }

    /// A map by name.
    ///
    /// # Errors
    /// NOT_FOUND, with the names there are.
    pub fn map(&self, name: &str) -> Result<Arc<Map>> {
        self.maps.get(name).cloned().ok_or_else(|| {
            let known: Vec<&str> = self.maps.keys().map(String::as_str).collect();
            Error::not_found(format!(
                "Object {} has no map {name:?}; it has {}",
                self.name,
                known.join(", ")
            ))
        })
    }

    pub fn describe(&self) -> Result<proto::LoadedObject> {
        let adopted = |map: &Map| self.adopted.contains(map.name());
        Ok(proto::LoadedObject {
            name: self.name.clone(),
            maps: self
                .maps
                .values()
                .map(|map| map.describe(adopted(map)))
                .collect(),
            programs: self.programs.values().map(Program::describe).collect(),
            attachments: links::attached(&self.pins)?
                .iter()
                .map(Place::to_proto)
                .collect(),
            generation: self.generation,
            note: self.note.clone().into(),
            refused: self.refused.iter().map(refusal).collect(),
        })
    }
}

fn refusal((place, error): (&Place, &String)) -> proto::AttachResult {
    proto::AttachResult {
        attachment: Some(place.to_proto()),
        error: error.clone(),
    }
}
