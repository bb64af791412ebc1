// SPDX-License-Identifier: Apache-2.0

//! A client of the loader whose calls wait for the answer.

use std::{path::Path, time::Duration};

use blixt_loader::proto::{
    ApplyRequest, ApplyResponse, AttachRequest, Attachment, CopyRequest, CopyResponse,
    CountRequest, CountResponse, Delete, DetachRequest, DumpRequest, Element, Hook, LoadRequest,
    LoadedObject, Operation, Order, ProbeRequest, ProbeResponse, Put, PutTable, ReplaceRequest,
    ResolveRequest, Route, UnloadRequest, WatchRequest, WatchResponse, loader_client::LoaderClient,
    operation::Action,
};
use tokio::{runtime::Runtime, time::timeout};
use tonic::{
    Status, Streaming,
    transport::{Channel, Endpoint},
};

const PATIENCE: Duration = Duration::from_secs(120);

/// Name of the object in all tests.
pub const NAME: &str = "test";

pub type KeyValue = (Vec<u8>, Vec<u8>);

pub struct Client {
    runtime: Runtime,
    loader: LoaderClient<Channel>,
    generation: u64,
}

impl Client {
    pub fn connect(socket: &Path) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let endpoint = Endpoint::try_from(format!("unix://{}", socket.display())).unwrap();
        let channel = runtime
            .block_on(endpoint.timeout(PATIENCE).connect())
            .expect("the loader answers");
        Self {
            runtime,
            loader: LoaderClient::new(channel).max_encoding_message_size(64 << 20),
            generation: 0,
        }
    }

    pub fn probe(&mut self) -> Result<ProbeResponse, Status> {
        let response = self.runtime.block_on(self.loader.probe(ProbeRequest {}))?;
        Ok(response.into_inner())
    }

    /// The object, as Probe lists it.
    pub fn probe_object(&mut self) -> Option<LoadedObject> {
        let objects = self.probe().unwrap().objects;
        objects.into_iter().find(|object| object.name == NAME)
    }

    pub fn load(&mut self, object: Vec<u8>) -> Result<LoadedObject, Status> {
        self.load_with(LoadRequest {
            name: NAME.into(),
            object: object.into(),
            ..Default::default()
        })
    }

    pub fn load_with(&mut self, request: LoadRequest) -> Result<LoadedObject, Status> {
        let response = self.runtime.block_on(self.loader.load(request))?;
        Ok(response.into_inner().object.expect("an object"))
    }

    pub fn unload(&mut self) -> Result<(), Status> {
        let request = UnloadRequest { name: NAME.into() };
        self.runtime.block_on(self.loader.unload(request)).map(drop)
    }

    /// Attaches and returns the errors, one for each attachment.
    pub fn attach(&mut self, attachments: &[Attachment], order: Order) -> Vec<String> {
        self.attach_with(AttachRequest {
            name: NAME.into(),
            attachments: attachments.to_vec(),
            order: order.into(),
            anchor: None,
        })
    }

    pub fn attach_with(&mut self, request: AttachRequest) -> Vec<String> {
        let count = request.attachments.len();
        let response = self.runtime.block_on(self.loader.attach(request)).unwrap();
        let results = response.into_inner().results;
        assert_eq!(results.len(), count);
        results.into_iter().map(|result| result.error).collect()
    }

    pub fn detach(&mut self, attachments: &[Attachment]) -> Result<(), Status> {
        let request = DetachRequest {
            name: NAME.into(),
            attachments: attachments.to_vec(),
        };
        self.runtime.block_on(self.loader.detach(request)).map(drop)
    }

    /// Applies with a generation above the last.
    pub fn apply(&mut self, operations: Vec<Operation>) -> Result<ApplyResponse, Status> {
        self.generation += 1;
        self.apply_at(self.generation, operations)
    }

    pub fn apply_at(
        &mut self,
        generation: u64,
        operations: Vec<Operation>,
    ) -> Result<ApplyResponse, Status> {
        let request = ApplyRequest {
            name: NAME.into(),
            generation,
            operations,
        };
        let response = self.runtime.block_on(self.loader.apply(request))?;
        Ok(response.into_inner())
    }

    pub fn copy(&mut self, request: CopyRequest) -> Result<CopyResponse, Status> {
        let response = self.runtime.block_on(self.loader.copy(request))?;
        Ok(response.into_inner())
    }

    /// Lets another object take the place of the usual one.
    pub fn replace_by(&mut self, by: &str) -> Result<LoadedObject, Status> {
        let request = ReplaceRequest {
            name: NAME.into(),
            by: by.into(),
        };
        let response = self.runtime.block_on(self.loader.replace(request))?;
        Ok(response.into_inner().object.expect("an object"))
    }

    /// All elements of a map, sorted by key.
    pub fn dump(&mut self, map: &str) -> Result<Vec<KeyValue>, Status> {
        let mut elements: Vec<_> = self
            .dump_chunks(map, 0)?
            .into_iter()
            .flatten()
            .map(|element| (element.key.to_vec(), element.value.to_vec()))
            .collect();
        elements.sort();
        Ok(elements)
    }

    /// The messages of a dump.
    pub fn dump_chunks(&mut self, map: &str, chunk: u32) -> Result<Vec<Vec<Element>>, Status> {
        let request = DumpRequest {
            name: NAME.into(),
            map: map.into(),
            chunk,
            skip_zeros: false,
        };
        self.runtime.block_on(async {
            let mut stream = self.loader.dump(request).await?.into_inner();
            let mut chunks = Vec::new();
            while let Some(response) = stream.message().await? {
                chunks.push(response.elements);
            }
            Ok(chunks)
        })
    }

    pub fn count(&mut self, map: &str) -> Result<CountResponse, Status> {
        let request = CountRequest {
            name: NAME.into(),
            map: map.into(),
        };
        let response = self.runtime.block_on(self.loader.count(request))?;
        Ok(response.into_inner())
    }

    /// Packets that a program marked in the array, by index.
    pub fn marks(&mut self) -> Vec<u64> {
        let elements = self.dump("array").unwrap();
        elements
            .iter()
            .map(|(_, value)| u64::from_ne_bytes(value[..].try_into().unwrap()))
            .collect()
    }

    pub fn watch(&mut self) -> Streaming<WatchResponse> {
        self.runtime
            .block_on(self.loader.watch(WatchRequest {}))
            .unwrap()
            .into_inner()
    }

    /// The next message of a watch, if one comes in time.
    pub fn next(
        &self,
        stream: &mut Streaming<WatchResponse>,
        patience: Duration,
    ) -> Option<WatchResponse> {
        self.runtime
            .block_on(async { timeout(patience, stream.message()).await })
            .ok()
            .map(|message| message.unwrap().expect("the stream goes on"))
    }

    pub fn resolve(&mut self, addresses: &[&[u8]]) -> Result<Vec<Route>, Status> {
        let addresses = addresses.iter().map(|address| address.to_vec().into());
        let request = ResolveRequest {
            addresses: addresses.collect(),
        };
        let response = self.runtime.block_on(self.loader.resolve(request))?;
        Ok(response.into_inner().routes)
    }
}

pub fn put(map: &str, key: u32, value: &[u8]) -> Operation {
    operation(
        map,
        Action::Put(Put {
            key: key.to_ne_bytes().to_vec().into(),
            value: value.to_vec().into(),
        }),
    )
}

pub fn delete(map: &str, key: u32) -> Operation {
    operation(
        map,
        Action::Delete(Delete {
            key: key.to_ne_bytes().to_vec().into(),
        }),
    )
}

/// A table of 32-bit numbers.
pub fn put_table(map: &str, key: u32, values: &[u32]) -> Operation {
    let values: Vec<u8> = values.iter().copied().flat_map(u32::to_ne_bytes).collect();
    operation(
        map,
        Action::PutTable(PutTable {
            key: key.to_ne_bytes().to_vec().into(),
            values: values.into(),
        }),
    )
}

pub fn operation(map: &str, action: Action) -> Operation {
    Operation {
        map: map.into(),
        action: Some(action),
    }
}

pub fn attachment(program: &str, hook: Hook, ifindex: u32) -> Attachment {
    Attachment {
        program: program.into(),
        hook: hook.into(),
        ifindex,
    }
}
