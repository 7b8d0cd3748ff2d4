//! How a study begins, or goes on: from the command line to its settings.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use clap::{Args, Parser};
use herringbone_compiler::backend;
use herringbone_compiler::syntax::range_of;
use herringbone_compiler::target::Architecture;
use herringbone_search::space::Known;
use herringbone_search::study::End;
use herringbone_search::{Base, Limits, Rungs, Settings, Space, Study};
use herringbone_trainer::recipe::Recipe;
use herringbone_trainer::session::{Data, DataOptions};

use super::dry;
use crate::data::warn;
use crate::reading::Reading;
use crate::watcher::say;
use crate::which::{Found, Which};

/// What a study is begun with.
#[derive(Args)]
pub(super) struct BeginArguments {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    data: DataArguments,
    /// End after about that many hours, finalists included
    #[arg(long, value_name = "H")]
    hours: Option<f64>,
    /// Try that many networks [default: 60, without --hours]
    #[arg(long, value_name = "N")]
    trials: Option<u32>,
    /// Say how many networks of the space fit and what they take, of all or of N that are drawn;
    /// train nothing
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "4000")]
    dry: Option<usize>,
    /// Seed for every random draw
    #[arg(long, value_name = "S", default_value_t = 1)]
    seed: u64,
    /// The study's folder [default: NETWORK.search]
    #[arg(long, value_name = "DIR")]
    study: Option<PathBuf>,
    /// Which lists of layers: images, series, gural, mueksch, or a file of your own
    #[arg(long, value_name = "NAME|FILE")]
    space: Option<String>,
    /// The most cycles of an inference
    #[arg(long, value_name = "N", conflicts_with = "ms")]
    cycles: Option<u64>,
    /// The most milliseconds of an inference, at the clock that boards with the part usually have
    #[arg(long, value_name = "N")]
    ms: Option<f64>,
    /// The most bytes of weights and biases, packed
    #[arg(long, value_name = "N")]
    weights_bytes: Option<u64>,
    /// The most bytes of working memory: the arena
    #[arg(long, value_name = "N")]
    working_bytes: Option<u64>,
    /// The most bytes of both together, as papers count
    #[arg(long, value_name = "N")]
    total_bytes: Option<u64>,
    /// Steps of a round of training
    #[arg(long, value_name = "N", default_value_t = 250)]
    steps: u32,
    /// Rounds after which networks are compared; the best third goes on
    #[arg(long, value_name = "N,N,…", value_delimiter = ',', default_values_t = [1, 3, 9])]
    rungs: Vec<u32>,
    /// Of these, how many are drawn at random before evolution begins [default: a third, 64 at most]
    #[arg(long, value_name = "N")]
    random: Option<u32>,
    /// Trials that are planned at once; give a cluster more [default: 8]
    #[arg(long, value_name = "N", default_value_t = 8)]
    batch: u32,
    /// Networks that are trained by the full recipe at the end
    #[arg(long, value_name = "N", default_value_t = 3)]
    finalists: u32,
    /// Seeds that each of these is trained with
    #[arg(long, value_name = "N", default_value_t = 2)]
    seeds: u32,
    /// Epochs of each of these trainings [default: as long together as the search]
    #[arg(long, value_name = "N")]
    final_epochs: Option<u32>,
    /// Trials that run at once [default: one a processor]
    #[arg(long, value_name = "N")]
    workers: Option<u32>,
    /// Plan the first stage and leave running it to `search run` and `search next`
    #[arg(long)]
    plan_only: bool,
}

/// Which data, and how they are read: kept in the study as they are written here.
#[derive(Args)]
pub(super) struct DataArguments {
    /// The data, as `train` takes them
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Share of the examples to hold out, by which networks are compared [default: as of `train`]
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    #[command(flatten)]
    reading: Reading,
}

/// The options that a study keeps, to be read again.
#[derive(Parser)]
#[command(no_binary_name = true)]
struct Kept {
    #[command(flatten)]
    data: DataArguments,
    #[arg(long)]
    split_seed: Option<u64>,
}

/// What there is to do.
pub(super) enum Begun {
    /// Nothing: all that was asked for is said.
    Dry(ExitCode),
    /// To search.
    Study(Box<Study>, Arc<Data>),
}

/// Networks that are tried where nothing is said.
const TRIALS: u32 = 60;
/// Of the trials, the part that is drawn at random before evolution begins; and at most.
const PART_AT_RANDOM: u32 = 3;
const MOST_AT_RANDOM: u32 = 64;
/// Of the latest networks, how many may have children.
const POPULATION: u32 = 50;

impl BeginArguments {
    /// `None`, having printed why, where the declaration is wrong.
    pub(super) fn begin(&self) -> Result<Option<Begun>> {
        let found = self.which.find()?;
        let Some((ast, declaration)) = found.parse() else {
            return Ok(None);
        };
        let declared = Base::read(&text_of(&found)?)?;
        let limits = self.limits(&declared)?;
        let base = match limits.count_the_arena() {
            true => declared.with_the_smallest_plan()?,
            false => declared,
        };
        let (space_name, known, text) = self.space(&base)?;
        let takes_in = known.is_none_or(Known::takes_in_the_declaration);
        let space = Space::of_study(&text, takes_in, &base, &limits);
        let space = space.with_context(|| format!("space {space_name}"))?;
        if let Some(most) = self.dry {
            dry::say_all(&base, &space, &space_name, &limits, most.max(1), self.seed);
            return Ok(Some(Begun::Dry(ExitCode::SUCCESS)));
        }
        let rungs = Rungs {
            steps_of_a_round: self.steps,
            rounds: self.rungs.clone(),
            ..Rungs::default()
        };
        let mut problems = rungs.problems();
        problems.extend(self.data.reading.problems());
        if let Some(hours) = self.hours
            && !(hours > 0.0 && hours.is_finite())
        {
            problems.push(format!("{hours} hours: expected more than 0"));
        }
        for (option, value) in [
            ("--trials", self.trials),
            ("--batch", Some(self.batch)),
            ("--finalists", Some(self.finalists)),
            ("--seeds", Some(self.seeds)),
            ("--final-epochs", self.final_epochs),
            ("--workers", self.workers),
        ] {
            if value == Some(0) {
                problems.push(format!("{option} 0: expected at least 1"));
            }
        }
        if !problems.is_empty() {
            bail!("{}", problems.join("\n       "));
        }
        let data = Data::open(
            self.data.options(Some(self.seed)),
            &declaration.network,
            self.seed,
        )?;
        for note in &data.notes {
            say(&format!("- {note}"));
        }
        warn(&data.warnings);
        let name = ast.name.to_string();
        let folder = self
            .study
            .clone()
            .unwrap_or_else(|| PathBuf::from(format!("{name}.search")));
        let settings = self.settings(
            name,
            &base,
            (space_name, text, takes_in),
            limits,
            rungs,
            &data,
        )?;
        let trials = match (self.trials, self.hours) {
            (None, None) => Some(TRIALS),
            (trials, _) => trials,
        };
        let end = End {
            trials,
            hours: self.hours,
        };
        let study = Study::begin(&folder, settings, end)?;
        if self.plan_only {
            let next = herringbone_search::next(&study, 1, |warning| warn(&[warning]))?;
            match next {
                herringbone_search::Next::Run(stage) => say(&format!(
                    "{}: stage {} has {} trials: `cargo herringbone search script` runs them",
                    folder.display(),
                    stage.number,
                    stage.trials.len()
                )),
                herringbone_search::Next::Done => say("the study is done"),
            }
            return Ok(Some(Begun::Dry(ExitCode::SUCCESS)));
        }
        Ok(Some(Begun::Study(Box::new(study), Arc::new(data))))
    }

    /// How many trials run at once.
    pub(super) fn workers(&self) -> u32 {
        let processors = || std::thread::available_parallelism().map_or(1, |it| it.get() as u32);
        self.workers.unwrap_or_else(processors).max(1)
    }

    fn settings(
        &self,
        network: String,
        base: &Base,
        (space, space_text, takes_in_the_declaration): (String, String, bool),
        limits: Limits,
        rungs: Rungs,
        data: &Data,
    ) -> Result<Settings> {
        let path = std::path::absolute(&self.data.data)?;
        let mut kept = vec![format!("--data={}", path.display())];
        kept.extend(data.written_options().into_iter().map(
            |(option, value)| match value.is_empty() {
                true => option.to_owned(),
                false => format!("{option}={value}"),
            },
        ));
        let examples = data.training.len();
        let batch = Recipe::default_batch(examples);
        Ok(Settings {
            network,
            declaration: base.text.clone(),
            space,
            space_text,
            takes_in_the_declaration,
            seed: self.seed,
            limits,
            rungs,
            steps_of_an_epoch: (examples / batch).max(1) as u32,
            random: match (self.random, self.trials) {
                (Some(random), _) => random.max(1),
                (None, Some(trials)) => (trials / PART_AT_RANDOM).clamp(1, MOST_AT_RANDOM),
                (None, None) => TRIALS / PART_AT_RANDOM,
            },
            batch: self.batch,
            population: POPULATION,
            finalists: self.finalists,
            seeds: self.seeds,
            final_epochs: self.final_epochs,
            most_final_epochs: Recipe::default_epochs(examples, batch),
            data: kept,
            data_checksum: data.checksum.clone(),
        })
    }

    /// Its name, which one of ours it is, and its text.
    fn space(&self, base: &Base) -> Result<(String, Option<Known>, String)> {
        let input = base.declaration.network.input();
        let known = match &self.space {
            None => Some(Known::default_for(input)),
            Some(name) => Known::named(name),
        };
        if let Some(known) = known {
            return Ok((
                known.name().to_owned(),
                Some(known),
                known.text().to_owned(),
            ));
        }
        let path = self.space.as_deref().unwrap_or_default();
        let text = std::fs::read_to_string(path).with_context(|| {
            format!(
                "cannot read {path}: --space is images, series, gural, mueksch, or a file that \
                 describes one"
            )
        })?;
        Ok((path.to_owned(), None, text))
    }

    fn limits(&self, base: &Base) -> Result<Limits> {
        let target = base.declaration.budget.target;
        if self.cycles.is_some() && !target.is_some_and(backend::knows_cycles) {
            bail!(
                "--cycles needs a declaration whose `target` is an AVR part, or one with a \
                 Cortex-M0, a Cortex-M0+ or an RV32 core: of others cycles are not known"
            );
        }
        if self.ms.is_some() && !target.is_some_and(|it| it.architecture == Architecture::Avr) {
            bail!(
                "--ms needs a declaration whose `target` is an AVR part: the clock of others is \
                 not known; give --cycles"
            );
        }
        let cycles = match (self.ms, target) {
            (Some(ms), Some(target)) if ms > 0.0 => {
                Some((ms * 1000.0 * f64::from(target.usual_clock_megahertz())) as u64)
            }
            (Some(ms), _) => bail!("{ms} milliseconds: expected more than 0"),
            (None, _) => self.cycles,
        };
        Ok(Limits {
            cycles,
            weights_bytes: self.weights_bytes,
            activations_bytes: self.working_bytes,
            total_bytes: self.total_bytes,
        })
    }
}

impl DataArguments {
    fn options(&self, split_seed: Option<u64>) -> DataOptions {
        DataOptions {
            path: self.data.clone(),
            validation_share: self.validation,
            reading: self.reading.options(),
            fit: self.reading.fit(),
            input: self.reading.input(),
            split_seed,
        }
    }
}

/// The data of a study that is there.
///
/// # Errors
/// When they cannot be read, or are others than they were.
pub(super) fn data_of(study: &Study) -> Result<Arc<Data>> {
    let settings = &study.settings;
    let kept = Kept::try_parse_from(&settings.data)
        .map_err(|error| anyhow::anyhow!("study.json is damaged: {error}"))?;
    let options = kept.data.options(kept.split_seed);
    let data = Data::open(options, &study.base.declaration.network, settings.seed)?;
    if data.checksum != settings.data_checksum {
        bail!(
            "{} has changed since the study began: its networks could not be compared",
            kept.data.data.display()
        );
    }
    Ok(Arc::new(data))
}

/// What is in the braces of a declaration, as it is written in its file.
fn text_of(found: &Found) -> Result<String> {
    let declared = &found.declared;
    let range = range_of(&declared.file.text, &declared.tokens)
        .context("the declaration is not in its file")?;
    Ok(declared.file.text[range].to_owned())
}
