// SPDX-License-Identifier: Apache-2.0

use std::{fs, os::unix::fs::PermissionsExt as _, process::Command, thread};

use tonic::Code;

use crate::{
    fixture,
    host::{Host, fails, run},
};

/// CAP_NET_ADMIN, CAP_PERFMON and CAP_BPF.
const THREE: &str = "000000c000001000";
const NONE: &str = "0000000000000000";

const NOBODY: u32 = 65534;

#[test]
#[ignore = "needs root"]
fn the_loader_keeps_three_capabilities_in_every_thread() {
    let (host, mut client) = Host::with_loader();
    // Starts the threads that block.
    client.load(fixture::first()).unwrap();
    for task in fs::read_dir(format!("/proc/{}/task", host.pid())).unwrap() {
        let status = fs::read_to_string(task.unwrap().path().join("status")).unwrap();
        let value = |field: &str| {
            let line = status.lines().find(|line| line.starts_with(field)).unwrap();
            line.split_whitespace().nth(1).unwrap().to_owned()
        };
        assert_eq!(value("CapPrm:"), THREE);
        assert_eq!(value("CapEff:"), THREE);
        assert_eq!(value("CapBnd:"), THREE);
        assert_eq!(value("CapInh:"), NONE);
        assert_eq!(value("CapAmb:"), NONE);
        assert_eq!(value("NoNewPrivs:"), "1");
    }
}

#[test]
#[ignore = "needs root"]
fn a_missing_capability_is_named_and_ends_the_loader() {
    let host = Host::new();
    let mut command = Command::new("setpriv");
    command
        .arg("--bounding-set=-bpf,-perfmon")
        .arg(env!("CARGO_BIN_EXE_blixt-loader"))
        .args(["--socket", "/run/never", "--pin-dir"])
        .arg(host.pin_dir());
    let (code, said) = fails(&mut command);
    assert_eq!(code, 77, "{said}");
    assert!(said.contains("lacks CAP_PERFMON and CAP_BPF;"), "{said}");
    assert!(!host.pin_dir().exists());
}

#[test]
#[ignore = "needs root"]
fn the_first_log_line_says_the_build_and_the_socket_is_private() {
    let mut host = Host::new();
    let log = host.start();
    assert!(log[0].starts_with("INFO  blixt-loader 0."), "{log:?}");
    let mode = fs::metadata(host.socket()).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
#[ignore = "needs root"]
fn sigterm_ends_the_loader_and_leaves_everything_attached() {
    let (mut host, mut client) = Host::with_loader();
    client.load(fixture::first()).unwrap();
    let count = crate::client::attachment("count", blixt_loader::proto::Hook::TcxIngress, 1);
    client.attach(&[count], Default::default());
    assert!(host.end("TERM").success());
    assert!(!host.socket().exists());
    host.send_packet();
    host.start();
    assert!(host.client().marks()[0] > 0);
}

#[test]
#[ignore = "needs root"]
fn a_second_loader_refuses_to_take_the_socket_of_a_live_one() {
    let (host, mut client) = Host::with_loader();
    let (code, said) = fails(&mut host.command());
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("Another loader answers"), "{said}");
    client.probe().unwrap();
}

#[test]
#[ignore = "needs root"]
fn a_pin_dir_outside_a_bpffs_ends_the_loader() {
    let host = Host::new();
    let mut command = Command::new(env!("CARGO_BIN_EXE_blixt-loader"));
    command
        .args(["--socket", "/run/never", "--pin-dir"])
        .arg(host.folder.join("plain"));
    let (code, said) = fails(&mut command);
    assert_eq!(code, 78, "{said}");
    assert!(said.contains("mount -t bpf"), "{said}");
}

#[test]
fn a_wrong_command_line_exits_64_before_anything_is_opened() {
    let (code, said) = fails(Command::new(env!("CARGO_BIN_EXE_blixt-loader")).arg("--socket"));
    assert_eq!(code, 64);
    assert!(
        said.contains("--socket") && said.contains("--help"),
        "{said}"
    );
}

#[test]
#[ignore = "needs root"]
fn another_user_is_refused_unless_allowed() {
    for allowed in [false, true] {
        let mut host = Host::new();
        if allowed {
            host.start_with(&["--allow-uid", &NOBODY.to_string()]);
        } else {
            host.start();
        }
        // The modes keep others out by themselves; what is tested is the check
        // behind them, as for a socket in a volume that two users share.
        run("chmod", &["777", host.socket().to_str().unwrap()]);
        run(
            "chmod",
            &["755", host.socket().parent().unwrap().to_str().unwrap()],
        );
        let answer = thread::scope(|scope| {
            let nobody = scope.spawn(|| {
                become_nobody();
                host.client().probe()
            });
            nobody.join().unwrap()
        });
        match answer {
            Ok(_) => assert!(allowed),
            Err(status) => {
                assert!(!allowed, "{status}");
                assert_eq!(status.code(), Code::PermissionDenied);
                assert!(status.message().contains("--allow-uid 65534"), "{status}");
            }
        }
    }
}

/// Makes this thread, and no other, act as the user "nobody".
fn become_nobody() {
    // SAFETY: setresuid(2) takes plain numbers. Called past the C library it
    // changes the calling thread alone, which ends soon after.
    let result = unsafe { libc::syscall(libc::SYS_setresuid, NOBODY, NOBODY, NOBODY) };
    assert_eq!(result, 0);
}

#[test]
#[ignore = "needs root"]
fn probe_finds_every_feature_on_this_kernel() {
    let (_host, mut client) = Host::with_loader();
    let probe = client.probe().unwrap();
    let missing: Vec<_> = probe
        .features
        .iter()
        .filter(|feature| !feature.supported)
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
    let names: Vec<&str> = probe
        .features
        .iter()
        .map(|feature| &*feature.name)
        .collect();
    for name in [
        "tcx",
        "xdp",
        "lru_hash",
        "array_of_maps",
        "redirect_peer",
        "bpffs",
    ] {
        assert!(names.contains(&name), "{name}");
    }
    assert_eq!(probe.version, env!("CARGO_PKG_VERSION"));
    assert!(probe.kernel.contains('.') && probe.cpus > 0);
}
