// SPDX-License-Identifier: Apache-2.0

//! Where the bytes of one layout go in another.

#![forbid(unsafe_code)]

use std::ops::Range;

use crate::{
    error::{Error, Result},
    proto::Piece,
};

/// Pieces that are known to lie inside both layouts.
#[derive(Debug)]
pub struct Pieces {
    pieces: Vec<(Range<usize>, Range<usize>)>,
    from_size: usize,
    to_size: usize,
}

impl Pieces {
    /// Sizes are bytes of one key or value before and after; `what` is "key" or "value".
    ///
    /// # Errors
    /// INVALID_ARGUMENT for a piece that lies outside.
    pub fn new(what: &str, pieces: &[Piece], from_size: u32, to_size: u32) -> Result<Self> {
        let inside = |start: u32, length: u32, size: u32| {
            let end = start.checked_add(length).filter(|end| *end <= size)?;
            Some(start as usize..end as usize)
        };
        let mut checked = Vec::with_capacity(pieces.len());
        for (number, piece) in pieces.iter().enumerate() {
            let from = inside(piece.from, piece.length, from_size);
            let to = inside(piece.to, piece.length, to_size);
            let (Some(from), Some(to)) = (from, to) else {
                return Err(Error::invalid(format!(
                    "Piece {number} of the {what} ({} bytes from {} to {}) lies outside: the {what} has {from_size} bytes, then {to_size}",
                    piece.length, piece.from, piece.to
                )));
            };
            checked.push((from, to));
        }
        Ok(Self {
            pieces: checked,
            from_size: from_size as usize,
            to_size: to_size as usize,
        })
    }

    /// Appends one key or value in the new layout.
    pub fn append(&self, old: &[u8], target: &mut Vec<u8>) {
        let start = target.len();
        target.resize(start + self.to_size, 0);
        for (from, to) in &self.pieces {
            target[start + to.start..start + to.end].copy_from_slice(&old[from.clone()]);
        }
    }

    /// Appends a value of each CPU, each padded to 8 bytes, as bpf(2) has them.
    pub fn append_for_every_cpu(&self, old: &[u8], cpus: usize, target: &mut Vec<u8>) {
        for old in old.chunks(self.from_size.next_multiple_of(8)).take(cpus) {
            self.append(old, target);
            target.resize(target.len().next_multiple_of(8), 0);
        }
    }

    /// All values of an inner array.
    pub fn of_each(&self, old: &[u8]) -> Vec<u8> {
        let mut values = Vec::with_capacity(old.len() / self.from_size * self.to_size);
        for old in old.chunks_exact(self.from_size) {
            self.append(old, &mut values);
        }
        values
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;

    fn pieces(list: &[(u32, u32, u32)], from_size: u32, to_size: u32) -> Result<Pieces> {
        let list: Vec<Piece> = list
            .iter()
            .map(|&(from, to, length)| Piece { from, to, length })
            .collect();
        Pieces::new("value", &list, from_size, to_size)
    }

    #[test]
    fn append_moves_pieces_and_leaves_zeros_elsewhere() {
        let grown = pieces(&[(0, 0, 2), (3, 5, 1)], 4, 8).unwrap();
        let mut target = vec![9];
        grown.append(&[1, 2, 3, 4], &mut target);
        assert_eq!(target, [9, 1, 2, 0, 0, 0, 4, 0, 0]);
    }

    #[test]
    fn append_for_every_cpu_pads_each_value_to_8_bytes() {
        let grown = pieces(&[(0, 8, 4)], 4, 12).unwrap();
        let mut target = Vec::new();
        let old = [1, 1, 1, 1, 0, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0];
        grown.append_for_every_cpu(&old, 2, &mut target);
        assert_eq!(target.len(), 32);
        assert_eq!(
            (&target[8..12], &target[24..28]),
            (&[1; 4][..], &[2; 4][..])
        );
        assert!(
            target[..8]
                .iter()
                .chain(&target[12..24])
                .all(|byte| *byte == 0)
        );
    }

    #[test]
    fn of_each_changes_every_value_of_an_array() {
        let shrunk = pieces(&[(1, 0, 1)], 2, 1).unwrap();
        assert_eq!(shrunk.of_each(&[1, 2, 3, 4]), [2, 4]);
        assert!(shrunk.of_each(&[]).is_empty());
    }

    #[test]
    fn new_refuses_pieces_outside_of_either_layout() {
        for list in [(0, 0, 5), (3, 0, 2), (0, 7, 2), (u32::MAX, 0, 2)] {
            let error = pieces(&[(0, 0, 1), list], 4, 8).unwrap_err();
            assert_eq!(error.code, Code::InvalidArgument);
            assert!(
                error.message.starts_with("Piece 1 of the value"),
                "{}",
                error.message
            );
        }
        assert!(pieces(&[(0, 0, 4), (4, 8, 0)], 4, 8).is_ok());
    }
}
