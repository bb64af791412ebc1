// SPDX-License-Identifier: Apache-2.0

//! What this kernel can do, found out by trying.

#![forbid(unsafe_code)]

use std::{
    fmt::Display,
    fs,
    os::fd::AsFd as _,
    path::Path,
    sync::atomic::{AtomicU32, Ordering},
};

use aya::{
    maps::{MapData, MapType},
    programs::ProgramType,
    sys::{BpfHelper, is_helper_supported, is_map_supported, is_program_supported},
};

use crate::{
    bpf::{self, Cursor},
    error::Error,
    hook::Hook,
    pins,
    proto::Feature,
    shape::Shape,
};

const BTF: &str = "/sys/kernel/btf/vmlinux";

/// The kernel's release, as `uname -r` has it.
pub fn kernel() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease");
    release.unwrap_or_default().trim().to_owned()
}

/// Tries everything a client may want to rely on. Leaves nothing behind.
pub fn features(pin_dir: &Path) -> Vec<Feature> {
    vec![
        tcx(),
        answer(
            "xdp",
            "load an XDP program",
            is_program_supported(ProgramType::Xdp),
        ),
        answer(
            "lru_hash",
            "create an LRU hash",
            is_map_supported(MapType::LruHash),
        ),
        answer(
            "array_of_maps",
            "create an array of maps",
            is_map_supported(MapType::ArrayOfMaps),
        ),
        batch_operations(),
        helper("redirect_peer", BpfHelper::BPF_FUNC_redirect_peer),
        helper("redirect_neigh", BpfHelper::BPF_FUNC_redirect_neigh),
        helper(
            "ktime_get_coarse_ns",
            BpfHelper::BPF_FUNC_ktime_get_coarse_ns,
        ),
        answer(
            "btf",
            &format!("read {BTF}"),
            fs::File::open(BTF).map(|_| true),
        ),
        bpffs(pin_dir),
    ]
}

fn helper(name: &str, helper: BpfHelper) -> Feature {
    let tried = format!("call bpf_{name}() from a classifier");
    answer(
        name,
        &tried,
        is_helper_supported(ProgramType::SchedClassifier, helper),
    )
}

/// Asks for the programs at the loopback interface's TCX hook. A kernel
/// without TCX does not know the attach type.
fn tcx() -> Feature {
    const LOOPBACK: u32 = 1;
    let queried = bpf::query(LOOPBACK, Hook::TcxIngress.attach_type());
    answer("tcx", "query a TCX hook", queried.map(|_| true))
}

fn batch_operations() -> Feature {
    let tried = "write and read an array by batch";
    let batch = || -> crate::error::Result<bool> {
        let array = small_array()?;
        let (shape, _) = Shape::of(&array)?;
        let sizes = shape.sizes(1);
        let (mut key, mut value) = ([0; 4], [0; 4]);
        let fd = array.fd().as_fd();
        let written = bpf::update_batch(fd, sizes, &key, &[1, 2, 3, 4]);
        let read = bpf::lookup_batch(fd, sizes, &mut Cursor::default(), &mut key, &mut value);
        Ok(written.is_ok() && read.is_ok() && value == [1, 2, 3, 4])
    };
    answer(
        "batch_operations",
        tried,
        batch().map_err(|error| error.message),
    )
}

/// Whether something can be pinned in `pin_dir`.
pub fn bpffs(pin_dir: &Path) -> Feature {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    // Capitals: no object has such a name.
    let pin = pin_dir.join(format!("PROBE-{}-{number}", std::process::id()));
    let tried = format!("pin a map in {}", pin_dir.display());
    let pinned = || -> Result<bool, String> {
        let array = small_array().map_err(|error| error.message)?;
        bpf::pin(array.fd().as_fd(), &pin).map_err(|error| error.to_string())?;
        pins::remove(&pin).map_err(|error| error.message)?;
        Ok(true)
    };
    answer("bpffs", &tried, pinned())
}

fn small_array() -> crate::error::Result<MapData> {
    let declared = aya_obj::Map::new_from_params(MapType::Array as u32, 4, 4, 1, 0);
    MapData::create(declared, "probe", None)
        .map_err(|error| Error::internal(format!("Cannot create an array: {error}")))
}

fn answer<E: Display>(name: &str, tried: &str, result: Result<bool, E>) -> Feature {
    let (supported, how) = match result {
        Ok(true) => (true, "works".to_owned()),
        Ok(false) => (false, "not supported".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    Feature {
        name: name.to_owned(),
        supported,
        detail: format!("{tried}: {how}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answer_says_what_was_tried_and_how_it_ended() {
        let feature = answer("f", "try it", Ok::<_, String>(true));
        assert!(feature.supported);
        assert_eq!(feature.detail, "try it: works");
        let feature = answer("f", "try it", Ok::<_, String>(false));
        assert!(!feature.supported);
        let feature = answer("f", "try it", Err("no luck"));
        assert!(!feature.supported);
        assert_eq!(feature.detail, "try it: no luck");
    }
}
