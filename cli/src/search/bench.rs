//! Where trials are run: on the data that all of them share.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Instant;

use anyhow::{Context, Result};
use herringbone_compiler::Planned;
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::syntax;
use herringbone_search::study::{self, Stage};
use herringbone_search::{Cost, Design, Outcome, Study, Task, Trial};
use herringbone_trainer::Device;
use herringbone_trainer::intake::Intake;
use herringbone_trainer::recipe::{Recipe, Schedule};
use herringbone_trainer::session::{self, Data, Session};
use herringbone_trainer::trial;

use super::STOP;
use super::tell::Teller;

/// The file that says that somebody is at work in a folder.
pub(super) const LOCK: &str = "lock";

/// The data, and a study whose trials are trained on them.
pub(super) struct Bench<'a> {
    study: &'a Study,
    pub(super) data: Arc<Data>,
    recipe: Recipe,
}

impl<'a> Bench<'a> {
    pub(super) fn new(study: &'a Study, data: Arc<Data>) -> Result<Self> {
        let shape = Intake::of(&study.base.declaration.network).input();
        let recipe = Recipe::default_for(shape, data.kind, &data.counts());
        let problems = session::problems(&study.base.declaration.network, &recipe);
        anyhow::ensure!(problems.is_empty(), "{}", problems.join("\n       "));
        Ok(Self {
            study,
            data,
            recipe,
        })
    }

    /// Runs what of a stage has no result, as many trials at once as there are workers.
    pub(super) fn run_stage(&self, stage: &Stage, workers: u32, teller: &mut Teller) -> Result<()> {
        let waiting: Vec<usize> = (0..stage.trials.len())
            .filter(|&line| stage.outcomes[line].is_none())
            .collect();
        teller.stage_begins(stage, waiting.len());
        let processors = std::thread::available_parallelism().map_or(1, |it| it.get());
        let threads = (processors / workers as usize).max(1);
        let taken = AtomicUsize::new(0);
        let failure = Mutex::new(None);
        let (sender, receiver) = mpsc::channel();
        std::thread::scope(|scope| {
            for _ in 0..workers.min(waiting.len() as u32) {
                let (sender, taken, waiting, failure) =
                    (sender.clone(), &taken, &waiting, &failure);
                scope.spawn(move || {
                    let result = self.work(stage, waiting, taken, threads, &sender);
                    if let Err(error) = result {
                        let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                        failure.get_or_insert(error);
                        STOP.store(true, Ordering::Relaxed);
                    }
                });
            }
            drop(sender);
            for (line, outcome) in receiver {
                teller.trial_ends(&stage.trials[line], &outcome);
            }
        });
        let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
        failure.map_or(Ok(()), Err)
    }

    /// One worker: takes trial after trial.
    fn work(
        &self,
        stage: &Stage,
        waiting: &[usize],
        taken: &AtomicUsize,
        threads: usize,
        sender: &mpsc::Sender<(usize, Outcome)>,
    ) -> Result<()> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()?;
        while !STOP.load(Ordering::Relaxed) {
            let Some(&line) = waiting.get(taken.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            let trial = &stage.trials[line];
            let Some(outcome) = pool.install(|| self.run(trial, &STOP))? else {
                break;
            };
            self.study.finish(stage.number, line, trial, &outcome)?;
            let _ = sender.send((line, outcome));
        }
        Ok(())
    }

    /// Runs a trial; `None` where it was stopped.
    pub(super) fn run(&self, trial: &Trial, stop: &AtomicBool) -> Result<Option<Outcome>> {
        let context = || format!("trial of design {}", trial.design);
        match trial.task {
            Task::Climb { rung, seed } => {
                let rungs = &self.study.settings.rungs;
                let recipe = Recipe {
                    epochs: rungs.rounds_at(rung),
                    seed,
                    schedule: Schedule::Rounds {
                        steps: rungs.steps_of_a_round,
                    },
                    ..self.recipe.clone()
                };
                let is_last = rung >= rungs.top();
                self.climb(trial, &recipe, is_last, stop)
            }
            Task::Finish { epochs, seed } => self.finish(trial, epochs, seed, stop),
        }
        .with_context(context)
    }

    fn design(&self, trial: &Trial) -> Result<(Design, Declaration)> {
        let base = &self.study.base;
        let design = Design::read(&trial.text, &base.input())?;
        let declaration = base.declaration_of(&design);
        let declaration = declaration.context("its maps have no pixels")?;
        Ok((design, declaration))
    }

    fn climb(
        &self,
        trial: &Trial,
        recipe: &Recipe,
        is_last: bool,
        stop: &AtomicBool,
    ) -> Result<Option<Outcome>> {
        let start = Instant::now();
        let (design, declaration) = self.design(trial)?;
        let recipe = &Recipe {
            sparsity: design.sparsity,
            ..recipe.clone()
        };
        let path = self.study.checkpoint_path(trial.design);
        let former = fs::read(&path).ok();
        let device = Device::flex().autodiff();
        let standing = trial::run(
            &declaration.network,
            &self.data,
            recipe,
            former.as_deref(),
            &device,
            stop,
        )?;
        let Some(standing) = standing else {
            return Ok(None);
        };
        match is_last {
            true => drop(fs::remove_file(&path)),
            false => study::write(&path, &standing.checkpoint)?,
        }
        Ok(Some(Outcome {
            accuracy: standing.accuracy,
            loss: standing.accuracy.map(|_| standing.loss),
            seconds: start.elapsed().as_secs_f64(),
            cost: None,
            fits: true,
        }))
    }

    fn finish(
        &self,
        trial: &Trial,
        epochs: u32,
        seed: u64,
        stop: &AtomicBool,
    ) -> Result<Option<Outcome>> {
        let start = Instant::now();
        let (design, mut declaration) = self.design(trial)?;
        let folder = self.study.finish_folder(trial.design, seed);
        fs::create_dir_all(&folder)
            .with_context(|| format!("cannot create {}", folder.display()))?;
        // Whoever trains the same at the same time waits, where the file system knows locks.
        let lock = fs::File::create(folder.join(LOCK));
        if let Ok(lock) = &lock {
            let _ = lock.lock();
        }
        let (source, weights) = self.file_names();
        let text = self.study.base.text_of(&design, &weights)?;
        let block = format!("herringbone::network! {{\n    {}\n}}\n", text.trim());
        study::write(&folder.join(&source), block.as_bytes())?;
        let tokens = text.parse().map_err(|error| anyhow::anyhow!("{error}"))?;
        let parsed = syntax::parse(tokens);
        let ast = parsed.ast.context("its declaration cannot be read")?;
        if let Some(written) = parsed.declaration {
            declaration = written;
        }
        let data = self.study.settings.data.iter();
        let path = data.clone().find_map(|it| it.strip_prefix("--data="));
        let session = Session {
            ast,
            declaration,
            recipe: Recipe {
                epochs,
                seed,
                sparsity: design.sparsity,
                ..self.recipe.clone()
            },
            data: Arc::clone(&self.data),
            tests: false,
            teacher: None,
            out: folder.join(&weights),
            command: format!(
                "cargo herringbone train {source} --data {}",
                path.unwrap_or_default()
            ),
            device: Device::flex().autodiff(),
        };
        let checkpoint = session.checkpoint_path();
        let finished = match session.run(checkpoint.exists(), stop, &mut ()) {
            // One that is damaged is as good as none.
            Err(error) if checkpoint.exists() && !session::diverged(&error) => {
                fs::remove_file(&checkpoint).with_context(|| format!("{error:#}"))?;
                session.run(false, stop, &mut ())
            }
            finished => finished,
        };
        let finished = match finished {
            Ok(finished) => finished,
            Err(error) if session::diverged(&error) => {
                return Ok(Some(Outcome {
                    accuracy: None,
                    loss: None,
                    seconds: start.elapsed().as_secs_f64(),
                    cost: None,
                    fits: true,
                }));
            }
            Err(error) => return Err(error),
        };
        if !finished.is_complete {
            return Ok(None);
        }
        let (cost, fits) = cost_of(&session.declaration, &session.out);
        Ok(Some(Outcome {
            accuracy: finished.best.map(|(_, accuracy)| accuracy),
            loss: None,
            seconds: start.elapsed().as_secs_f64(),
            cost: Some(cost),
            fits,
        }))
    }

    /// `digits.rs` and `digits.safetensors`.
    pub(super) fn file_names(&self) -> (String, String) {
        let name = self.study.settings.network.to_lowercase();
        (format!("{name}.rs"), format!("{name}.safetensors"))
    }
}

/// What a network takes with its own weights, and whether it fits.
fn cost_of(declaration: &Declaration, weights: &Path) -> (Cost, bool) {
    let planned = Planned::of(declaration, Some(Ok(weights.to_owned())));
    let cost = Cost::of(declaration, &planned.design);
    (cost, planned.problems.is_empty())
}
