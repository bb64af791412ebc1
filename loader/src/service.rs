// SPDX-License-Identifier: Apache-2.0

//! The gRPC service: each call is handed to a thread that may block, because
//! the kernel takes its time for programs and maps.

#![forbid(unsafe_code)]

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

use crate::{
    chain,
    copy::{self, Copied},
    count, dump,
    error::{Error, Result},
    object::Object,
    objects::Objects,
    probe, proto, resolve, watch,
};

/// Messages of a Dump that wait for a slow client; the rest waits in the kernel.
const DUMP_AHEAD: usize = 2;

#[derive(Debug, Clone)]
pub struct Service {
    objects: Arc<Objects>,
}

impl Service {
    pub fn new(objects: Arc<Objects>) -> Self {
        Self { objects }
    }

    /// Runs `work` on a thread that may block.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Objects) -> Result<T> + Send + 'static,
    ) -> std::result::Result<Response<T>, Status> {
        let objects = Arc::clone(&self.objects);
        tokio::task::spawn_blocking(move || work(&objects))
            .await
            .map_err(|error| Status::internal(format!("The loader failed at this call: {error}")))?
            .map(Response::new)
            .map_err(Status::from)
    }
}

#[tonic::async_trait]
impl proto::loader_server::Loader for Service {
    async fn probe(
        &self,
        _: Request<proto::ProbeRequest>,
    ) -> std::result::Result<Response<proto::ProbeResponse>, Status> {
        self.blocking(|objects| {
            let mut described = Vec::new();
            for name in objects.names()? {
                // Another client may unload it meanwhile.
                described.extend(objects.with_new(&name, |object| {
                    object.exists().then(|| object.describe()).transpose()
                })?);
            }
            Ok(proto::ProbeResponse {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                kernel: probe::kernel(),
                cpus: objects.cpus() as u32,
                features: probe::features(objects.pin_dir()),
                objects: described,
            })
        })
        .await
    }

    async fn load(
        &self,
        request: Request<proto::LoadRequest>,
    ) -> std::result::Result<Response<proto::LoadResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |objects| {
            objects.with_new(&request.name, |object| {
                object.load(&request)?;
                let object = object.describe()?;
                log::info!(
                    "loaded {}: {} programs, {} maps, {} attachments",
                    object.name,
                    object.programs.len(),
                    object.maps.len(),
                    object.attachments.len()
                );
                Ok(proto::LoadResponse {
                    object: Some(object),
                })
            })
        })
        .await
    }

    async fn unload(
        &self,
        request: Request<proto::UnloadRequest>,
    ) -> std::result::Result<Response<proto::UnloadResponse>, Status> {
        let name = request.into_inner().name;
        self.blocking(move |objects| {
            objects.with(&name, Object::unload)?;
            log::info!("unloaded {name}");
            Ok(proto::UnloadResponse {})
        })
        .await
    }

    async fn attach(
        &self,
        request: Request<proto::AttachRequest>,
    ) -> std::result::Result<Response<proto::AttachResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |objects| {
            objects.with(&request.name, |object| {
                let results = object.attach(&request)?;
                Ok(proto::AttachResponse { results })
            })
        })
        .await
    }

    async fn detach(
        &self,
        request: Request<proto::DetachRequest>,
    ) -> std::result::Result<Response<proto::DetachResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |objects| {
            objects.with(&request.name, |object| object.detach(&request.attachments))?;
            Ok(proto::DetachResponse {})
        })
        .await
    }

    async fn run(
        &self,
        request: Request<proto::RunRequest>,
    ) -> std::result::Result<Response<proto::RunResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |objects| {
            let results = objects.with(&request.name, |object| object.run(&request))?;
            Ok(proto::RunResponse { results })
        })
        .await
    }

    async fn query(
        &self,
        request: Request<proto::QueryRequest>,
    ) -> std::result::Result<Response<proto::QueryResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |objects| {
            let chains = chain::query(objects, &request)?;
            Ok(proto::QueryResponse { chains })
        })
        .await
    }

    async fn apply(
        &self,
        request: Request<proto::ApplyRequest>,
    ) -> std::result::Result<Response<proto::ApplyResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |objects| objects.with(&request.name, |object| object.apply(&request)))
            .await
    }

    async fn copy(
        &self,
        request: Request<proto::CopyRequest>,
    ) -> std::result::Result<Response<proto::CopyResponse>, Status> {
        let request = request.into_inner();
        self.blocking(move |objects| {
            let map = |name: Option<&proto::MapName>| {
                let name = name.ok_or_else(|| Error::invalid("A Copy names two maps"))?;
                objects.with(&name.object, |object| object.map(&name.map))
            };
            let (from, to) = (map(request.from.as_ref())?, map(request.to.as_ref())?);
            // The maps' own descriptors are enough, so that other calls need not wait.
            let Copied {
                copied,
                kept,
                left_out,
            } = copy::copy(&from, &to, objects.cpus(), &request)?;
            Ok(proto::CopyResponse {
                copied,
                kept,
                left_out,
            })
        })
        .await
    }

    async fn replace(
        &self,
        request: Request<proto::ReplaceRequest>,
    ) -> std::result::Result<Response<proto::ReplaceResponse>, Status> {
        let proto::ReplaceRequest { name, by } = request.into_inner();
        self.blocking(move |objects| {
            let object = objects.replace(&name, &by)?;
            log::info!("{by} took the place of {name}");
            Ok(proto::ReplaceResponse {
                object: Some(object),
            })
        })
        .await
    }

    type DumpStream = ReceiverStream<std::result::Result<proto::DumpResponse, Status>>;

    async fn dump(
        &self,
        request: Request<proto::DumpRequest>,
    ) -> std::result::Result<Response<Self::DumpStream>, Status> {
        let proto::DumpRequest {
            name,
            map,
            chunk,
            skip_zeros,
        } = request.into_inner();
        let map = self
            .blocking(move |objects| objects.with(&name, |object| object.map(&map)))
            .await?
            .into_inner();
        let (sender, receiver) = mpsc::channel(DUMP_AHEAD);
        // The map's own descriptor is enough from here on, so that Apply need
        // not wait for the reader.
        tokio::task::spawn_blocking(move || {
            let emit = |elements| {
                sender
                    .blocking_send(Ok(proto::DumpResponse { elements }))
                    .is_ok()
            };
            if let Err(error) = dump::dump(&map, chunk, skip_zeros, emit) {
                // Fails only when the client has gone.
                let _ = sender.blocking_send(Err(error.into()));
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn count(
        &self,
        request: Request<proto::CountRequest>,
    ) -> std::result::Result<Response<proto::CountResponse>, Status> {
        let proto::CountRequest { name, map } = request.into_inner();
        let map = self
            .blocking(move |objects| objects.with(&name, |object| object.map(&map)))
            .await?
            .into_inner();
        self.blocking(move |_| count::count(&map)).await
    }

    type WatchStream = ReceiverStream<std::result::Result<proto::WatchResponse, Status>>;

    async fn watch(
        &self,
        _: Request<proto::WatchRequest>,
    ) -> std::result::Result<Response<Self::WatchStream>, Status> {
        let (sender, receiver) = mpsc::channel(1);
        tokio::spawn(watch::watch(sender));
        Ok(Response::new(ReceiverStream::new(receiver)))
    }

    async fn resolve(
        &self,
        request: Request<proto::ResolveRequest>,
    ) -> std::result::Result<Response<proto::ResolveResponse>, Status> {
        let addresses = request.into_inner().addresses;
        self.blocking(move |_| {
            let routes = resolve::resolve(&addresses)?;
            Ok(proto::ResolveResponse { routes })
        })
        .await
    }
}
