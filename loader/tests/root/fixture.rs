// SPDX-License-Identifier: Apache-2.0

//! The small eBPF object in tests/fixture, built once for each version.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    sync::Mutex,
};

/// First version.
pub fn first() -> Vec<u8> {
    build("")
}

/// Second version: other programs, one map more.
pub fn next() -> Vec<u8> {
    build("next")
}

/// With a program that the verifier refuses.
pub fn refused() -> Vec<u8> {
    build("refused")
}

fn cache() -> PathBuf {
    let home = || PathBuf::from(env::var_os("HOME").expect("HOME is set")).join(".cache/blixt");
    env::var_os("BLIXT_CACHE").map_or_else(home, PathBuf::from)
}

fn build(features: &str) -> Vec<u8> {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _guard = ONE_AT_A_TIME.lock();
    let target = cache().join("target-bpf/fixture");
    let flags = [
        format!("--cfg=bpf_target_arch=\"{}\"", env::consts::ARCH),
        "-Cdebuginfo=2".into(),
        "-Clink-arg=--btf".into(),
    ];
    let built = Command::new(env!("CARGO"))
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixture"))
        .args(["build", "--release", "--quiet", "--locked"])
        .args(["--target", "bpfel-unknown-none", "-Z", "build-std=core"])
        .args(["--features", features])
        .env("CARGO_TARGET_DIR", &target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags.join("\x1f"))
        .env("RUSTC_BOOTSTRAP", "1")
        .env_remove("RUSTFLAGS")
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the fixture cannot be built");
    fs::read(target.join("bpfel-unknown-none/release/fixture")).expect("the fixture was built")
}
