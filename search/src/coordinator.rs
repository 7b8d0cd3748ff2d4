//! Who is tried next: by the results of a study alone, so that whoever asks gets the same answer.

use std::collections::BTreeSet;

use anyhow::{Result, bail};

use crate::cost::Cost;
use crate::design::Design;
use crate::evolution::Parent;
use crate::random::Random;
use crate::rung::Rung;
use crate::sample::Ground;
use crate::study::{Stage, Study};
use crate::trial::{Outcome, Task, Trial};

/// What there is to do for a study.
#[derive(Debug)]
pub enum Next {
    /// Trials of this stage that have no result yet.
    Run(Stage),
    /// Nothing: all finalists are trained.
    Done,
}

/// A design of a study and what is known of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// Its number.
    pub number: u32,
    /// The design, as it is written.
    pub text: String,
    /// What it takes.
    pub cost: Cost,
    /// What it had right at each rung that it was at, 0 to 1; 0 where it diverged.
    pub climbed: Vec<f64>,
    /// The rung that it is on its way to.
    pub on_its_way: Option<Rung>,
    /// Seconds of all its trials on rungs.
    pub seconds: f64,
    /// Seeds and results of full trainings.
    pub finished: Vec<(u64, Outcome)>,
}

impl Candidate {
    /// The highest rung that it was at, and what it had right there.
    pub fn standing(&self) -> Option<(Rung, f64)> {
        let accuracy = *self.climbed.last()?;
        Some((Rung(self.climbed.len() as u32 - 1), accuracy))
    }

    /// What it had right, as far as it was trained: the mean of full trainings, or else what its
    /// highest rung says.
    pub fn accuracy(&self) -> Option<f64> {
        let finished = self.finished.iter().filter_map(|(_, it)| it.accuracy);
        let finished: Vec<f64> = finished.collect();
        match finished.len() {
            0 => self.standing().map(|(_, accuracy)| accuracy),
            count => Some(finished.iter().sum::<f64>() / count as f64),
        }
    }

    /// What it takes: with its own weights where those are known.
    pub fn exact_cost(&self) -> Cost {
        let mut finished = self.finished.iter().filter_map(|(_, it)| it.cost);
        finished.next_back().unwrap_or(self.cost)
    }
}

/// Every design of those stages, by number.
pub fn candidates(stages: &[Stage]) -> Vec<Candidate> {
    let mut candidates: Vec<Candidate> = Vec::new();
    for stage in stages {
        for (trial, outcome) in stage.trials.iter().zip(&stage.outcomes) {
            let known = candidates.iter().position(|it| it.number == trial.design);
            let at = known.unwrap_or_else(|| {
                candidates.push(Candidate {
                    number: trial.design,
                    text: trial.text.clone(),
                    cost: trial.cost,
                    climbed: Vec::new(),
                    on_its_way: None,
                    seconds: 0.0,
                    finished: Vec::new(),
                });
                candidates.len() - 1
            });
            let candidate = &mut candidates[at];
            match (trial.task, outcome) {
                (Task::Climb { rung, .. }, None) => candidate.on_its_way = Some(rung),
                (Task::Climb { .. }, Some(outcome)) => {
                    candidate.climbed.push(outcome.accuracy.unwrap_or(0.0));
                    candidate.seconds += outcome.seconds;
                }
                (Task::Finish { .. }, None) => {}
                (Task::Finish { seed, .. }, Some(outcome)) => {
                    candidate.finished.push((seed, outcome.clone()));
                }
            }
        }
    }
    candidates
}

/// Of the hours that a study may take, the share after which no new designs are tried: the rest is
/// for the finalists.
const SHARE_OF_SEARCH: f64 = 0.55;
/// A step with integers takes that many times one in floating point.
const INTEGERS_TAKE: f64 = 1.4;
/// New designs of a stage at least, of its trials: promotions alone would be no search.
const LEAST_NEW: u32 = 4;
/// Fewer epochs than that are no training with integers.
const LEAST_FINAL_EPOCHS: u32 = 4;

/// The stage that has trials without results; where there is none, the next one is planned. `workers`
/// is how many trials run at once, by which hours are counted. `warn` gets what is odd.
///
/// # Errors
/// When the study is damaged, cannot be written, or no design fits.
pub fn next(study: &Study, workers: u32, mut warn: impl FnMut(String)) -> Result<Next> {
    let stages = study.stages(&mut warn)?;
    if let Some(stage) = stages.iter().find(|stage| !stage.is_done()) {
        return Ok(Next::Run(stage.clone()));
    }
    let number = stages.len() as u32;
    let is_final = |stage: &Stage| {
        let tasks = stage.trials.iter().map(|trial| trial.task);
        tasks.into_iter().any(|task| match task {
            Task::Finish { .. } => true,
            Task::Climb { .. } => false,
        })
    };
    if stages.last().is_some_and(is_final) {
        return Ok(Next::Done);
    }
    let plan = Planner {
        study,
        number,
        candidates: candidates(&stages),
        workers: workers.max(1),
    };
    let trials = match number {
        0 => plan.first(&mut warn)?,
        _ => plan.following(),
    };
    let trials = match trials.is_empty() {
        true => plan.finalists()?,
        false => trials,
    };
    if !study.plan(number, &trials)? {
        warn(format!(
            "another coordinator planned stage {number} meanwhile: its plan is taken"
        ));
    }
    let stages = study.stages(&mut warn)?;
    match stages.into_iter().nth(number as usize) {
        Some(stage) => Ok(Next::Run(stage)),
        None => bail!(
            "{}: stage {number} was written and is not there",
            study.folder.display()
        ),
    }
}

struct Planner<'a> {
    study: &'a Study,
    /// Of the stage that is planned.
    number: u32,
    candidates: Vec<Candidate>,
    workers: u32,
}

impl Planner<'_> {
    fn ground(&self) -> Ground<'_> {
        Ground {
            base: &self.study.base,
            space: &self.study.space,
            limits: &self.study.settings.limits,
        }
    }

    fn random(&self, index: u64) -> Random {
        Random::new(self.study.settings.seed, self.number, index)
    }

    /// The declaration's own list, and designs at random; or all that fit, where that are few.
    fn first(&self, warn: &mut impl FnMut(String)) -> Result<Vec<Trial>> {
        let settings = &self.study.settings;
        let ground = self.ground();
        let own = self.study.base.design();
        let mut trials = Vec::new();
        match ground.fitting(&own) {
            Some(cost) => trials.push(self.climb(0, &own, cost, Rung(0))),
            None => warn(
                "the declaration's own list takes more than the budget or the limits allow: it is \
                 not tried"
                    .to_owned(),
            ),
        }
        let seen = BTreeSet::from([own.to_string()]);
        let most = self.study.end.trials.unwrap_or(u32::MAX) as usize;
        let all = ground.all();
        let designs = match all {
            Some(all) if all.len() <= most => {
                let mut all = all;
                all.retain(|(design, _)| !seen.contains(&design.to_string()));
                all
            }
            Some(_) | None => {
                let count = (settings.random as usize)
                    .min(most)
                    .saturating_sub(trials.len());
                ground.strata(count, (settings.seed, self.number), &seen)
            }
        };
        if designs.is_empty() && trials.is_empty() {
            bail!(
                "no design of the space fits the budget and the limits: `--dry` says how far off \
                 they are"
            );
        }
        for (number, (design, cost)) in (1..).zip(designs) {
            trials.push(self.climb(number, &design, cost, Rung(0)));
        }
        Ok(trials)
    }

    /// Designs that go on to the next rung, and new ones; nothing when the search is over.
    fn following(&self) -> Vec<Trial> {
        let settings = &self.study.settings;
        let mut trials = Vec::new();
        for rung in 0..settings.rungs.top().0 {
            let there: Vec<(u32, f64, bool)> = self
                .candidates
                .iter()
                .filter_map(|it| {
                    let accuracy = *it.climbed.get(rung as usize)?;
                    let went_on = it.climbed.len() > rung as usize + 1;
                    Some((it.number, accuracy, went_on))
                })
                .collect();
            let mut promoted = settings.rungs.promoted(&there);
            // The declaration's own list always goes on: everything is compared with it.
            let own = there.iter().find(|(number, ..)| *number == 0);
            if own.is_some_and(|(_, _, went_on)| !went_on) && !promoted.contains(&0) {
                promoted.push(0);
            }
            for number in promoted {
                trials.extend(self.promotion(number, Rung(rung + 1)));
            }
        }
        let batch = settings.batch.max(1);
        let wanted = batch
            .saturating_sub(trials.len() as u32)
            .max(batch.div_ceil(LEAST_NEW));
        let wanted = wanted.min(self.designs_left());
        trials.extend(self.children(wanted));
        trials
    }

    fn promotion(&self, number: u32, rung: Rung) -> Option<Trial> {
        let candidate = self.candidates.iter().find(|it| it.number == number)?;
        Some(Trial {
            design: number,
            text: candidate.text.clone(),
            cost: candidate.cost,
            task: Task::Climb {
                rung,
                seed: self.study.settings.seed,
            },
        })
    }

    fn climb(&self, number: u32, design: &Design, cost: Cost, rung: Rung) -> Trial {
        Trial {
            design: number,
            text: design.to_string(),
            cost,
            task: Task::Climb {
                rung,
                seed: self.study.settings.seed,
            },
        }
    }

    /// How many designs may still be tried.
    fn designs_left(&self) -> u32 {
        let end = &self.study.end;
        let tried = self.candidates.len() as u32;
        let by_number = end
            .trials
            .map_or(u32::MAX, |most| most.saturating_sub(tried));
        let hours = self.seconds() / f64::from(self.workers) / 3600.0;
        match end.hours {
            Some(most) if hours >= SHARE_OF_SEARCH * most => 0,
            Some(_) | None => by_number,
        }
    }

    /// Seconds of all trials on rungs.
    fn seconds(&self) -> f64 {
        self.candidates.iter().map(|it| it.seconds).sum()
    }

    fn children(&self, wanted: u32) -> Vec<Trial> {
        if wanted == 0 {
            return Vec::new();
        }
        let settings = &self.study.settings;
        let ground = self.ground();
        let mut seen: BTreeSet<String> = self.candidates.iter().map(|it| it.text.clone()).collect();
        let latest = self.candidates.iter().rev();
        let population: Vec<Parent> = latest
            .filter_map(|it| {
                let (rung, accuracy) = it.standing()?;
                let design = Design::read(&it.text, &self.study.base.input()).ok()?;
                Some(Parent {
                    genes: self.study.space.genes_of(&design)?,
                    cost: it.cost,
                    rung,
                    accuracy,
                })
            })
            .take(settings.population.max(1) as usize)
            .collect();
        let first = self
            .candidates
            .iter()
            .map(|it| it.number + 1)
            .max()
            .unwrap_or(1);
        let mut trials = Vec::new();
        for index in 0..wanted {
            let mut random = self.random(u64::from(index));
            let child = ground.child(&population, &mut random, &seen);
            // Where all that is near is known, or nobody can have children: any other.
            let other = || {
                let index = u64::from(index).wrapping_mul(1 << 32);
                let seed = settings.seed.wrapping_add(index);
                ground.strata(1, (seed, self.number), &seen).pop()
            };
            let Some((design, cost)) = child.or_else(other) else {
                break;
            };
            seen.insert(design.to_string());
            let number = first + trials.len() as u32;
            trials.push(self.climb(number, &design, cost, Rung(0)));
        }
        trials
    }

    /// Full trainings of the best.
    fn finalists(&self) -> Result<Vec<Trial>> {
        let settings = &self.study.settings;
        let mut best: Vec<(&Candidate, Rung, f64)> = self
            .candidates
            .iter()
            .filter_map(|it| it.standing().map(|(rung, accuracy)| (it, rung, accuracy)))
            .filter(|(_, _, accuracy)| *accuracy > 0.0)
            .collect();
        if best.is_empty() {
            bail!("every trial diverged: try another --learning-rate in `train` first");
        }
        best.sort_by(|(one, rung, accuracy), (other, rung2, accuracy2)| {
            let by_standing = rung2.cmp(rung).then(accuracy2.total_cmp(accuracy));
            by_standing.then(one.number.cmp(&other.number))
        });
        best.truncate(settings.finalists.max(1) as usize);
        let seeds = settings.seeds.max(1);
        let epochs = match settings.final_epochs {
            Some(epochs) => epochs,
            None => self.final_epochs(&best, seeds),
        };
        let mut trials = Vec::new();
        for seed in 0..seeds {
            for (candidate, ..) in &best {
                trials.push(Trial {
                    design: candidate.number,
                    text: candidate.text.clone(),
                    cost: candidate.cost,
                    task: Task::Finish {
                        epochs,
                        seed: settings.seed.wrapping_add(u64::from(seed)),
                    },
                });
            }
        }
        Ok(trials)
    }

    /// Epochs by which finalists take about as long as what was left for them.
    fn final_epochs(&self, best: &[(&Candidate, Rung, f64)], seeds: u32) -> u32 {
        let settings = &self.study.settings;
        let steps_of = |it: &Candidate| {
            let rungs =
                (0..it.climbed.len() as u32).map(|rung| settings.rungs.steps_added(Rung(rung)));
            rungs.sum::<u64>() as f64
        };
        let trainings = best.len() as f64 * f64::from(seeds);
        let steps = match self.study.end.hours {
            Some(hours) => {
                let left = hours * 3600.0 * f64::from(self.workers) - self.seconds();
                let seconds: f64 = best.iter().map(|(it, ..)| it.seconds).sum();
                let steps: f64 = best.iter().map(|(it, ..)| steps_of(it)).sum();
                let of_a_step = (seconds / steps.max(1.0)).max(1e-6) * INTEGERS_TAKE;
                left / of_a_step / trainings
            }
            None => self.candidates.iter().map(steps_of).sum::<f64>() / trainings,
        };
        let epochs = steps / f64::from(settings.steps_of_an_epoch.max(1));
        (epochs as u32).clamp(
            LEAST_FINAL_EPOCHS,
            settings.most_final_epochs.max(LEAST_FINAL_EPOCHS),
        )
    }
}
