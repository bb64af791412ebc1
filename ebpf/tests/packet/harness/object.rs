// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The object as it is loaded: its programs, and maps by name.

use std::{
    env, fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::PathBuf,
};

use aya::{
    Ebpf, EbpfLoader,
    maps::{Array, ArrayOfMaps, HashMap, Map, MapData, MapError, PerCpuArray},
    programs::{LinkOrder, SchedClassifier, TcAttachType, Xdp, XdpMode, tc::TcAttachOptions},
};

use blixt_ebpf::layout::{SLOTS_IN_ELEMENT, Slots};

use super::{
    contents::Contents,
    raw::{Layout, Raw},
    table::Table,
    telling::telling,
    test_run::{Run, Summed, test_run, xdp_test_run},
};

/// BPF_F_INNER_MAP (linux/bpf.h), as the object declares its inner arrays.
const INNER_MAP: u32 = 1 << 12;

/// Entries of each flow table, unless a test asks for another number.
const FLOWS: u32 = 8_192;

const CLIENTS: u32 = 4_096;

pub struct Object {
    ebpf: Ebpf,
    program: OwnedFd,
    early: OwnedFd,
    egress: OwnedFd,
    /// Whether it ever was at an interface, whose packets may still be under way in it.
    attached: bool,
}

impl Object {
    /// Loads the object that the build left in the cache, its maps small enough
    /// to be emptied after every test.
    pub fn load() -> Self {
        Self::load_with(FLOWS, FLOWS)
    }

    /// The same with room for so many entries in each flow table, and in those of
    /// pending flows.
    pub fn load_with(flows: u32, pending: u32) -> Self {
        let object = Self::bytes();
        Self::try_load_with(&object, flows, pending).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The same with programs that tell where they redirect to.
    pub fn load_telling() -> Self {
        let object = telling(Self::bytes());
        Self::try_load_with(&object, FLOWS, FLOWS).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The object as the build left it.
    pub fn bytes() -> Vec<u8> {
        let path = path();
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// Loads another object as [`Self::load()`] does that one; none that the verifier refuses.
    pub fn try_load(object: &[u8]) -> Option<Self> {
        Self::try_load_with(object, FLOWS, FLOWS).ok()
    }

    fn try_load_with(object: &[u8], flows: u32, pending: u32) -> Result<Self, String> {
        let mut ebpf = EbpfLoader::new()
            .map_max_entries("flows4", flows)
            .map_max_entries("flows6", flows)
            .map_max_entries("pending4", pending)
            .map_max_entries("pending6", pending)
            .map_max_entries("affinities", CLIENTS)
            .map_max_entries("services", 256)
            .map_max_entries("backends", 1_024)
            .map_max_entries("tables", 512)
            .map_max_entries("backend_stats", 1_024)
            .map_max_entries("service_stats", 256)
            .load(object)
            .map_err(|error| format!("the object cannot be loaded: {error:?}"))?;
        let program = load(&mut ebpf, "ingress")?;
        let egress = load(&mut ebpf, "egress")?;
        let early = early(&mut ebpf);
        let loaded = early.load();
        loaded.map_err(|error| format!("the verifier refused: {error}"))?;
        let fd = early.fd().expect("it is loaded").as_fd();
        let early = fd.try_clone_to_owned().expect("a descriptor can be cloned");
        Ok(Self {
            ebpf,
            program,
            early,
            egress,
            attached: false,
        })
    }

    /// Whether an interface has, or had, a program of it.
    pub fn was_attached(&self) -> bool {
        self.attached
    }

    /// Every map by its name.
    pub fn maps(&self) -> impl Iterator<Item = (&str, Contents<'_>)> {
        let maps = self.ebpf.maps();
        maps.map(|(name, map)| (name, Contents::of(name, map)))
    }

    /// The map of that name, for who uses it often.
    pub fn table<K: Layout, V: Layout>(&self, name: &str) -> Table<K, V> {
        let map = self.ebpf.map(name);
        let map = map.unwrap_or_else(|| panic!("the object has no map {name}"));
        let contents = Contents::of(name, map);
        let sizes = (contents.key_size(), contents.value_size());
        Table::new(contents.descriptor(), sizes)
    }

    /// Makes every map hold nothing, as when it was loaded.
    pub fn clear(&self) {
        for (_, map) in self.maps() {
            map.clear();
        }
    }

    /// At both TCX hooks, until the object goes.
    pub fn attach(&mut self, interface: &str) {
        self.attached = true;
        for (name, hook) in [
            ("ingress", TcAttachType::Ingress),
            ("egress", TcAttachType::Egress),
        ] {
            let attached = classifier(&mut self.ebpf, name).attach_with_options(
                interface,
                hook,
                TcAttachOptions::TcxOrder(LinkOrder::default()),
            );
            attached.unwrap_or_else(|error| panic!("{interface} takes no {name}: {error}"));
        }
    }

    /// In the driver, until the object goes.
    pub fn attach_early(&mut self, interface: &str) {
        self.attached = true;
        let attached = early(&mut self.ebpf).attach(interface, XdpMode::Driver);
        attached.unwrap_or_else(|error| panic!("{interface} takes no program: {error}"));
    }

    /// The program at ingress, for who runs it by itself.
    pub fn program(&self) -> BorrowedFd<'_> {
        self.program.as_fd()
    }

    /// The XDP program, for who runs it by itself.
    pub fn early(&self) -> BorrowedFd<'_> {
        self.early.as_fd()
    }

    /// The program at egress, for who runs it by itself.
    pub fn egress(&self) -> BorrowedFd<'_> {
        self.egress.as_fd()
    }

    /// The descriptor of a map, for a program of the test's own.
    pub fn descriptor(&self, map: &str) -> OwnedFd {
        let map = self.ebpf.map(map);
        let Some(Map::LruHashMap(data)) = map else {
            panic!("the object has no LRU hash of that name")
        };
        let fd = data.fd().as_fd();
        fd.try_clone_to_owned().expect("a descriptor can be cloned")
    }

    /// Runs the XDP program, which no checksum of hardware's reaches.
    pub fn run_early(&self, frame: &[u8], ifindex: u32) -> io::Result<Run> {
        xdp_test_run(self.early(), frame, ifindex, 1)
    }

    pub fn run(&self, frame: &[u8], ifindex: u32, summed: Summed) -> io::Result<Run> {
        test_run(self.program.as_fd(), frame, ifindex, summed, 1)
    }

    pub fn put<K: Layout, V: Layout>(&mut self, map: &str, key: K, value: V) {
        let mut map: HashMap<_, Raw<K>, Raw<V>> = self.map(map);
        map.insert(Raw(key), Raw(value), 0)
            .expect("the map takes the element");
    }

    pub fn remove<K: Layout, V: Layout>(&mut self, map: &str, key: K) {
        let mut map: HashMap<_, Raw<K>, Raw<V>> = self.map(map);
        map.remove(&Raw(key)).expect("the element was there");
    }

    pub fn get<K: Layout, V: Layout>(&mut self, map: &str, key: K) -> Option<V> {
        let map: HashMap<_, Raw<K>, Raw<V>> = self.map(map);
        match map.get(&Raw(key), 0) {
            Ok(Raw(value)) => Some(value),
            Err(MapError::KeyNotFound) => None,
            Err(error) => panic!("the map cannot be read: {error}"),
        }
    }

    pub fn count<K: Layout, V: Layout>(&mut self, map: &str) -> usize {
        let map: HashMap<_, Raw<K>, Raw<V>> = self.map(map);
        map.keys().count()
    }

    pub fn elements<K: Layout, V: Layout>(&mut self, map: &str) -> Vec<(K, V)> {
        let map: HashMap<_, Raw<K>, Raw<V>> = self.map(map);
        let elements = map
            .iter()
            .map(|element| element.expect("nobody else writes"));
        elements
            .map(|(Raw(key), Raw(value))| (key, value))
            .collect()
    }

    pub fn set<V: Layout>(&mut self, map: &str, index: u32, value: V) {
        let mut map: Array<_, Raw<V>> = self.map(map);
        map.set(index, Raw(value), 0)
            .expect("the array takes the element");
    }

    /// Replaces the inner array at `index` of `tables`.
    pub fn set_table(&mut self, index: u32, slots: &[u32]) {
        let elements: Vec<Slots> = slots
            .chunks(SLOTS_IN_ELEMENT)
            .map(|slots| {
                let mut element = Slots::default();
                element[..slots.len()].copy_from_slice(slots);
                element
            })
            .collect();
        let length = elements.len().try_into().expect("a table fits");
        let mut table: Array<MapData, Slots> =
            Array::create(length, INNER_MAP).expect("room for a table");
        for (index, element) in (0..).zip(elements) {
            table
                .set(index, element, 0)
                .expect("the element is within the table");
        }
        let mut tables: ArrayOfMaps<_, Array<MapData, Slots>> = self.map("tables");
        tables
            .set(index, &table, 0)
            .expect("the map of maps takes the table");
    }

    /// What each CPU has at `index`.
    pub fn per_cpu<V: Layout>(&mut self, map: &str, index: u32) -> Vec<V> {
        let map: PerCpuArray<_, Raw<V>> = self.map(map);
        let values = map.get(&index, 0).expect("the array has the element");
        values.iter().map(|Raw(value)| *value).collect()
    }

    fn map<'a, M>(&'a mut self, name: &str) -> M
    where
        M: TryFrom<&'a mut aya::maps::Map, Error = MapError>,
    {
        let map = self
            .ebpf
            .map_mut(name)
            .unwrap_or_else(|| panic!("the object has no map {name}"));
        map.try_into()
            .unwrap_or_else(|error| panic!("{name} is not what the test takes it for: {error}"))
    }
}

fn early(ebpf: &mut Ebpf) -> &mut Xdp {
    let program = ebpf
        .program_mut("early")
        .expect("the object has a program `early`");
    program.try_into().expect("it is an XDP program")
}

fn classifier<'a>(ebpf: &'a mut Ebpf, name: &str) -> &'a mut SchedClassifier {
    let program = ebpf.program_mut(name);
    let program = program.unwrap_or_else(|| panic!("the object has a program {name}"));
    program.try_into().expect("it is a classifier")
}

fn load(ebpf: &mut Ebpf, name: &str) -> Result<OwnedFd, String> {
    let classifier = classifier(ebpf, name);
    let loaded = classifier.load();
    loaded.map_err(|error| format!("the verifier refused {name}: {error}"))?;
    let fd = classifier.fd().expect("it is loaded").as_fd();
    Ok(fd.try_clone_to_owned().expect("a descriptor can be cloned"))
}

/// Where the build leaves the object.
fn path() -> PathBuf {
    let cache = env::var_os("BLIXT_CACHE").map(PathBuf::from);
    let cache = cache.unwrap_or_else(|| {
        let home = env::var_os("HOME").expect("BLIXT_CACHE or HOME says where the object is");
        PathBuf::from(home).join(".cache/blixt")
    });
    cache.join("target-bpf/bpfel-unknown-none/release/blixt")
}
