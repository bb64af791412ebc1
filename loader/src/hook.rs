// SPDX-License-Identifier: Apache-2.0

//! Where in the kernel a program can hang.

#![forbid(unsafe_code)]

use aya::programs::ProgramType;

use crate::{
    error::{Error, Result},
    proto,
};

const BPF_XDP: u32 = 37;
const BPF_TCX_INGRESS: u32 = 46;
const BPF_TCX_EGRESS: u32 = 47;

const XDP_FLAGS_SKB_MODE: u32 = 1 << 1;
const XDP_FLAGS_DRV_MODE: u32 = 1 << 2;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    TcxIngress,
    TcxEgress,
    XdpDriver,
    XdpGeneric,
}

impl Hook {
    const ALL: [Self; 4] = [
        Self::TcxIngress,
        Self::TcxEgress,
        Self::XdpDriver,
        Self::XdpGeneric,
    ];

    /// Name in pins and messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::TcxIngress => "tcx_ingress",
            Self::TcxEgress => "tcx_egress",
            Self::XdpDriver => "xdp_driver",
            Self::XdpGeneric => "xdp_generic",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|hook| hook.name() == name)
    }

    pub fn from_proto(hook: i32) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.proto() == hook)
    }

    fn proto(self) -> i32 {
        let hook = match self {
            Self::TcxIngress => proto::Hook::TcxIngress,
            Self::TcxEgress => proto::Hook::TcxEgress,
            Self::XdpDriver => proto::Hook::XdpDriver,
            Self::XdpGeneric => proto::Hook::XdpGeneric,
        };
        hook.into()
    }

    pub fn program_type(self) -> ProgramType {
        match self {
            Self::TcxIngress | Self::TcxEgress => ProgramType::SchedClassifier,
            Self::XdpDriver | Self::XdpGeneric => ProgramType::Xdp,
        }
    }

    /// `enum bpf_attach_type` of linux/bpf.h.
    pub fn attach_type(self) -> u32 {
        match self {
            Self::TcxIngress => BPF_TCX_INGRESS,
            Self::TcxEgress => BPF_TCX_EGRESS,
            Self::XdpDriver | Self::XdpGeneric => BPF_XDP,
        }
    }

    /// Flags of BPF_LINK_CREATE that choose XDP's mode; none for TCX.
    pub fn mode(self) -> u32 {
        match self {
            Self::TcxIngress | Self::TcxEgress => 0,
            Self::XdpDriver => XDP_FLAGS_DRV_MODE,
            Self::XdpGeneric => XDP_FLAGS_SKB_MODE,
        }
    }
}

/// One attachment: a program at a hook of an interface.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub program: String,
    pub hook: Hook,
    pub ifindex: u32,
}

impl Place {
    /// # Errors
    /// INVALID_ARGUMENT when the hook or the interface is missing or unknown.
    pub fn from_proto(attachment: &proto::Attachment) -> Result<Self> {
        let program = attachment.program.clone();
        let Some(hook) = Hook::from_proto(attachment.hook) else {
            return Err(Error::invalid(format!(
                "Attachment of program {program:?} has no known hook ({}); name one of TCX ingress, TCX egress, XDP driver, XDP generic",
                attachment.hook
            )));
        };
        if attachment.ifindex == 0 {
            return Err(Error::invalid(format!(
                "Attachment of program {program:?} names no interface; ifindex begins with 1"
            )));
        }
        Ok(Self {
            program,
            hook,
            ifindex: attachment.ifindex,
        })
    }

    pub fn to_proto(&self) -> proto::Attachment {
        proto::Attachment {
            program: self.program.clone(),
            hook: self.hook.proto(),
            ifindex: self.ifindex,
        }
    }

    /// Name of the link's pin.
    pub fn pin_name(&self) -> String {
        format!("{}-{}-{}", self.program, self.hook.name(), self.ifindex)
    }

    /// The reverse of [`Self::pin_name`]; `None` for a name that is no link's.
    pub fn from_pin_name(name: &str) -> Option<Self> {
        let mut parts = name.rsplitn(3, '-');
        let ifindex = parts.next()?.parse().ok()?;
        let hook = Hook::from_name(parts.next()?)?;
        let program = parts.next()?.to_owned();
        Some(Self {
            program,
            hook,
            ifindex,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pin_name_and_back_is_the_same_place_for_every_hook() {
        for hook in Hook::ALL {
            let place = Place {
                program: "from_wire".into(),
                hook,
                ifindex: 42,
            };
            assert_eq!(Place::from_pin_name(&place.pin_name()), Some(place));
        }
    }

    #[test]
    fn pin_name_has_no_dot_because_a_bpffs_refuses_it() {
        let place = Place {
            program: "p".into(),
            hook: Hook::XdpGeneric,
            ifindex: 1,
        };
        assert_eq!(place.pin_name(), "p-xdp_generic-1");
    }

    #[test]
    fn from_pin_name_refuses_names_that_are_no_links() {
        for name in [
            "",
            "p",
            "p-1",
            "p-tcx_ingress-x",
            "p-kprobe-1",
            "tcx_ingress-1",
        ] {
            assert_eq!(Place::from_pin_name(name), None, "{name}");
        }
    }

    #[test]
    fn from_proto_refuses_an_attachment_without_hook_or_interface() {
        let mut attachment = proto::Attachment {
            program: "p".into(),
            hook: proto::Hook::Unspecified.into(),
            ifindex: 1,
        };
        assert!(Place::from_proto(&attachment).is_err());
        attachment.hook = 99;
        assert!(Place::from_proto(&attachment).is_err());
        attachment.hook = proto::Hook::TcxEgress.into();
        assert_eq!(
            Place::from_proto(&attachment).map(|place| place.to_proto()),
            Ok(attachment.clone())
        );
        attachment.ifindex = 0;
        assert!(Place::from_proto(&attachment).is_err());
    }

    #[test]
    fn mode_chooses_that_of_xdp_and_is_nothing_to_tcx() {
        assert_eq!(Hook::ALL.map(Hook::mode), [0, 0, 4, 2]);
    }
}
