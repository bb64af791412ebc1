// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! Wrong programs given to who should notice.

use std::{
    env, fs, iter, panic,
    process::{Command, Stdio},
};

use super::{
    change::{Mutant, mutants},
    equivalents::why,
    lines::Lines,
};
use crate::{
    harness::{Chain, Elf, Forwarding, Object, telling, with_lab_of},
    random::{kernel::Kernel, model::Fault, rng::Random, run::Runner},
};

/// Cases for each wrong program.
const CASES: u64 = 4_000;
const SEED: u64 = 1;
/// Without a wish it is enough when so many are found, of so many that the
/// verifier takes.
const ENOUGH: usize = 3;
const MUTANTS: usize = 20;

/// Of so many cases, one is on a host that does not forward by itself.
const QUIET: u64 = 4;

/// After how many cases somebody notices; none when nobody does. `object` is that of
/// `bytes`, loaded already.
fn noticed(object: Object, bytes: &[u8], cases: u64) -> Option<u64> {
    let quiet = cases / QUIET;
    let found = noticed_on(Forwarding::On, object, cases - quiet);
    found.or_else(|| {
        let object = Object::try_load(bytes).expect("the verifier took it before");
        let found = noticed_on(Forwarding::Off, object, quiet);
        found.map(|number| cases - quiet + number)
    })
}

fn noticed_on(forwarding: Forwarding, object: Object, cases: u64) -> Option<u64> {
    let mut found = None;
    let search = || {
        with_lab_of(
            || object,
            Chain::Ingress,
            forwarding,
            |lab| {
                let kernel = Kernel::new(lab, forwarding == Forwarding::On);
                let mut runner = Runner::new(kernel, Fault::None);
                found = (0..cases).find(|number| {
                    let seed = Random::new(SEED ^ number << 20).next();
                    runner.run(seed).is_some()
                });
                if found.is_none() && runner.finish_round().is_err() {
                    found = Some(cases);
                }
            },
        );
    };
    // A verdict that no program has makes a case end early, too.
    if panic::catch_unwind(panic::AssertUnwindSafe(search)).is_err() {
        return Some(0);
    }
    found
}

/// The first of the other packet tests that notices.
fn noticed_elsewhere(object: &[u8]) -> Option<String> {
    let cache = env::temp_dir().join(format!("blixt-mutant-{}", std::process::id()));
    let folder = cache.join("target-bpf/bpfel-unknown-none/release");
    fs::create_dir_all(&folder).expect("room for an object");
    fs::write(folder.join("blixt"), object).expect("room for an object");
    let program = env::current_exe().expect("this runs");
    let output = Command::new(program)
        .args(["--include-ignored", "--skip", "random::", "--skip", "cost"])
        .env("BLIXT_CACHE", &cache)
        .stderr(Stdio::null())
        .output()
        .expect("what runs runs once more");
    fs::remove_dir_all(&cache).expect("it was there");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let failed = text.lines().find(|line| line.ends_with("... FAILED"));
    failed.map(str::to_owned)
}

fn wish(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().expect("a number"))
}

#[test]
#[ignore = "needs root"]
fn wrong_programs_are_found() {
    let wanted = wish("BLIXT_MUTANTS");
    let lines = env::var("BLIXT_SITE").ok();
    let lines = lines.map(|text| text.parse::<Lines>().expect("lines of the program"));
    let thorough = wanted.is_some() || lines.is_some();
    let all_there_are = if lines.is_some() { usize::MAX } else { MUTANTS };
    let most = wanted.map_or(all_there_are, |wanted| wanted as usize);
    let all_tests = wish("BLIXT_SUITE").is_some();
    let cases = wish("BLIXT_CASES").unwrap_or(CASES);
    let mut random = Random::new(wish("BLIXT_SEED").unwrap_or(SEED));
    let sound = Object::bytes();
    let elf = Elf::new(&sound);
    let places = elf.instructions();
    assert!(places.len() > 1_000, "{} instructions", places.len());
    let mut wrong_ones: Box<dyn Iterator<Item = Mutant>> = match lines {
        Some(lines) => {
            let there = |at: &usize| lines.hold(&elf.site(*at));
            let places: Vec<usize> = places.into_iter().filter(there).collect();
            assert!(!places.is_empty(), "no instruction is of these lines");
            Box::new(places.into_iter().flat_map(|at| mutants(&elf, at)))
        }
        None => Box::new(iter::from_fn(|| {
            let mut all = Vec::new();
            while all.is_empty() {
                all = mutants(&elf, random.pick(&places));
            }
            Some(random.pick(&all))
        })),
    };
    let (mut tried, mut refused) = (0, 0);
    let (mut found, mut elsewhere, mut equivalent, mut missed) = (0, 0, 0, Vec::new());
    while tried < most && (thorough || found < ENOUGH) {
        let Some(mutant) = wrong_ones.next() else {
            break;
        };
        let mut wrong = sound.clone();
        mutant.apply(&mut wrong);
        let telling = telling(wrong.clone());
        let Some(object) = Object::try_load(&telling) else {
            refused += 1;
            continue;
        };
        tried += 1;
        let Mutant { at, kind, how, .. } = &mutant;
        let site = elf.site(*at);
        let about = format!("{at:#x}, {site}: {kind:?}, {how}");
        if let Some(cases) = noticed(object, &telling, cases) {
            found += 1;
            println!("{about}: noticed after {cases} cases");
        } else if let Some(why) = why(&site, &mutant) {
            equivalent += 1;
            println!("{about}: equivalent, {why}");
        } else if let Some(test) = all_tests.then(|| noticed_elsewhere(&wrong)).flatten() {
            elsewhere += 1;
            println!("{about}: {test}");
        } else {
            println!("{about}: nobody noticed");
            missed.push(about);
        }
    }
    println!(
        "{found} of {tried} wrong programs were found by random cases, {elsewhere} by other tests; \
         {equivalent} are equivalent, {} missed; the verifier refused {refused}",
        missed.len()
    );
    assert!(thorough || found >= ENOUGH, "{found} of {tried}");
    assert!(!thorough || missed.is_empty(), "{}", missed.join("\n"));
}

/// r1 += 2, if r1 == 3 goto +1, *(u32 *)(r1 + 4) = r2, call 1, exit
const CODE: [u8; 40] = [
    0x07, 1, 0, 0, 2, 0, 0, 0, 0x15, 1, 1, 0, 3, 0, 0, 0, 0x63, 0x21, 4, 0, 0, 0, 0, 0, 0x85, 0, 0,
    0, 1, 0, 0, 0, 0x95, 0, 0, 0, 0, 0, 0, 0,
];

#[test]
fn mutants_change_one_instruction_each_in_another_way() {
    // In the midst of an object without sections.
    let mut object = vec![0; 128];
    object[64..104].copy_from_slice(&CODE);
    let elf = Elf::new(&object);
    for (at, count) in [(64, 3), (72, 3), (80, 3), (88, 1), (96, 0)] {
        let all = mutants(&elf, at);
        let mut changed: Vec<Vec<u8>> = Vec::new();
        for mutant in &all {
            let mut wrong = object.clone();
            mutant.apply(&mut wrong);
            let differ = (0..wrong.len()).filter(|index| wrong[*index] != object[*index]);
            let differ: Vec<usize> = differ.collect();
            assert!(!differ.is_empty() && differ.iter().all(|index| index / 8 == at / 8));
            changed.push(wrong);
        }
        changed.sort();
        changed.dedup();
        assert_eq!((changed.len(), all.len()), (count, count), "at {at}");
    }
}
