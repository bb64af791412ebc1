// SPDX-License-Identifier: Apache-2.0

//! Tells a client about the network: at once, then after every change. A
//! notice from the kernel only says "look again", so a lost one does no harm
//! as long as something says that one was lost.

#![forbid(unsafe_code)]

use std::{
    io,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::mpsc, time::sleep};
use tonic::Status;

use crate::{
    error::Error,
    netlink::notices::Notices,
    network,
    proto::{Interface, WatchResponse},
};

/// How long changes are gathered before they are told.
const MERGE: Duration = Duration::from_millis(50);

/// Grows over all streams, so that a client that comes again sees it grow.
static ROUTES_GENERATION: AtomicU64 = AtomicU64::new(0);

type Sender = mpsc::Sender<Result<WatchResponse, Status>>;

/// Sends until the client goes away.
pub async fn watch(sender: Sender) {
    let followed = tokio::select! {
        followed = follow(&sender) => followed,
        () = sender.closed() => return,
    };
    if let Err(error) = followed {
        let error = Error::kernel("watch the network", &error);
        // Fails only when the client has gone.
        let _ = sender.send(Err(error.into())).await;
    }
}

async fn follow(sender: &Sender) -> io::Result<()> {
    // Before the first look, so that no change falls in between.
    let mut notices = Notices::subscribe()?;
    let mut told = look().await?;
    tell(sender, &told).await;
    loop {
        let mut routes_changed = notices.wait().await?;
        sleep(MERGE).await;
        routes_changed |= notices.drain()?;
        let seen = look().await?;
        // A link that goes down takes its IPv4 routes along without a notice.
        if routes_changed || seen != told {
            told = seen;
            tell(sender, &told).await;
        }
    }
}

async fn look() -> io::Result<Vec<Interface>> {
    tokio::task::spawn_blocking(network::interfaces)
        .await
        .map_err(io::Error::other)?
}

async fn tell(sender: &Sender, interfaces: &[Interface]) {
    let response = WatchResponse {
        interfaces: interfaces.to_vec(),
        routes_generation: ROUTES_GENERATION.fetch_add(1, Ordering::Relaxed) + 1,
    };
    // Fails only when the client has gone, which ends the whole stream.
    let _ = sender.send(Ok(response)).await;
}
