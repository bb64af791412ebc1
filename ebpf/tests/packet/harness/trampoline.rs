// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Many runs in one system call, each on a fresh packet: a program that writes a
//! frame into the buffer and jumps to the one that is measured. What it costs by
//! itself is measured with a jump to a program that does nothing.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use super::{
    assembly::{
        ADD, B, DW, MAP_LOOKUP_ELEM, MUL, RSH, TAIL_CALL, W, alu, alu_imm, be32, call, exit, jgt,
        jz, ld_map, ld_value, ldx, mov, set, stx,
    },
    syscall::{Kind, create_array, load, write},
    test_run::{Run, Summed, test_run, xdp_test_run},
};

/// BPF_MAP_TYPE_ARRAY and BPF_MAP_TYPE_PROG_ARRAY.
const ARRAY: u32 = 2;
const PROG_ARRAY: u32 = 3;

/// The frame's bytes that may be written: all headers.
const FRAME: usize = 78;
/// Offsets of `data` and `data_end` in `struct __sk_buff`.
const DATA: i16 = 76;
const DATA_END: i16 = 80;
/// The same in `struct xdp_md`.
const XDP_DATA: i16 = 0;
const XDP_DATA_END: i16 = 4;

/// What the program draws the next client's address with: one of `clients` from
/// `first` on (the last 32 bits, host byte order), by a linear congruential generator.
#[repr(C)]
#[derive(Clone, Copy)]
struct State {
    drawn: u64,
    factor: u64,
    summand: u64,
    clients: u32,
    first: u32,
    frame: [u8; FRAME],
}

const DRAWN: i16 = 0;
const FACTOR: i16 = 8;
const SUMMAND: i16 = 16;
const CLIENTS: i16 = 24;
const FIRST: i16 = 28;
const BYTES: i16 = 32;

/// Of the generator that draws at random: Numerical Recipes' "quick and dirty" one.
const RANDOM: [u64; 2] = [1_664_525, 1_013_904_223];

/// Which of a frame's addresses is the client's.
#[derive(Clone, Copy)]
pub enum Client {
    Source,
    Destination,
}

pub struct Trampoline {
    kind: Kind,
    program: OwnedFd,
    jumps: OwnedFd,
    frame: Vec<u8>,
    /// Of the interface that packets come in by.
    ifindex: u32,
    // Lives as long as the program that writes it.
    _state: OwnedFd,
}

impl Trampoline {
    /// For copies of `frame` from `sources` addresses at random: its own and those after it.
    pub fn new(kind: Kind, frame: &[u8], sources: u32, ifindex: u32) -> Self {
        Self::drawing(kind, frame, Client::Source, sources, RANDOM, ifindex)
    }

    /// For copies of `frame` of 2^`bits` clients, its own and those after it, each in its
    /// turn: no two with neighbouring addresses, and always in the same order.
    pub fn in_turn(kind: Kind, frame: &[u8], client: Client, bits: u32, ifindex: u32) -> Self {
        // The upper bits alone are used, and any odd number goes through all of them.
        let step = 0x9e37_79b9 << (64 - bits);
        Self::drawing(kind, frame, client, 1 << bits, [1, step], ifindex)
    }

    fn drawing(
        kind: Kind,
        frame: &[u8],
        client: Client,
        clients: u32,
        [factor, summand]: [u64; 2],
        ifindex: u32,
    ) -> Self {
        let address = last_word(frame, client);
        let last = frame[address..address + 4].try_into().expect("four bytes");
        let mut state = State {
            drawn: 1,
            factor,
            summand,
            clients,
            first: u32::from_be_bytes(last),
            frame: [0; FRAME],
        };
        let length = frame.len().min(FRAME);
        state.frame[..length].copy_from_slice(&frame[..length]);
        let map = create_array(ARRAY, size_of::<State>() as u32, 1);
        write(map.as_fd(), 0, &state);
        let jumps = create_array(PROG_ARRAY, 4, 1);
        let [address, length] = [address, length].map(|number| number as i16);
        let code = trampoline(kind, map.as_fd(), jumps.as_fd(), address, length);
        Self {
            kind,
            program: load(kind, &code),
            jumps,
            frame: frame.to_vec(),
            ifindex,
            _state: map,
        }
    }

    /// Nanoseconds of a run on average, the trampoline's own share included.
    ///
    /// Panics when the program's last verdict is another than `verdict`.
    pub fn run(&self, program: BorrowedFd<'_>, repeat: u32, verdict: u32) -> u32 {
        let run = self.try_run(program, repeat);
        assert_eq!(run.action, verdict, "the program's verdict");
        run.nanoseconds
    }

    /// The same with whatever verdict comes out.
    pub fn try_run(&self, program: BorrowedFd<'_>, repeat: u32) -> Run {
        write(self.jumps.as_fd(), 0, &program.as_raw_fd());
        let program = self.program.as_fd();
        let run = match self.kind {
            Kind::Classifier => test_run(program, &self.frame, self.ifindex, Summed::No, repeat),
            Kind::Xdp => xdp_test_run(program, &self.frame, self.ifindex, repeat),
        };
        run.unwrap_or_else(|error| panic!("the runs failed: {error}"))
    }
}

/// Where the last word of the client's address is.
fn last_word(frame: &[u8], client: Client) -> usize {
    match (frame[12..14] == [0x08, 0x00], client) {
        (true, Client::Source) => 26,
        (true, Client::Destination) => 30,
        (false, Client::Source) => 34,
        (false, Client::Destination) => 50,
    }
}

/// Draws a client's address, writes the frame, jumps. r6 is the context, r7 the state.
///
/// It writes words in which fields lie whole: a processor that reads what was just
/// written takes it from the store, unless that covers the field in part only.
fn trampoline(
    kind: Kind,
    state: BorrowedFd<'_>,
    jumps: BorrowedFd<'_>,
    address: i16,
    length: i16,
) -> Vec<u64> {
    let (data, data_end) = match kind {
        Kind::Classifier => (DATA, DATA_END),
        Kind::Xdp => (XDP_DATA, XDP_DATA_END),
    };
    let words: Vec<i16> = [0].into_iter().chain((6..=length - 8).step_by(8)).collect();
    let mut code = vec![mov(6, 1)];
    code.extend(ld_value(7, state));
    code.extend([
        ldx(DW, 1, 7, DRAWN),
        ldx(DW, 2, 7, FACTOR),
        alu(MUL, 1, 2),
        ldx(DW, 2, 7, SUMMAND),
        alu(ADD, 1, 2),
        stx(DW, 7, 1, DRAWN),
        // The upper bits are the random ones.
        alu_imm(RSH, 1, 33),
        ldx(W, 2, 7, CLIENTS),
        alu(MUL, 1, 2),
        alu_imm(RSH, 1, 31),
        ldx(W, 2, 7, FIRST),
        alu(ADD, 1, 2),
        be32(1),
        stx(W, 7, 1, BYTES + address),
        ldx(W, 1, 6, data),
        ldx(W, 2, 6, data_end),
        mov(3, 1),
        alu_imm(ADD, 3, length.into()),
        jgt(3, 2, 2 * words.len() as i16),
    ]);
    for at in words {
        code.extend([ldx(DW, 2, 7, BYTES + at), stx(DW, 1, 2, at)]);
    }
    code.push(mov(1, 6));
    code.extend(ld_map(2, jumps));
    // Behind the jump is who finds no program.
    code.extend([set(3, 0), call(TAIL_CALL), set(0, -1), exit()]);
    code
}

/// A program that does nothing, successfully.
pub fn nothing(kind: Kind) -> OwnedFd {
    load(kind, &[set(0, 0), exit()])
}

/// A program that looks the packet's own addresses and ports up in `flows4` and
/// reads a word of what it finds: returns 0 when it found an entry, 2 else.
pub fn look_up4(flows4: BorrowedFd<'_>) -> OwnedFd {
    const KEY: i16 = -16;
    let mut code = vec![
        ldx(W, 2, 1, DATA),
        ldx(W, 3, 1, DATA_END),
        mov(4, 2),
        alu_imm(ADD, 4, 38),
        jgt(4, 3, 17),
    ];
    // Addresses and ports stand in the key as in the packet, then the protocol.
    for (from, to) in [(26, 0), (30, 4), (34, 8)] {
        code.extend([ldx(W, 5, 2, from), stx(W, 10, 5, KEY + to)]);
    }
    code.extend([ldx(B, 5, 2, 23), stx(W, 10, 5, KEY + 12)]);
    code.extend(ld_map(1, flows4));
    code.extend([
        mov(2, 10),
        alu_imm(ADD, 2, KEY.into()),
        call(MAP_LOOKUP_ELEM),
    ]);
    code.extend([jz(0, 3), ldx(W, 1, 0, 0), set(0, 0), exit()]);
    code.extend([set(0, 2), exit()]);
    load(Kind::Classifier, &code)
}
