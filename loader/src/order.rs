// SPDX-License-Identifier: Apache-2.0

//! The place of a program among others at the same TCX hook.

#![forbid(unsafe_code)]

use std::{
    os::fd::{AsRawFd as _, OwnedFd, RawFd},
    path::PathBuf,
};

use crate::{
    bpf,
    error::{Error, Result},
    hook::Place,
    objects::check_name,
    pins::Pins,
    proto::{self, anchor::To},
};

// linux/bpf.h
const BPF_F_BEFORE: u32 = 1 << 3;
const BPF_F_AFTER: u32 = 1 << 4;
const BPF_F_ID: u32 = 1 << 5;
const BPF_F_LINK: u32 = 1 << 13;

/// Where a program is to hang, as the client says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    First,
    Last,
    Before(Anchor),
    After(Anchor),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchor {
    /// The kernel's id of a program.
    Program(u32),
    Pin(PathBuf),
    /// Another object's link at the same place.
    Object(String),
}

/// An anchor that was found.
#[derive(Debug)]
pub enum Anchored {
    Program(u32),
    /// A program or a link.
    Pin(OwnedFd),
    Link(OwnedFd),
}

/// What BPF_LINK_CREATE is told of the place.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Position {
    pub flags: u32,
    pub relative: u32,
}

impl Order {
    /// # Errors
    /// INVALID_ARGUMENT for before or after without an anchor, and for a bad one.
    pub fn from_proto(request: &proto::AttachRequest) -> Result<Self> {
        let anchor = || {
            let to = request
                .anchor
                .as_ref()
                .and_then(|anchor| anchor.to.as_ref());
            match to {
                Some(To::ProgramId(id)) if *id != 0 => Ok(Anchor::Program(*id)),
                Some(To::Pin(pin)) if pin.starts_with('/') => Ok(Anchor::Pin(pin.into())),
                Some(To::Object(name)) => check_name(name).map(|()| Anchor::Object(name.clone())),
                _ => Err(Error::invalid(
                    "The order before or after needs an anchor: a program's id, the absolute path of a pin, or an object",
                )),
            }
        };
        match request.order() {
            proto::Order::First => Ok(Self::First),
            proto::Order::Last => Ok(Self::Last),
            proto::Order::Before => anchor().map(Self::Before),
            proto::Order::After => anchor().map(Self::After),
        }
    }

    /// Finds what the place is relative to; `None` when that is nothing in particular.
    ///
    /// # Errors
    /// FAILED_PRECONDITION when a pin cannot be opened.
    pub fn anchor(&self, pins: &Pins, place: &Place) -> Result<Option<Anchored>> {
        let (Self::Before(anchor) | Self::After(anchor)) = self else {
            return Ok(None);
        };
        Ok(match anchor {
            Anchor::Program(id) => Some(Anchored::Program(*id)),
            Anchor::Object(name) => bpf::open_pin(&pins.of(name).link(place))
                .ok()
                .map(Anchored::Link),
            Anchor::Pin(path) => {
                let fd = bpf::open_pin(path).map_err(|error| {
                    Error::precondition(format!(
                        "Cannot attach next to {}: {error}; choose another order",
                        path.display()
                    ))
                })?;
                Some(Anchored::Pin(fd))
            }
        })
    }

    /// The place for the kernel. `link` says that a pin is of a link.
    pub fn position(&self, anchor: Option<&Anchored>, link: bool) -> Position {
        let side = match self {
            Self::First | Self::Before(_) => BPF_F_BEFORE,
            Self::Last | Self::After(_) => BPF_F_AFTER,
        };
        let (kind, relative) = match anchor {
            None => (0, 0),
            Some(Anchored::Program(id)) => (BPF_F_ID, *id),
            Some(Anchored::Pin(fd)) => (if link { BPF_F_LINK } else { 0 }, number(fd)),
            Some(Anchored::Link(fd)) => (BPF_F_LINK, number(fd)),
        };
        Position {
            flags: side | kind,
            relative,
        }
    }

    /// What users hear of an anchor; `None` without one.
    pub fn describe(&self) -> Option<String> {
        let (side, anchor) = match self {
            Self::First | Self::Last => return None,
            Self::Before(anchor) => ("before", anchor),
            Self::After(anchor) => ("after", anchor),
        };
        Some(match anchor {
            Anchor::Program(id) => format!("{side} program {id}"),
            Anchor::Pin(path) => format!("{side} {}", path.display()),
            Anchor::Object(name) => format!("{side} object {name}"),
        })
    }
}

fn number(fd: &OwnedFd) -> u32 {
    RawFd::cast_unsigned(fd.as_raw_fd())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(order: proto::Order, to: Option<To>) -> Result<Order> {
        Order::from_proto(&proto::AttachRequest {
            order: order.into(),
            anchor: Some(proto::Anchor { to }),
            ..Default::default()
        })
    }

    #[test]
    fn from_proto_reads_every_anchor_and_refuses_bad_ones() {
        use proto::Order::{After, Before, First, Last};
        assert_eq!(order(First, None), Ok(Order::First));
        assert_eq!(order(Last, Some(To::ProgramId(7))), Ok(Order::Last));
        assert_eq!(
            order(Before, Some(To::ProgramId(7))),
            Ok(Order::Before(Anchor::Program(7)))
        );
        assert_eq!(
            order(After, Some(To::Pin("/sys/fs/bpf/p".into()))),
            Ok(Order::After(Anchor::Pin("/sys/fs/bpf/p".into())))
        );
        assert_eq!(
            order(After, Some(To::Object("o".into()))),
            Ok(Order::After(Anchor::Object("o".into())))
        );
        for bad in [
            None,
            Some(To::ProgramId(0)),
            Some(To::Pin("p".into())),
            Some(To::Object("../o".into())),
        ] {
            assert!(order(Before, bad.clone()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn position_says_which_side_of_what() {
        let position = |order: Order, anchor| {
            let Position { flags, relative } = order.position(anchor, false);
            (flags, relative)
        };
        assert_eq!(position(Order::First, None), (8, 0));
        assert_eq!(position(Order::Last, None), (16, 0));
        let program = Anchored::Program(7);
        let after = Order::After(Anchor::Program(7));
        assert_eq!(position(after.clone(), Some(&program)), (16 | 32, 7));
        assert_eq!(after.describe().as_deref(), Some("after program 7"));
    }
}
