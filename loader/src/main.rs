// SPDX-License-Identifier: Apache-2.0

//! Starts the loader; see the library for what it does.

#![forbid(unsafe_code)]

use std::{fs, process::ExitCode, sync::Arc, time::Duration};

use blixt_loader::{
    args::{self, Command, EXIT_USAGE, HELP, Options},
    capabilities, logging,
    objects::Objects,
    pins, probe,
    proto::loader_server::LoaderServer,
    service::Service,
    socket::{self, Allowed},
};
use tokio::signal::unix::{SignalKind, signal};
use tokio_stream::wrappers::UnixListenerStream;
use tonic::{service::interceptor::InterceptedService, transport::Server};

/// EX_NOPERM of sysexits.h: a capability is missing.
const EXIT_NO_PERMISSION: u8 = 77;
/// EX_CONFIG of sysexits.h: the pin directory is not in a bpffs.
const EXIT_CONFIGURATION: u8 = 78;

/// Largest request: an object with its debug information, or a whole state.
const LARGEST_MESSAGE: usize = 64 << 20;

/// How long a call may go on after the loader was told to end.
const GRACE: Duration = Duration::from_secs(5);

const BUILD: &str = concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION"));

fn main() -> ExitCode {
    let options = match args::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(options)) => options,
        Ok(Command::Help) => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Ok(Command::Version) => {
            println!("{BUILD}");
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!("blixt-loader: {error}; see --help");
            return EXIT_USAGE.into();
        }
    };
    logging::start(options.log);
    log::info!("{BUILD}, process {}", std::process::id());
    match run(options) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            log::error!("{}", failure.reason);
            failure.exit.into()
        }
    }
}

/// Why the loader ends, and the exit status for it.
struct Failure {
    reason: String,
    exit: u8,
}

impl From<String> for Failure {
    fn from(reason: String) -> Self {
        Self { reason, exit: 1 }
    }
}

fn run(options: Options) -> Result<(), Failure> {
    capabilities::restrict().map_err(|error| Failure {
        reason: error.to_string(),
        exit: EXIT_NO_PERMISSION,
    })?;
    let pin_dir = &options.pin_dir;
    pins::create_folder(pin_dir)
        .map_err(|error| error.message)
        .and_then(|()| match probe::bpffs(pin_dir) {
            bpffs if bpffs.supported => Ok(()),
            bpffs => Err(bpffs.detail),
        })
        .map_err(|detail| Failure {
            reason: format!(
                "The pin directory must be in a bpffs ({detail}); mount one with: mount -t bpf bpf DIR"
            ),
            exit: EXIT_CONFIGURATION,
        })?;
    let cpus = aya::util::nr_cpus()
        .map_err(|(path, error)| format!("Cannot count the CPUs in {path}: {error}"))?;
    let listener = socket::bind(&options.socket, options.socket_group)?;
    let objects = Arc::new(Objects::new(options.pin_dir, cpus));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| format!("Cannot start the runtime: {error}"))?;
    let served = runtime.block_on(serve(listener, options.allowed_uids, objects));
    log::info!("ends; what is attached stays attached");
    // Only this process's own socket: another loader refuses to start while
    // this one answers.
    let _ = fs::remove_file(&options.socket);
    // A change that is under way is finished; one that hangs is not waited for.
    runtime.shutdown_timeout(GRACE);
    served.map_err(Failure::from)
}

async fn serve(
    listener: std::os::unix::net::UnixListener,
    mut uids: Vec<u32>,
    objects: Arc<Objects>,
) -> Result<(), String> {
    let failed = |error: std::io::Error| format!("Cannot serve: {error}");
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let listener = tokio::net::UnixListener::from_std(listener).map_err(failed)?;
    uids.push(capabilities::effective_uid());
    let allowed = Allowed::new(uids);
    let service = LoaderServer::new(Service::new(objects))
        .max_decoding_message_size(LARGEST_MESSAGE)
        .max_encoding_message_size(LARGEST_MESSAGE);
    let service = InterceptedService::new(service, move |request| allowed.check(request));
    log::info!("ready");
    let serving = Server::builder()
        .add_service(service)
        .serve_with_incoming(UnixListenerStream::new(listener));
    tokio::select! {
        served = serving => served.map_err(|error| format!("Cannot serve: {error}")),
        _ = terminate.recv() => Ok(()),
        _ = interrupt.recv() => Ok(()),
    }
}
