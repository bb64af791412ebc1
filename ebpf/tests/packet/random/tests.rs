// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The runs.

use std::{env, time::SystemTime};

use super::{kept::kept, kernel::Kernel, model::Fault, run::Runner, source::source, workers::run};
use crate::harness::{Chain, Forwarding, with_chain};

/// Cases of each of the two runs that there are without a wish.
const CASES: u64 = 20_000;
const SEED: u64 = 1;

fn wish(name: &str) -> Option<u64> {
    let chosen = env::var(name).ok()?;
    let number = chosen.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is a number, not {chosen}")))
}

/// Another one every time.
fn fresh() -> u64 {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    elapsed.expect("it is later than 1970").as_nanos() as u64
}

fn agree(cases: u64, seed: u64) {
    println!("BLIXT_CASES={cases} BLIXT_SEED={seed}");
    match run(cases, seed, Fault::None) {
        Err(disagreement) => panic!("program and model differ (seed {seed}):\n{disagreement}"),
        Ok(coverage) => {
            println!("{} packets: {coverage:?}", coverage.packets());
            assert_eq!(coverage.cases, cases);
        }
    }
}

#[test]
#[ignore = "needs root"]
fn run_of_random_cases_ends_with_program_and_model_agreeing() {
    let seeds = match wish("BLIXT_SEED") {
        Some(seed) => vec![seed],
        None => vec![SEED, fresh()],
    };
    let cases = wish("BLIXT_CASES").unwrap_or(CASES);
    for seed in seeds {
        agree(cases, seed);
    }
}

#[test]
#[ignore = "needs root"]
fn kept_cases_agree() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_chain(Chain::Ingress, forwarding, |lab| {
            let forwards = forwarding == Forwarding::On;
            let mut runner = Runner::new(Kernel::new(lab, forwards), Fault::None);
            for (about, case) in kept() {
                if case.forwards == forwards
                    && let Err(difference) = runner.replay(&case)
                {
                    panic!("{about}: {difference}\n{}", source(&case));
                }
            }
        });
    }
}
