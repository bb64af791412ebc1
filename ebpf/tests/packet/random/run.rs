// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! A case in the kernel and in the model, step by step.

use std::thread;

use super::{
    case::{Case, Step},
    compare::{self, Counted, Difference},
    config::Config,
    coverage::Coverage,
    generate::Generator,
    kernel::Kernel,
    model::{Fate, Fault, Model, Verdict},
    world::Place,
};
use crate::harness::sum;

/// Cases after which all that is not looked at in each is.
const ROUND: usize = 64;

/// What is compared after a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Check {
    /// Flows, fragments, nodes and drops.
    Quick,
    /// Counters of services and backends too, after each step those of drops, and
    /// that the tables hold nothing else.
    Full,
}

/// A case in which the program and the model differ.
#[derive(Clone, Debug)]
pub struct Disagreement {
    pub case: Case,
    pub difference: Difference,
}

/// Says which case it was in which the model itself fails.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if thread::panicking() {
            println!("in the case of seed {}", self.0);
        }
    }
}

pub struct Runner<'a> {
    kernel: Kernel<'a>,
    usual: Config,
    fault: Fault,
    /// Counters as they must be at the end of a round.
    counted: Counted,
    /// Seeds of the round's cases.
    round: Vec<u64>,
    pub coverage: Coverage,
}

impl<'a> Runner<'a> {
    pub fn new(kernel: Kernel<'a>, fault: Fault) -> Self {
        let model = Model::new(&kernel.world, 0);
        let counted = compare::counters(&kernel.maps, &model);
        Self {
            kernel,
            usual: Config::usual(),
            fault,
            counted,
            round: Vec::new(),
            coverage: Coverage::default(),
        }
    }

    /// Runs the case of that seed. Returns a disagreement of it, or of one of those
    /// before it that is found only now.
    pub fn run(&mut self, seed: u64) -> Option<Disagreement> {
        self.round.push(seed);
        if let Err(found) = self.generate(seed, Check::Quick) {
            self.round.clear();
            return self.confirmed(found);
        }
        if self.round.len() < ROUND || self.finish_round().is_ok() {
            return None;
        }
        self.clean();
        // Which one it was, each shows by itself.
        let seeds = std::mem::take(&mut self.round);
        let found = seeds
            .into_iter()
            .find_map(|seed| self.generate(seed, Check::Full).err());
        let found = found.expect("a case left something behind, but no case alone does");
        self.confirmed(found)
    }

    /// Looks at what the last round left.
    pub fn finish_round(&mut self) -> Result<(), Difference> {
        let model = Model::new(&self.kernel.world, 0);
        let now = compare::counters(&self.kernel.maps, &model);
        let none = compare::nothing(now.services.len().max(now.backends.len()));
        compare::moved(&self.counted.services, &now.services, &none)?;
        compare::moved(&self.counted.backends, &now.backends, &none)?;
        compare::empty(&self.kernel.maps)?;
        self.round.clear();
        Ok(())
    }

    /// The disagreement, when it is none of the clock's making: a second, or a tick,
    /// that ends amidst a case is seen by the program alone.
    fn confirmed(&mut self, found: Disagreement) -> Option<Disagreement> {
        for _ in 0..3 {
            self.replay(&found.case).err()?;
        }
        Some(found)
    }

    /// Runs the steps of a case.
    pub fn replay(&mut self, case: &Case) -> Result<(), Difference> {
        self.kernel.early = case.early;
        let world = self.kernel.world.clone();
        let mut model = Model::new(&world, super::clock());
        model.fault = self.fault;
        let mut result = Ok(());
        for step in &case.steps {
            result = self.step(&mut model, step, Check::Full).map(|_| ());
            if result.is_err() {
                break;
            }
        }
        let result = result.and_then(|()| self.finish(&model, Check::Full));
        if result.is_err() {
            self.clean();
        }
        result
    }

    /// Generates and runs the case of a seed.
    fn generate(&mut self, seed: u64, check: Check) -> Result<(), Disagreement> {
        let mut generator = Generator::new(seed);
        self.kernel.early = seed.is_multiple_of(2);
        let world = self.kernel.world.clone();
        let mut model = Model::new(&world, super::clock());
        model.fault = self.fault;
        let mut steps = Vec::new();
        let mut result = Ok(());
        let _named = Named(seed);
        for _ in 0..generator.length() {
            let step = generator.step(&model);
            let done = self.step(&mut model, &step, check);
            if done != Ok(false) {
                steps.push(step);
            }
            if let Err(difference) = done {
                result = Err(difference);
                break;
            }
        }
        let result = result.and_then(|()| self.finish(&model, check));
        self.coverage.end(&model);
        result.map_err(|difference| {
            self.clean();
            let case = Case {
                forwards: world.forwards,
                early: self.kernel.early,
                steps,
            };
            Disagreement { case, difference }
        })
    }

    /// Whether the step was one: the kernel takes some frames for none.
    fn step(&mut self, model: &mut Model, step: &Step, check: Check) -> Result<bool, Difference> {
        match step {
            Step::Arrives(frame) => {
                let Some(came) = self.kernel.arrives(frame) else {
                    return Ok(false);
                };
                if self.kernel.early && frame.segment == 0 && frame.at != Place::Lo {
                    compare::haste(model.haste(frame.at, &frame.bytes), &came)?;
                    self.coverage.hastened += u64::from(came.early);
                }
                let expected = model.arrives(frame.at, &frame.bytes, frame.segment);
                self.coverage.packet(expected.fate);
                let here = model.world.ifindex(frame.at);
                compare::verdict(&expected, &came, here)?;
            }
            Step::Leaves(frame) => {
                let Some(came) = self.kernel.leaves(frame) else {
                    return Ok(false);
                };
                let here = model.world.ifindex(frame.at);
                let Some(expected) = model.leaves(frame.at, &frame.bytes) else {
                    let expected = Verdict::new(Fate::Passed, frame.bytes.clone());
                    return compare::verdict(&expected, &came, here).map(|()| true);
                };
                compare::verdict(&expected, &came, here)?;
                let early = std::mem::replace(&mut self.kernel.early, false);
                let entering = super::case::Frame {
                    bytes: came.frame,
                    ..frame.clone()
                };
                let entered = self.step(model, &Step::Arrives(entering), check);
                self.kernel.early = early;
                return entered.map(|_| true);
            }
            Step::Changes(change) => {
                let keys: Vec<_> = model.flows.keys().copied().collect();
                let ends: Vec<_> = model.flows.ends.keys().copied().collect();
                let notes: Vec<_> = model
                    .notes
                    .keys()
                    .map(|key| compare::note_key(*key))
                    .collect();
                self.kernel.changes(change, [&keys, &ends], &notes);
                model.changes(change);
            }
        }
        if check == Check::Full {
            let now = compare::drops(&self.kernel.maps);
            compare::dropped(&self.counted.drops, &now, &model.drops)?;
        }
        Ok(true)
    }

    /// Compares what a case leaves, and takes it away.
    fn finish(&mut self, model: &Model, check: Check) -> Result<(), Difference> {
        compare::take_flows(model, &self.kernel.maps)?;
        compare::take_ends(model, &self.kernel.maps)?;
        compare::take_notes(model, &self.kernel.maps)?;
        compare::take_clients(model, &self.kernel.maps)?;
        compare::take_ports(model, &self.kernel.maps)?;
        if model.config.nodes != self.usual.nodes || check == Check::Full {
            compare::nodes(model, &self.kernel.maps)?;
        }
        let drops = compare::drops(&self.kernel.maps);
        compare::dropped(&self.counted.drops, &drops, &model.drops)?;
        self.counted.drops = drops;
        if check == Check::Full {
            let now = compare::counters(&self.kernel.maps, model);
            compare::moved(&self.counted.services, &now.services, &model.service_stats)?;
            compare::moved(&self.counted.backends, &now.backends, &model.backend_stats)?;
            compare::empty(&self.kernel.maps)?;
        }
        for (count, by) in [
            (&mut self.counted.services, &model.service_stats),
            (&mut self.counted.backends, &model.backend_stats),
        ] {
            for (count, by) in count.iter_mut().zip(by) {
                *count = sum(&[*count, *by]);
            }
        }
        if model.errors_sent > 0 {
            self.kernel.maps.forgive();
        }
        self.kernel.restore(&self.usual);
        let addresses = model.config.addresses != self.usual.addresses;
        if addresses || model.config.nodes != self.usual.nodes {
            self.kernel.maps.restore_addresses(&self.usual);
        }
        Ok(())
    }

    /// Takes away whatever a case left that went wrong.
    fn clean(&mut self) {
        self.kernel.maps.clear();
        self.kernel.restore(&self.usual);
        self.kernel.maps.restore_addresses(&self.usual);
        self.kernel.maps.forgive();
        let model = Model::new(&self.kernel.world, 0);
        self.counted = compare::counters(&self.kernel.maps, &model);
    }
}
