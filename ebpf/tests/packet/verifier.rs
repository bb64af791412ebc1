// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! What the programs cost the verifier: it refuses one for which it has to go through
//! more than a million instructions, and each start waits while it does.

use crate::harness::{Chain, Forwarding, verified_instructions, with_chain};

#[test]
#[ignore = "needs root"]
fn every_program_leaves_three_quarters_of_what_the_verifier_goes_through() {
    with_chain(Chain::Ingress, Forwarding::On, |lab| {
        let object = &lab.object;
        for (name, program) in [
            ("ingress", object.program()),
            ("egress", object.egress()),
            ("early", object.early()),
        ] {
            let instructions = verified_instructions(program);
            println!("{instructions:7} instructions to verify {name}");
            assert!(
                (1..250_000).contains(&instructions),
                "{name}: {instructions}"
            );
        }
    });
}
