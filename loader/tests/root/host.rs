// SPDX-License-Identifier: Apache-2.0

//! A host of a test's own: a network namespace, a bpffs and a loader in them.
//! All of it goes away with the value.

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _},
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU32, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::client::Client;

const PATIENCE: Duration = Duration::from_secs(60);

pub struct Host {
    pub netns: String,
    /// Folder for the bpffs and the socket.
    pub folder: PathBuf,
    loader: Option<Child>,
}

impl Host {
    /// A host without a loader.
    pub fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let netns = format!("bx-loader-{}-{number}", std::process::id());
        let host = Self {
            folder: PathBuf::from("/run").join(&netns),
            netns,
            loader: None,
        };
        fs::create_dir_all(host.bpffs()).expect("a folder in /run");
        run(
            "mount",
            &["-t", "bpf", "bpf", host.bpffs().to_str().unwrap()],
        );
        run("ip", &["netns", "add", &host.netns]);
        host.ip(&["link", "set", "lo", "up"]);
        host
    }

    /// A host with a loader that answers.
    pub fn with_loader() -> (Self, Client) {
        let mut host = Self::new();
        host.start();
        let client = host.client();
        (host, client)
    }

    pub fn bpffs(&self) -> PathBuf {
        self.folder.join("bpf")
    }

    pub fn pin_dir(&self) -> PathBuf {
        self.bpffs().join("pins")
    }

    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket/loader.sock")
    }

    /// The loader's command line, in the namespace.
    pub fn command(&self) -> Command {
        let mut command = self.enter(env!("CARGO_BIN_EXE_blixt-loader"));
        command
            .arg("--socket")
            .arg(self.socket())
            .arg("--pin-dir")
            .arg(self.pin_dir());
        command
    }

    /// A program in the namespace.
    pub fn enter(&self, program: &str) -> Command {
        let mut command = Command::new("nsenter");
        command
            .arg(format!("--net=/run/netns/{}", self.netns))
            .arg(program);
        command
    }

    /// Starts a loader and waits until it serves. Returns its log up to then.
    pub fn start(&mut self) -> Vec<String> {
        self.start_with(&[])
    }

    /// As [`Self::start`], with more arguments.
    pub fn start_with(&mut self, arguments: &[&str]) -> Vec<String> {
        let mut child = self
            .command()
            .args(arguments)
            .stderr(Stdio::piped())
            .spawn()
            .expect("the loader starts");
        let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
        self.loader = Some(child);
        let mut lines = Vec::new();
        for line in &mut log {
            lines.push(line.expect("the log is text"));
            if lines.last().unwrap().ends_with(" ready") {
                // The pipe must not fill up.
                thread::spawn(move || log.for_each(drop));
                return lines;
            }
        }
        panic!("the loader ended: {lines:?}");
    }

    pub fn client(&self) -> Client {
        Client::connect(&self.socket())
    }

    pub fn pid(&self) -> u32 {
        self.loader.as_ref().expect("a loader runs").id()
    }

    /// Memory of the loader that is in RAM.
    pub fn resident_kilobytes(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.expect("a line VmRSS").parse().unwrap()
    }

    /// The processor time that the loader has taken, which others on a machine do not make
    /// longer: utime and stime of proc_pid_stat(5), in ticks of 10 ms.
    pub fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
        let fields = fields.split(' ').skip(11).take(2);
        let ticks: u64 = fields.map(|field| field.parse::<u64>().unwrap()).sum();
        Duration::from_millis(10 * ticks)
    }

    /// Sends the loader a signal and waits for its end.
    pub fn end(&mut self, signal: &str) -> ExitStatus {
        let mut loader = self.loader.take().expect("a loader runs");
        run("kill", &[&format!("-{signal}"), &loader.id().to_string()]);
        wait(&mut loader)
    }

    /// Runs `ip` on the host.
    pub fn ip(&self, arguments: &[&str]) {
        run("ip", &[&["-n", &self.netns], arguments].concat());
    }

    pub fn ifindex(&self, interface: &str) -> u32 {
        let output = self
            .enter("ip")
            .args(["-o", "link", "show", interface])
            .output()
            .expect("ip starts");
        let line = String::from_utf8(output.stdout).unwrap();
        line.split(':').next().unwrap().parse().expect("an ifindex")
    }

    /// Packets that came over the loopback interface so far.
    pub fn received(&self) -> u64 {
        let output = self.enter("cat").arg("/proc/net/dev").output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let line = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("lo:"));
        let packets = line.unwrap().split_whitespace().nth(1).unwrap();
        packets.parse().unwrap()
    }

    /// Sends a datagram over the loopback interface.
    pub fn send_packet(&self) {
        let sent = self
            .enter("bash")
            .args(["-c", "echo x > /dev/udp/127.0.0.1/9"])
            .status()
            .expect("bash starts");
        assert!(sent.success());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        if let Some(loader) = &mut self.loader {
            let _ = loader.kill();
            let _ = loader.wait();
        }
        let _ = Command::new("ip")
            .args(["netns", "del", &self.netns])
            .status();
        let _ = Command::new("umount").arg(self.bpffs()).status();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs a program to its end, which must be a success.
pub fn run(program: &str, arguments: &[&str]) {
    let status = Command::new(program).args(arguments).status();
    assert!(
        status.is_ok_and(|status| status.success()),
        "{program} {arguments:?} failed"
    );
}

/// Waits for a program's end.
pub fn wait(child: &mut Child) -> ExitStatus {
    let start = Instant::now();
    while start.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait().expect("a child of ours") {
            return status;
        }
        thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    panic!("a program did not end");
}

/// Runs a program that must fail soon; its exit status and what it said.
pub fn fails(command: &mut Command) -> (i32, String) {
    let mut child = command
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let status = wait(&mut child);
    let mut said = String::new();
    child.stderr.unwrap().read_to_string(&mut said).unwrap();
    (status.code().expect("an exit status"), said)
}
