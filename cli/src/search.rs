//! `cargo herringbone search`.

mod begin;
mod bench;
mod bytes;
mod dry;
mod results;
mod tell;

use std::ffi::OsString;
use std::fs::TryLockError;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use herringbone_search::script::{Scheduler, Submission};
use herringbone_search::{Next, Study, coordinator, export, next};

use crate::train::INTERRUPTED;
use crate::watcher::say;
use begin::BeginArguments;
use bench::{Bench, LOCK};
use tell::Teller;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    part: Part,
}

#[derive(Subcommand)]
enum Part {
    /// Search, or go on with a study: the word may be left out, `search FILE …`
    Begin(Box<BeginArguments>),
    /// Run trials of the current stage that have no result yet: those of line I, I + N, …
    Run {
        /// The study's folder
        study: PathBuf,
        /// Which line of the plan, from 0
        #[arg(long, value_name = "I")]
        index: usize,
        /// How many workers share the stage
        #[arg(long, value_name = "N", default_value_t = 1)]
        stride: usize,
    },
    /// Plan the next stage if all results are there, or write what came out. Exits with 0 if
    /// there are trials to run, with 3 if the study is done
    Next {
        /// The study's folder
        study: PathBuf,
        /// How many trials run at once, by which --hours are counted
        #[arg(long, value_name = "N", default_value_t = 1)]
        workers: u32,
    },
    /// Print a script that runs the study on other machines
    Script {
        /// What runs it
        #[arg(value_enum)]
        scheduler: SchedulerName,
        /// The study's folder, which all machines must see
        study: PathBuf,
        /// How many workers share a stage
        #[arg(long, value_name = "N", default_value_t = 64)]
        workers: u32,
        /// How long a worker may run
        #[arg(long, value_name = "MINUTES", default_value_t = 60)]
        minutes: u32,
        /// Memory of a worker
        #[arg(long, value_name = "MEGABYTES", default_value_t = 1000)]
        megabytes: u32,
        /// The program, as workers find it [default: this one]
        #[arg(long, value_name = "PATH")]
        program: Option<String>,
    },
    /// Draw error against bytes of weights and activations, as papers count them, of the networks that
    /// the full recipe trained
    Picture {
        /// The study's folder
        study: PathBuf,
        /// The picture to write: .svg or .png
        file: PathBuf,
        /// Networks of others to draw beside them: a CSV file whose lines are bytes, a comma, and the
        /// error as a share from 0 to 1
        #[arg(long, value_name = "FILE")]
        beside: Option<PathBuf>,
        /// What the legend calls those
        #[arg(long, value_name = "NAME", default_value = "others")]
        others: String,
    },
    /// Write a study for another tool
    Export {
        /// Which tool: optuna is its journal, which optuna-dashboard shows
        #[arg(value_enum)]
        form: Form,
        /// The file to write
        file: PathBuf,
        /// The study's folder
        #[arg(long, value_name = "DIR")]
        study: PathBuf,
    },
}

#[derive(Clone, Copy, ValueEnum)]
enum SchedulerName {
    Slurm,
    Pbs,
    Hyperqueue,
    Kubernetes,
    Parallel,
}

#[derive(Clone, Copy, ValueEnum)]
enum Form {
    Optuna,
    Json,
}

/// Set when the search is to stop.
static STOP: AtomicBool = AtomicBool::new(false);

/// What `search next` exits with when there is nothing left to do.
const DONE: u8 = 3;

/// Fails where the declaration, the data, the space or the study is wrong, having said how.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    run_part(&arguments.part)
}

/// Puts the word `begin` in front of a file, in the arguments of this program.
pub(crate) fn name_the_part(arguments: &mut Vec<OsString>) {
    const PARTS: [&str; 7] = [
        "begin", "run", "next", "script", "picture", "export", "help",
    ];
    let is_search = arguments.get(1).is_some_and(|it| it == "search");
    let Some(second) = arguments.get(2).filter(|_| is_search) else {
        return;
    };
    let is_named = PARTS.iter().any(|part| second == part);
    let asks_for_help = arguments.len() == 3 && (second == "--help" || second == "-h");
    if !is_named && !asks_for_help {
        arguments.insert(2, "begin".into());
    }
}

fn search(arguments: &BeginArguments) -> Result<ExitCode> {
    let Some(begun) = arguments.begin()? else {
        return Ok(ExitCode::FAILURE);
    };
    let (study, data) = match begun {
        begin::Begun::Dry(code) => return Ok(code),
        begin::Begun::Study(study, data) => (*study, data),
    };
    listen()?;
    let bench = Bench::new(&study, data)?;
    let workers = arguments.workers();
    let mut teller = Teller::new(&study, workers)?;
    teller.begins(&study)?;
    let lock = std::fs::File::create(study.folder.join(LOCK));
    let is_alone = lock.as_ref().is_ok_and(|lock| match lock.try_lock() {
        // A file system without locks is trusted.
        Ok(()) | Err(TryLockError::Error(_)) => true,
        Err(TryLockError::WouldBlock) => false,
    });
    if !is_alone {
        teller.warn(
            "another search is at work on this study: trials may run twice, with the same results",
        );
    }
    loop {
        let stage = match next(&study, workers, |warning| teller.warn(&warning))? {
            Next::Run(stage) => stage,
            Next::Done => break,
        };
        bench.run_stage(&stage, workers, &mut teller)?;
        if STOP.load(Ordering::Relaxed) {
            teller.line(&format!(
                "stopped: the same command goes on with {}",
                study.folder.display()
            ));
            return Ok(ExitCode::from(INTERRUPTED as u8));
        }
    }
    results::write(&study, &bench, &mut teller)?;
    Ok(ExitCode::SUCCESS)
}

fn run_part(part: &Part) -> Result<ExitCode> {
    match part {
        Part::Begin(begin) => search(begin),
        Part::Run {
            study,
            index,
            stride,
        } => run_lines(study, *index, *stride),
        Part::Next { study, workers } => {
            let study = Study::open(study)?;
            let mut teller = Teller::new(&study, *workers)?;
            match next(&study, *workers, |warning| teller.warn(&warning))? {
                Next::Run(stage) => {
                    let left = stage.outcomes.iter().filter(|it| it.is_none()).count();
                    say(&format!(
                        "stage {}: {left} of {} trials are to run",
                        stage.number,
                        stage.trials.len()
                    ));
                    Ok(ExitCode::SUCCESS)
                }
                Next::Done => {
                    let bench = Bench::new(&study, begin::data_of(&study)?)?;
                    results::write(&study, &bench, &mut teller)?;
                    Ok(ExitCode::from(DONE))
                }
            }
        }
        Part::Script {
            scheduler,
            study,
            workers,
            minutes,
            megabytes,
            program,
        } => {
            let study = Study::open(study)?;
            let folder = std::path::absolute(&study.folder)?;
            let own = std::env::current_exe().context("cannot say where this program is")?;
            let program = program.clone().unwrap_or(own.display().to_string());
            let script = Submission {
                study: &folder,
                program: &program,
                workers: *workers,
                minutes: *minutes,
                megabytes: *megabytes,
            };
            print!("{}", script.script(scheduler.scheduler())?);
            Ok(ExitCode::SUCCESS)
        }
        Part::Picture {
            study,
            file,
            beside,
            others,
        } => {
            let study = Study::open(study)?;
            let beside = beside.as_deref().map(|path| (path, others.as_str()));
            bytes::write(&study, file, beside)?;
            say(&format!("written: {}", file.display()));
            Ok(ExitCode::SUCCESS)
        }
        Part::Export { form, file, study } => {
            let study = Study::open(study)?;
            let stages = study.stages(|warning| say(&format!("- {warning}")))?;
            let candidates = coordinator::candidates(&stages);
            let text = match form {
                Form::Optuna => export::optuna(&study, &candidates)?,
                Form::Json => export::json(&study, &candidates)?,
            };
            std::fs::write(file, text)
                .with_context(|| format!("cannot write {}", file.display()))?;
            say(&format!("written: {}", file.display()));
            Ok(ExitCode::SUCCESS)
        }
    }
}

/// A worker: lines `index`, `index + stride`, … of the current stage that have no result.
fn run_lines(folder: &Path, index: usize, stride: usize) -> Result<ExitCode> {
    if stride == 0 {
        bail!("--stride 0: expected at least 1");
    }
    let study = Study::open(folder)?;
    let mut teller = Teller::new(&study, 1)?;
    let stages = study.stages(|warning| teller.warn(&warning))?;
    let Some(mut stage) = stages.into_iter().find(|stage| !stage.is_done()) else {
        say("nothing to run: `search next` plans the next stage");
        return Ok(ExitCode::SUCCESS);
    };
    let is_mine = |line: usize| line >= index && (line - index).is_multiple_of(stride);
    let is_there = stage.outcomes.iter().enumerate();
    if is_there
        .filter(|(line, _)| is_mine(*line))
        .all(|(_, it)| it.is_some())
    {
        return Ok(ExitCode::SUCCESS);
    }
    listen()?;
    let bench = Bench::new(&study, begin::data_of(&study)?)?;
    for line in (0..stage.trials.len()).filter(|&line| is_mine(line)) {
        // Another worker may have done it meanwhile.
        let (number, trial) = (stage.number, stage.trials[line].clone());
        stage.outcomes[line] =
            study.outcome(number, line, &trial, &mut |warning| teller.warn(&warning))?;
        if stage.outcomes[line].is_some() {
            continue;
        }
        let Some(outcome) = bench.run(&trial, &STOP)? else {
            return Ok(ExitCode::from(INTERRUPTED as u8));
        };
        study.finish(number, line, &trial, &outcome)?;
        teller.trial_ends(&trial, &outcome);
    }
    Ok(ExitCode::SUCCESS)
}

fn listen() -> Result<()> {
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
        eprintln!(
            "\nstopping: trials that are not done begin again next time (once more: at once)"
        );
    })
    .context("cannot listen for Ctrl-C")
}

impl SchedulerName {
    fn scheduler(self) -> Scheduler {
        match self {
            Self::Slurm => Scheduler::Slurm,
            Self::Pbs => Scheduler::Pbs,
            Self::Hyperqueue => Scheduler::HyperQueue,
            Self::Kubernetes => Scheduler::Kubernetes,
            Self::Parallel => Scheduler::Parallel,
        }
    }
}
