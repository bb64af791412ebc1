// SPDX-License-Identifier: Apache-2.0

//! Who else has programs at a hook, and in which order they run.

#![forbid(unsafe_code)]

use std::collections::HashMap;

use aya::programs::ProgramType;

use crate::{
    bpf::{self, Queried},
    error::{Error, Result},
    hook::{Hook, Place},
    objects::Objects,
    proto::{Chain, Link, QueryRequest},
};

/// The programs at a TCX hook of each interface.
///
/// # Errors
/// INVALID_ARGUMENT for another hook: XDP has one program an interface.
pub fn query(objects: &Objects, request: &QueryRequest) -> Result<Vec<Chain>> {
    let hook = Hook::from_proto(request.hook)
        .filter(|hook| hook.program_type() == ProgramType::SchedClassifier)
        .ok_or_else(|| {
            Error::invalid("Query names TCX ingress or TCX egress: other hooks have no order")
        })?;
    let mut own = HashMap::new();
    for name in objects.names()? {
        for (id, place) in objects.with_new(&name, |object| object.links())? {
            own.insert(id, (name.clone(), place));
        }
    }
    let chain = |ifindex: &u32| {
        let queried = bpf::query(*ifindex, hook.attach_type());
        match queried {
            Err(error) if error.raw_os_error() == Some(libc::ENODEV) => Ok(Chain::default()),
            Err(error) => Err(Error::kernel(
                format!("ask for the programs at interface {ifindex}"),
                &error,
            )),
            Ok(found) => Ok(describe(&found, &own)),
        }
    };
    request.ifindices.iter().map(chain).collect()
}

fn describe(found: &[Queried], own: &HashMap<u32, (String, Place)>) -> Chain {
    let links = found.iter().map(|queried| {
        let (object, program) = own
            .get(&queried.link_id)
            .map_or_else(Default::default, |known| {
                (known.0.clone(), known.1.program.clone())
            });
        Link {
            program_id: queried.program_id,
            object,
            program,
        }
    });
    Chain {
        links: links.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn describe_names_our_own_programs_and_nobody_elses() {
        let place = Place {
            program: "p".into(),
            hook: Hook::TcxIngress,
            ifindex: 2,
        };
        let own = HashMap::from([(7, ("o".to_owned(), place))]);
        let queried = |program_id, link_id| Queried {
            program_id,
            link_id,
        };
        let chain = describe(&[queried(50, 0), queried(51, 7), queried(52, 8)], &own);
        let texts: Vec<String> = chain
            .links
            .iter()
            .map(|link| format!("{} {}/{}", link.program_id, link.object, link.program))
            .collect();
        assert_eq!(texts, ["50 /", "51 o/p", "52 /"]);
    }
}
