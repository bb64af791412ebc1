// SPDX-License-Identifier: Apache-2.0

//! Generates the service from proto/loader.proto, without protoc.

fn main() {
    let proto = "../proto/loader.proto";
    println!("cargo::rerun-if-changed={proto}");
    let files = protox::compile([proto], ["../proto"]).expect("proto/loader.proto compiles");
    tonic_prost_build::configure()
        .bytes(".")
        .compile_fds(files)
        .expect("the service can be generated");
}
