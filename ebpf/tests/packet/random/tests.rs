// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! The runs.

use std::{env, time::SystemTime};

use super::{
    coverage::Coverage, kept::kept, kernel::Kernel, model::Fault, run::Runner, source::source,
    workers::run,
};
use crate::harness::{Forwarding, with_telling};

/// Of the run that is the same every time: what it says is about the change that is
/// tested. Runs that are asked for may begin anywhere.
const SEED: u64 = 1;
const CASES: u64 = 18_000;

fn wish(name: &str) -> Option<u64> {
    let chosen = env::var(name).ok()?;
    let number = chosen.parse();
    Some(number.unwrap_or_else(|_| panic!("{name} is a number, not {chosen}")))
}

/// Another seed every time.
fn fresh() -> u64 {
    let elapsed = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    elapsed.expect("it is later than 1970").as_nanos() as u64
}

fn agree(cases: u64, seed: u64) -> Coverage {
    println!("BLIXT_CASES={cases} BLIXT_SEED={seed}");
    match run(cases, seed, Fault::None) {
        Err(disagreement) => panic!("program and model differ (seed {seed}):\n{disagreement}"),
        Ok(coverage) => {
            println!("{} packets: {coverage:?}", coverage.packets());
            assert_eq!(coverage.cases, cases);
            coverage
        }
    }
}

#[test]
#[ignore = "needs root"]
fn run_of_random_cases_ends_with_program_and_model_agreeing() {
    let (cases, seed) = (wish("BLIXT_CASES"), wish("BLIXT_SEED"));
    if cases.is_some() || seed.is_some() {
        agree(cases.unwrap_or(CASES), seed.unwrap_or_else(fresh));
        return;
    }
    let reached = agree(CASES, SEED);
    let drops = reached.drops;
    for (what, count) in [
        ("was passed", reached.passed),
        ("was dropped", reached.dropped),
        ("went on its way", reached.redirected),
        ("was decided early", reached.hastened),
        ("flow settled", reached.settled),
        ("connection was closing", reached.closing),
        ("flow had another client", reached.masked),
        (
            "flow went by another port than its client's",
            reached.ported,
        ),
        (
            "flow took the entries of one that was over",
            reached.renewed,
        ),
        ("was malformed", drops.malformed),
        ("was a fragment of none", drops.fragment),
        ("had no route", drops.no_route),
        ("had no hop left", drops.ttl_exceeded),
        ("was refused over UDP", drops.refused_udp),
        ("was refused over TCP", drops.refused_tcp),
        ("lost its backend", drops.backend_gone),
        ("met a map that lacks an element", drops.inconsistent),
        ("could not be rewritten", drops.rewrite_failed),
        ("was for no service", drops.no_service),
        ("was too big", drops.too_big),
        ("came from nobody", drops.martian),
    ] {
        assert!(count > 10, "{count} times, something {what}");
    }
}

/// What is wrong of the model, and how many steps show it at the most: which of its
/// cases is reported first depends on the workers' pace, and some begin with a change.
const FAULTS: [(Fault, usize); 3] = [(Fault::Uncounted, 3), (Fault::Ttl, 4), (Fault::Settles, 6)];

#[test]
#[ignore = "needs root"]
fn run_finds_a_wrong_model_and_makes_the_case_small() {
    for (fault, steps) in FAULTS {
        let found = run(CASES, SEED, fault);
        let report = found.expect_err("nobody noticed");
        let case = report.split("steps: vec![").nth(1).expect("a case");
        let case = case.split("    ],").next().expect("its end");
        let count = case.matches("arrives(").count() + case.matches("Change::").count();
        assert!(
            (1..=steps).contains(&count),
            "{fault:?} in {count} steps:\n{report}"
        );
    }
}

#[test]
#[ignore = "needs root"]
fn kept_cases_agree() {
    for forwarding in [Forwarding::On, Forwarding::Off] {
        with_telling(forwarding, |lab| {
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
