// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Many cases at once, each worker with a host and a program of its own.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{RecvTimeoutError, channel},
    },
    thread,
    time::{Duration, Instant},
};

use super::{
    coverage::Coverage,
    kernel::Kernel,
    model::Fault,
    rng::Random,
    run::{Disagreement, Runner},
    shrink::shrink,
    source::source,
};
use crate::harness::{Forwarding, with_telling};

/// How often a long run says how far it is.
const PROGRESS: Duration = Duration::from_secs(10);
/// Disagreements of a worker after which it looks for no more.
const ENOUGH: usize = 3;
/// Of so many workers' turns, one is on a host that does not forward by itself.
const QUIET: u64 = 4;

/// Runs so many cases from a seed. Returns what they have reached, or the sources of
/// small cases in which program and model differ.
pub fn run(cases: u64, seed: u64, fault: Fault) -> Result<Coverage, String> {
    let workers = thread::available_parallelism().map_or(1, usize::from) as u64;
    let (done, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let found = Mutex::new(Vec::new());
    let total = Mutex::new(Coverage::default());
    let begun = Instant::now();
    thread::scope(|scope| {
        let (finished, wait) = channel::<()>();
        for worker in 0..workers {
            let (done, stop, found, total) = (&done, &stop, &found, &total);
            let finished = finished.clone();
            scope.spawn(move || {
                let _finished = finished;
                let all = (worker..cases).step_by(workers as usize);
                let (quiet, others): (Vec<_>, Vec<_>) =
                    all.partition(|number| (number / workers).is_multiple_of(QUIET));
                for (forwarding, numbers) in [(Forwarding::On, others), (Forwarding::Off, quiet)] {
                    let next = |number| {
                        done.fetch_add(1, Ordering::Relaxed);
                        (!stop.load(Ordering::Relaxed)).then(|| case_seed(seed, number))
                    };
                    let seeds = numbers.into_iter().map_while(next);
                    let (coverage, disagreement) = run_some(forwarding, seeds, fault);
                    *total.lock().expect("nobody panics with it") += coverage;
                    let mut found = found.lock().expect("nobody panics with it");
                    found.extend(disagreement);
                    if found.len() >= ENOUGH {
                        stop.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
        drop(finished);
        while let Err(RecvTimeoutError::Timeout) = wait.recv_timeout(PROGRESS) {
            let done = done.load(Ordering::Relaxed);
            let rate = done as f64 / begun.elapsed().as_secs_f64();
            println!("{done} of {cases} cases, {rate:.0} a second");
        }
    });
    let total = *total.lock().expect("nobody panics with it");
    let found = found.into_inner().expect("nobody panics with it");
    if found.is_empty() {
        return Ok(total);
    }
    Err(found.join("\n\n"))
}

/// Each case has a seed of its own.
fn case_seed(seed: u64, number: u64) -> u64 {
    Random::new(seed ^ number.wrapping_mul(0x2545_f491_4f6c_dd1d)).next()
}

/// The same in one thread, and what a disagreement is in its smallest form.
fn run_some(
    forwarding: Forwarding,
    seeds: impl Iterator<Item = u64> + Send,
    fault: Fault,
) -> (Coverage, Vec<String>) {
    let mut result = (Coverage::default(), Vec::new());
    with_telling(forwarding, |lab| {
        let kernel = Kernel::new(lab, forwarding == Forwarding::On);
        let mut runner = Runner::new(kernel, fault);
        for seed in seeds {
            if let Some(disagreement) = runner.run(seed) {
                result.1.push(report(&mut runner, disagreement));
                if result.1.len() >= ENOUGH {
                    break;
                }
            }
        }
        if result.1.is_empty() {
            result.1.extend(runner.finish_round().err());
        }
        result.0 = runner.coverage;
    });
    result
}

fn report(runner: &mut Runner, disagreement: Disagreement) -> String {
    let case = shrink(disagreement.case, &mut |case| runner.replay(case).is_err());
    let difference = runner.replay(&case).err();
    let difference = difference.unwrap_or(disagreement.difference);
    format!(
        "{difference}\n\nThe case, for kept.rs:\n\n{}",
        source(&case)
    )
}
