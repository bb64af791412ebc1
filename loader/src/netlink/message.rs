// SPDX-License-Identifier: Apache-2.0

//! The wire format of netlink(7): messages with a header, attributes of type,
//! length and value, everything in host byte order and aligned to 4 bytes.
//! Input comes from the kernel, yet nothing here trusts a length.

#![forbid(unsafe_code)]

/// `nlmsg_type` of control messages (linux/netlink.h).
pub const NLMSG_ERROR: u16 = 2;
pub const NLMSG_DONE: u16 = 3;

/// `nlmsg_flags` (linux/netlink.h).
pub const NLM_F_REQUEST: u16 = 0x1;
pub const NLM_F_DUMP_INTR: u16 = 0x10;
pub const NLM_F_DUMP: u16 = 0x300;

const HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;
const ALIGNMENT: usize = 4;

/// Attribute types carry two flags in their highest bits.
const ATTRIBUTE_TYPE_MASK: u16 = 0x3fff;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub kind: u16,
    pub flags: u16,
    pub sequence: u32,
    pub body: &'a [u8],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attribute<'a> {
    pub kind: u16,
    pub value: &'a [u8],
}

impl Attribute<'_> {
    /// The value as a 32-bit number; 0 when it is none.
    pub fn number(&self) -> u32 {
        read_u32(self.value, 0)
    }

    /// The value as text, up to the first zero.
    pub fn text(&self) -> String {
        let end = self.value.iter().position(|byte| *byte == 0);
        let text = &self.value[..end.unwrap_or(self.value.len())];
        String::from_utf8_lossy(text).into_owned()
    }
}

/// Writes one request. `fixed` is the struct that follows the header, such as
/// `rtmsg`; its size must be a multiple of 4.
pub fn request(
    kind: u16,
    flags: u16,
    sequence: u32,
    fixed: &[u8],
    attributes: &[Attribute<'_>],
) -> Vec<u8> {
    let mut bytes = vec![0; HEADER];
    bytes.extend_from_slice(fixed);
    for attribute in attributes {
        let length = ATTRIBUTE_HEADER + attribute.value.len();
        bytes.extend_from_slice(&(length as u16).to_ne_bytes());
        bytes.extend_from_slice(&attribute.kind.to_ne_bytes());
        bytes.extend_from_slice(attribute.value);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
    let length = bytes.len() as u32;
    bytes[0..4].copy_from_slice(&length.to_ne_bytes());
    bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
    bytes[6..8].copy_from_slice(&(NLM_F_REQUEST | flags).to_ne_bytes());
    bytes[8..12].copy_from_slice(&sequence.to_ne_bytes());
    bytes
}

/// Messages in what one recv(2) gave; ends at the first that is cut short.
pub fn messages(mut bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = read_u32(bytes.get(..HEADER)?, 0) as usize;
        let body = bytes.get(HEADER..length)?;
        let message = Message {
            kind: read_u16(bytes, 4),
            flags: read_u16(bytes, 6),
            sequence: read_u32(bytes, 8),
            body,
        };
        bytes = rest(bytes, length);
        Some(message)
    })
}

/// Attributes in the part of a message after its fixed struct, or nested in
/// another attribute; ends at the first that is cut short.
pub fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = Attribute<'_>> {
    std::iter::from_fn(move || {
        let length = usize::from(read_u16(bytes.get(..ATTRIBUTE_HEADER)?, 0));
        let attribute = Attribute {
            kind: read_u16(bytes, 2) & ATTRIBUTE_TYPE_MASK,
            value: bytes.get(ATTRIBUTE_HEADER..length)?,
        };
        bytes = rest(bytes, length);
        Some(attribute)
    })
}

fn rest(bytes: &[u8], length: usize) -> &[u8] {
    bytes
        .get(length.next_multiple_of(ALIGNMENT)..)
        .unwrap_or_default()
}

/// A 16-bit number at an offset; 0 past the end.
pub fn read_u16(bytes: &[u8], offset: usize) -> u16 {
    let number = bytes.get(offset..offset + 2);
    number.map_or(0, |bytes| u16::from_ne_bytes([bytes[0], bytes[1]]))
}

/// A 32-bit number at an offset; 0 past the end.
pub fn read_u32(bytes: &[u8], offset: usize) -> u32 {
    let number = bytes.get(offset..offset + 4);
    number.map_or(0, |bytes| {
        u32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADDRESS: Attribute<'static> = Attribute {
        kind: 1,
        value: &[10, 0, 0, 1],
    };
    const NAME: Attribute<'static> = Attribute {
        kind: 3,
        value: b"eth0\0",
    };

    #[test]
    fn messages_reads_what_request_writes() {
        let mut bytes = request(26, NLM_F_DUMP, 7, &[9; 12], &[NAME, ADDRESS]);
        bytes.extend(request(18, 0, 8, &[], &[]));
        let read: Vec<Message<'_>> = messages(&bytes).collect();
        assert_eq!(read.len(), 2);
        assert_eq!((read[0].kind, read[0].sequence), (26, 7));
        assert_eq!(read[0].flags, NLM_F_REQUEST | NLM_F_DUMP);
        assert_eq!(&read[0].body[..12], [9; 12]);
        let found: Vec<Attribute<'_>> = attributes(&read[0].body[12..]).collect();
        assert_eq!(found, [NAME, ADDRESS]);
        assert_eq!(found[0].text(), "eth0");
        assert_eq!((read[1].kind, read[1].sequence), (18, 8));
    }

    #[test]
    fn messages_ends_at_one_that_is_cut_short_or_lies_about_its_length() {
        let bytes = request(26, 0, 1, &[0; 12], &[ADDRESS]);
        for cut in 0..bytes.len() {
            assert_eq!(messages(&bytes[..cut]).count(), 0, "{cut}");
        }
        for length in [0_u32, 15, 1000, u32::MAX] {
            let mut lie = bytes.clone();
            lie[..4].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(messages(&lie).count(), 0, "{length}");
        }
    }

    #[test]
    fn attributes_ends_at_one_that_is_cut_short_or_lies_about_its_length() {
        let bytes = request(26, 0, 1, &[], &[ADDRESS]);
        let area = &bytes[HEADER..];
        for cut in 0..area.len() {
            assert_eq!(attributes(&area[..cut]).count(), 0, "{cut}");
        }
        for length in [0_u16, 3, 9, u16::MAX] {
            let mut lie = area.to_vec();
            lie[..2].copy_from_slice(&length.to_ne_bytes());
            assert_eq!(attributes(&lie).count(), 0, "{length}");
        }
    }

    #[test]
    fn attributes_strips_the_nested_flag_from_the_type() {
        let mut bytes = request(
            26,
            0,
            1,
            &[],
            &[Attribute {
                kind: 0x8012,
                ..ADDRESS
            }],
        );
        let area = bytes.split_off(HEADER);
        assert_eq!(attributes(&area).next().map(|found| found.kind), Some(0x12));
    }

    #[test]
    fn numbers_past_the_end_are_zero() {
        assert_eq!(read_u16(&[1], 0), 0);
        assert_eq!(read_u32(&[1, 2, 3, 4], 1), 0);
        assert_eq!(
            Attribute {
                kind: 1,
                value: &[1, 2]
            }
            .number(),
            0
        );
    }
}
