// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Programs whose verdict tells where they redirect a packet to. BPF_PROG_TEST_RUN
//! returns the verdict and the frame, and the interface is in neither; so each call of
//! a redirecting helper becomes an instruction that returns what the helper was told.

use super::elf::{Elf, INSTRUCTION};

/// Verdicts in place of a redirect into a pod, and to a neighbour that the kernel looks
/// for. In place of one to an interface it is the interface's index.
pub const TO_PEER: u32 = 0x1_0000;
pub const TO_NEIGHBOUR: u32 = 0x1_0001;

/// linux/bpf.h: numbers of helpers.
const REDIRECT: i32 = 23;
const REDIRECT_NEIGH: i32 = 152;
const REDIRECT_PEER: i32 = 155;

/// RFC 9669: `call` of a helper; r0 = r1; r0 = a constant.
const CALL: [u8; 4] = [0x85, 0, 0, 0];
const FIRST_ARGUMENT: [u8; INSTRUCTION] = [0xbf, 0x10, 0, 0, 0, 0, 0, 0];
const CONSTANT: u8 = 0xb7;

/// The object with such programs.
pub fn telling(object: Vec<u8>) -> Vec<u8> {
    let places = Elf::new(&object).instructions();
    let mut changed = object;
    for at in places {
        let (code, number) = changed[at..at + INSTRUCTION].split_at_mut(4);
        if *code != CALL {
            continue;
        }
        let number = i32::from_le_bytes([number[0], number[1], number[2], number[3]]);
        let instead = match number {
            REDIRECT => FIRST_ARGUMENT,
            REDIRECT_PEER => constant(TO_PEER),
            REDIRECT_NEIGH => constant(TO_NEIGHBOUR),
            _ => continue,
        };
        changed[at..at + INSTRUCTION].copy_from_slice(&instead);
    }
    changed
}

/// r0 = `value`
fn constant(value: u32) -> [u8; INSTRUCTION] {
    let [a, b, c, d] = value.to_le_bytes();
    [CONSTANT, 0, 0, 0, a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::harness::{Ends, Forwarding, Object, segments_test_run, with_telling};

    #[test]
    #[ignore = "needs the object that the build left"]
    fn telling_changes_calls_of_redirecting_helpers_alone() {
        let object = Object::bytes();
        let changed = telling(object.clone());
        let places = Elf::new(&object).instructions();
        let differ = places
            .iter()
            .filter(|at| object[**at..][..8] != changed[**at..][..8]);
        let calls = differ.inspect(|at| assert_eq!(object[**at], 0x85));
        assert!(calls.count() >= 5);
        assert_eq!(telling(changed.clone()), changed);
    }

    #[test]
    #[ignore = "needs root"]
    fn verdict_tells_pod_and_interface() {
        with_telling(Forwarding::On, |lab| {
            for ends in Ends::all() {
                let run = |frame: &[u8], ifindex| {
                    let run = segments_test_run(lab.object.program(), frame, ifindex, 0);
                    run.expect("it is a frame").action
                };
                let opening = lab.inbound(&ends.opening()).bytes();
                assert_eq!(run(&opening, lab.out.ifindex), TO_PEER, "{ends}");
                let reply = lab.outbound(&ends.reply()).bytes();
                assert_eq!(run(&reply, lab.pod.ifindex), lab.out.ifindex, "{ends}");
            }
        });
    }
}
