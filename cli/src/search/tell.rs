//! What a person sees of a search, in the terminal and in its log.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use herringbone_search::coordinator::candidates;
use herringbone_search::rung::Rung;
use herringbone_search::study::{End, Stage};
use herringbone_search::{Outcome, Study, Task, Trial};
use herringbone_trainer::percent;
use indicatif::HumanDuration;

use crate::watcher::say;

/// Prints lines and writes them to the study's log.
pub(super) struct Teller {
    log: File,
    begun: Instant,
    workers: u32,
    end: End,
    /// Seconds of all trials of the study.
    seconds: f64,
    /// Designs of the study.
    designs: u32,
    /// Trials that this run has done.
    done: u32,
    /// The highest rung so far, what was right there at most, and by what.
    best: Option<(Rung, f64, u32)>,
    /// The same of full trainings.
    best_finalist: Option<(f64, u32)>,
}

impl Teller {
    pub(super) fn new(study: &Study, workers: u32) -> Result<Self> {
        let path = study.folder.join("log.txt");
        let log = OpenOptions::new().create(true).append(true).open(&path);
        Ok(Self {
            log: log.with_context(|| format!("cannot write {}", path.display()))?,
            begun: Instant::now(),
            workers: workers.max(1),
            end: study.end,
            seconds: 0.0,
            designs: 0,
            done: 0,
            best: None,
            best_finalist: None,
        })
    }

    /// Says what is searched, and how far that is.
    pub(super) fn begins(&mut self, study: &Study) -> Result<()> {
        let settings = &study.settings;
        let stages = study.stages(|_| {})?;
        let candidates = candidates(&stages);
        for stage in &stages {
            for (trial, outcome) in stage.trials.iter().zip(&stage.outcomes) {
                if let Some(outcome) = outcome {
                    self.count(trial, outcome);
                }
            }
        }
        self.line(&format!(
            "{}: space {}, seed {}, in {}",
            settings.network,
            settings.space,
            settings.seed,
            study.folder.display()
        ));
        if !candidates.is_empty() {
            self.line(&format!("{} networks were tried before", self.designs));
        }
        Ok(())
    }

    pub(super) fn stage_begins(&mut self, stage: &Stage, waiting: usize) {
        let left = self.left();
        let left = left.map_or(String::new(), |left| {
            format!("; about {} left", HumanDuration(left))
        });
        let hourly = match self.done {
            0 => String::new(),
            done => format!(
                "; {:.0} trials an hour",
                f64::from(done) / self.begun.elapsed().as_secs_f64().max(1e-3) * 3600.0
            ),
        };
        self.line(&format!(
            "stage {}: {waiting} trials{hourly}{left}",
            stage.number
        ));
    }

    pub(super) fn trial_ends(&mut self, trial: &Trial, outcome: &Outcome) {
        self.done += 1;
        let is_best = self.count(trial, outcome);
        let what = match trial.task {
            Task::Climb { rung, .. } => format!("rung {}", rung.0),
            Task::Finish { seed, .. } => format!("full, seed {seed}"),
        };
        let right = outcome.accuracy.map_or("diverged".to_owned(), percent);
        let cost = outcome.cost.unwrap_or(trial.cost);
        let fits = match outcome.fits {
            true => "",
            false => "  takes too much with its own weights",
        };
        let mark = if is_best { "  best" } else { "" };
        // The bits are said where they are not those of all.
        let list = trial.text.split(", bits:").next().unwrap_or(&trial.text);
        self.line(&format!(
            "{:>5}  {what:<12}  {right:>9}  {list}  {cost}  {:.0} s{fits}{mark}",
            trial.design, outcome.seconds
        ));
    }

    /// Whether it is better than all before.
    fn count(&mut self, trial: &Trial, outcome: &Outcome) -> bool {
        self.seconds += outcome.seconds;
        self.designs = self.designs.max(trial.design + 1);
        let Some(accuracy) = outcome.accuracy else {
            return false;
        };
        match trial.task {
            Task::Climb { rung, .. } => {
                let best = self.best.map(|(rung, accuracy, _)| (rung, accuracy));
                let is_best = best.is_none_or(|best| (rung, accuracy) > best);
                if is_best {
                    self.best = Some((rung, accuracy, trial.design));
                }
                is_best
            }
            Task::Finish { .. } => {
                let is_best = self.best_finalist.is_none_or(|(best, _)| accuracy > best);
                if is_best && outcome.fits {
                    self.best_finalist = Some((accuracy, trial.design));
                }
                is_best && outcome.fits
            }
        }
    }

    /// How long it takes still, about.
    fn left(&self) -> Option<Duration> {
        let spent = self.seconds / f64::from(self.workers);
        let seconds = match (self.end.hours, self.end.trials) {
            (Some(hours), _) => hours * 3600.0 - spent,
            (None, Some(trials)) if self.designs > 0 && self.best_finalist.is_none() => {
                let search = spent * f64::from(trials) / f64::from(self.designs);
                // Finalists take about as many steps as the search, and integers some more.
                2.4 * search - spent
            }
            (None, _) => return None,
        };
        (spent > 0.0).then(|| Duration::from_secs_f64(seconds.max(0.0)))
    }

    pub(super) fn warn(&mut self, warning: &str) {
        self.line(&format!("- {warning}"));
    }

    pub(super) fn line(&mut self, line: &str) {
        say(line);
        let _ = writeln!(self.log, "{line}");
    }
}
