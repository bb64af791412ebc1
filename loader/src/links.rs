// SPDX-License-Identifier: Apache-2.0

//! Pinned links: what is attached, attaching, detaching, and the swap of one
//! program version for the next.

#![forbid(unsafe_code)]

use std::{
    collections::{BTreeMap, HashMap},
    io,
    os::fd::{AsFd as _, BorrowedFd, OwnedFd},
};

use aya::programs::ProgramType;

use crate::{
    bpf,
    error::{Error, Result},
    hook::{Hook, Place},
    order::{Anchored, Order, Position},
    pins::{self, Pins},
    program::Program,
};

/// A pinned link whose interface is still there.
#[derive(Debug)]
struct Link {
    place: Place,
    fd: OwnedFd,
}

/// Places where a program hangs now.
pub fn attached(pins: &Pins) -> Result<Vec<Place>> {
    Ok(live(pins)?.into_iter().map(|link| link.place).collect())
}

/// Places by the kernel's id of the link there.
pub fn by_id(pins: &Pins) -> Result<HashMap<u32, Place>> {
    let links = live(pins)?.into_iter();
    let with_id = links.filter_map(|Link { place, fd }| {
        let info = bpf::link_info(fd.as_fd()).ok()??;
        Some((info.id, place))
    });
    Ok(with_id.collect())
}

/// Removes the pins of links whose interface is gone.
pub fn sweep(pins: &Pins) -> Result<()> {
    let live = attached(pins)?;
    for name in pins::list(&pins.links())? {
        let is_live = Place::from_pin_name(&name).is_some_and(|place| live.contains(&place));
        if !is_live {
            log::info!("unpin link {name}: its interface is gone");
            pins::remove(&pins.links().join(name))?;
        }
    }
    Ok(())
}

/// Hangs `program` at `place`; keeps what hangs there already.
///
/// # Errors
/// One sentence that says why the kernel refused, and what to do.
pub fn attach(pins: &Pins, program: &Program, place: &Place, order: &Order) -> Result<()> {
    if program.program_type() != place.hook.program_type() {
        return Err(Error::invalid(format!(
            "Program {} cannot hang at {}: it is of another type",
            place.program,
            place.hook.name()
        )));
    }
    let pin = pins.link(place);
    if open_live(&pin, place).is_some() {
        return Ok(());
    }
    pins::remove(&pin)?;
    let link = create(pins, program, place, order)?;
    bpf::pin(link.as_fd(), &pin)
        .map_err(|error| Error::kernel(format!("pin the link {}", pin.display()), &error))
}

fn create(pins: &Pins, program: &Program, place: &Place, order: &Order) -> Result<OwnedFd> {
    let create = |position: Position| {
        let (fd, hook) = (program.fd(), place.hook);
        let flags = hook.mode() | position.flags;
        bpf::link_create(
            fd,
            place.ifindex,
            hook.attach_type(),
            flags,
            position.relative,
        )
    };
    if place.hook.program_type() == ProgramType::Xdp {
        return create(Position::default()).map_err(|error| attach_refused(place, &error));
    }
    let anchor = order.anchor(pins, place)?;
    match (create(order.position(anchor.as_ref(), false)), &anchor) {
        // A pin does not say whether it is of a program or of a link.
        (Err(error), Some(Anchored::Pin(_))) if error.raw_os_error() == Some(libc::EINVAL) => {
            create(order.position(anchor.as_ref(), true))
        }
        (created, _) => created,
    }
    .map_err(|error| match (error.raw_os_error(), order.describe()) {
        (Some(libc::ENOENT | libc::EINVAL | libc::EBADF), Some(anchor)) => Error::precondition(format!(
            "Cannot attach program {} to interface {} at {} {anchor}: that does not hang there; choose another order",
            place.program,
            place.ifindex,
            place.hook.name()
        )),
        _ => attach_refused(place, &error),
    })
}

/// Gives every link of `former` to the programs of `next`, and leaves `former`
/// with none. Where `next` hangs too its own link stays; a program that it does not
/// have is taken off. When it stops half way, calling again goes on.
pub fn hand_over(former: &Pins, next: &Pins, programs: &BTreeMap<String, Program>) -> Result<()> {
    sweep(former)?;
    for Link { place, fd } in live(former)? {
        let pin = next.link(&place);
        match programs.get(&place.program) {
            Some(program) if open_live(&pin, &place).is_none() => {
                bpf::link_update(fd.as_fd(), program.fd()).map_err(|error| {
                    Error::kernel(
                        format!("swap the program of link {}", place.pin_name()),
                        &error,
                    )
                })?;
                pins::replace(&fd, &pin)?;
                pins::remove(&former.link(&place))?;
            }
            _ => detach(former, &place)?,
        }
    }
    Ok(())
}

/// Takes the program off `place`, if it hangs there.
pub fn detach(pins: &Pins, place: &Place) -> Result<()> {
    let pin = pins.link(place);
    if let Some(link) = open_live(&pin, place) {
        bpf::link_detach(link.as_fd()).map_err(|error| {
            Error::kernel(format!("detach the link {}", place.pin_name()), &error)
        })?;
    }
    pins::remove(&pin)
}

/// Takes all programs off their places.
pub fn detach_all(pins: &Pins) -> Result<()> {
    attached(pins)?
        .iter()
        .try_for_each(|place| detach(pins, place))
}

/// Swaps the programs behind all links to those of a new version, and detaches
/// the programs that the new version does not have. When the kernel refuses in
/// between, the links already swapped are swapped back.
pub fn swap(
    pins: &Pins,
    old: &BTreeMap<String, Program>,
    new: &BTreeMap<&str, BorrowedFd<'_>>,
) -> Result<()> {
    sweep(pins)?;
    let links = live(pins)?;
    for (index, link) in links.iter().enumerate() {
        let Some(program) = new.get(link.place.program.as_str()) else {
            continue;
        };
        if let Err(error) = bpf::link_update(link.fd.as_fd(), *program) {
            for done in &links[..index] {
                if let Some(program) = old.get(&done.place.program)
                    && let Err(error) = bpf::link_update(done.fd.as_fd(), program.fd())
                {
                    log::error!(
                        "link {} keeps the new program: {error}",
                        done.place.pin_name()
                    );
                }
            }
            return Err(Error::kernel(
                format!("swap the program of link {}", link.place.pin_name()),
                &error,
            ));
        }
    }
    for link in &links {
        if !new.contains_key(link.place.program.as_str()) {
            detach(pins, &link.place)?;
        }
    }
    Ok(())
}

fn live(pins: &Pins) -> Result<Vec<Link>> {
    let mut links = Vec::new();
    for name in pins::list(&pins.links())? {
        if let Some(place) = Place::from_pin_name(&name)
            && let Some(fd) = open_live(&pins.link(&place), &place)
        {
            links.push(Link { place, fd });
        }
    }
    Ok(links)
}

fn open_live(pin: &std::path::Path, place: &Place) -> Option<OwnedFd> {
    let fd = bpf::open_pin(pin).ok()?;
    let link = bpf::link_info(fd.as_fd()).ok()??;
    (link.ifindex == place.ifindex).then_some(fd)
}

fn attach_refused(place: &Place, error: &io::Error) -> Error {
    let what = format!(
        "Cannot attach program {} to interface {} at {}",
        place.program,
        place.ifindex,
        place.hook.name()
    );
    let xdp = matches!(place.hook, Hook::XdpDriver | Hook::XdpGeneric);
    match error.raw_os_error() {
        Some(libc::ENODEV) => Error::not_found(format!("{what}: the interface does not exist")),
        Some(libc::EOPNOTSUPP) if place.hook == Hook::XdpDriver => Error::precondition(format!(
            "{what}: its driver has no XDP; use the generic hook"
        )),
        Some(libc::EBUSY | libc::EEXIST) if xdp => Error::precondition(format!(
            "{what}: another XDP program is there; detach that first (ip link set … xdp off, or bpftool)"
        )),
        Some(libc::EBUSY | libc::EEXIST | libc::ERANGE) => Error::precondition(format!(
            "{what}: the hook has no free place; detach another program first"
        )),
        _ => Error::kernel(what.replacen("Cannot ", "", 1), error),
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn refused(hook: Hook, errno: i32) -> Error {
        let place = Place {
            program: "p".into(),
            hook,
            ifindex: 3,
        };
        attach_refused(&place, &io::Error::from_raw_os_error(errno))
    }

    #[test]
    fn attach_refused_names_the_place_and_the_way_out() {
        let error = refused(Hook::XdpDriver, libc::EOPNOTSUPP);
        assert_eq!(error.code, Code::FailedPrecondition);
        assert_eq!(
            error.message,
            "Cannot attach program p to interface 3 at xdp_driver: its driver has no XDP; use the generic hook"
        );
        assert!(
            refused(Hook::XdpGeneric, libc::EBUSY)
                .message
                .contains("another XDP program")
        );
        assert_eq!(refused(Hook::TcxIngress, libc::ENODEV).code, Code::NotFound);
        assert_eq!(
            refused(Hook::TcxIngress, libc::EPERM).code,
            Code::PermissionDenied
        );
        assert_eq!(
            refused(Hook::TcxIngress, libc::EINVAL).message,
            "Cannot attach program p to interface 3 at tcx_ingress: Invalid argument (os error 22)"
        );
    }
}
