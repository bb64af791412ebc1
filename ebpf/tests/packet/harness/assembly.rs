// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Instructions of eBPF as words (RFC 9669), for the few that tests write by hand.

use std::os::fd::{AsRawFd, BorrowedFd};

/// Sizes of loads and stores.
pub const W: u8 = 0x00;
pub const B: u8 = 0x10;
pub const DW: u8 = 0x18;

/// Operations of ALU64 instructions.
pub const ADD: u8 = 0x00;
pub const MUL: u8 = 0x20;
pub const RSH: u8 = 0x70;

/// Numbers of helpers (linux/bpf.h).
pub const MAP_LOOKUP_ELEM: i32 = 1;
pub const TAIL_CALL: i32 = 12;

/// BPF_PSEUDO_MAP_FD and BPF_PSEUDO_MAP_VALUE: what a wide load means.
const MAP: u8 = 1;
const MAP_VALUE: u8 = 2;

fn word(code: u8, to: u8, from: u8, offset: i16, immediate: i32) -> u64 {
    let registers = (from << 4) | to;
    u64::from(code)
        | u64::from(registers) << 8
        | u64::from(offset as u16) << 16
        | u64::from(immediate as u32) << 32
}

/// `to = from`
pub fn mov(to: u8, from: u8) -> u64 {
    word(0xbf, to, from, 0, 0)
}

/// `to = value`
pub fn set(to: u8, value: i32) -> u64 {
    word(0xb7, to, 0, 0, value)
}

/// `to operation= from`
pub fn alu(operation: u8, to: u8, from: u8) -> u64 {
    word(operation | 0x0f, to, from, 0, 0)
}

/// `to operation= value`
pub fn alu_imm(operation: u8, to: u8, value: i32) -> u64 {
    word(operation | 0x07, to, 0, 0, value)
}

/// `to = htobe32(to)`
pub fn be32(to: u8) -> u64 {
    word(0xdc, to, 0, 0, 32)
}

/// `to = *(size *)(from + offset)`
pub fn ldx(size: u8, to: u8, from: u8, offset: i16) -> u64 {
    word(0x61 | size, to, from, offset, 0)
}

/// `*(size *)(to + offset) = from`
pub fn stx(size: u8, to: u8, from: u8, offset: i16) -> u64 {
    word(0x63 | size, to, from, offset, 0)
}

/// `if left > right goto +offset`
pub fn jgt(left: u8, right: u8, offset: i16) -> u64 {
    word(0x2d, left, right, offset, 0)
}

/// `if left == 0 goto +offset`
pub fn jz(left: u8, offset: i16) -> u64 {
    word(0x15, left, 0, offset, 0)
}

pub fn call(helper: i32) -> u64 {
    word(0x85, 0, 0, 0, helper)
}

pub fn exit() -> u64 {
    word(0x95, 0, 0, 0, 0)
}

/// `to` is the map.
pub fn ld_map(to: u8, map: BorrowedFd<'_>) -> [u64; 2] {
    [word(0x18, to, MAP, 0, map.as_raw_fd()), 0]
}

/// `to` points at the first element of the array map.
pub fn ld_value(to: u8, map: BorrowedFd<'_>) -> [u64; 2] {
    [word(0x18, to, MAP_VALUE, 0, map.as_raw_fd()), 0]
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 9669, section 3: opcode, registers (destination in the low half), offset, immediate.
    #[test]
    fn instructions_are_encoded_as_the_standard_has_them() {
        assert_eq!(mov(6, 1).to_le_bytes(), [0xbf, 0x16, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            set(0, -1).to_le_bytes(),
            [0xb7, 0, 0, 0, 255, 255, 255, 255]
        );
        assert_eq!(
            alu_imm(RSH, 3, 33).to_le_bytes(),
            [0x77, 3, 0, 0, 33, 0, 0, 0]
        );
        assert_eq!(alu(MUL, 3, 4).to_le_bytes(), [0x2f, 0x43, 0, 0, 0, 0, 0, 0]);
        assert_eq!(
            ldx(DW, 1, 7, 8).to_le_bytes(),
            [0x79, 0x71, 8, 0, 0, 0, 0, 0]
        );
        assert_eq!(
            stx(W, 7, 3, -4).to_le_bytes(),
            [0x63, 0x37, 0xfc, 0xff, 0, 0, 0, 0]
        );
        assert_eq!(exit().to_le_bytes(), [0x95, 0, 0, 0, 0, 0, 0, 0]);
    }
}
