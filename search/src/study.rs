//! A study: a folder that whoever shares it can run trials of.
//!
//! ```text
//! study.json                 what is searched, and how: written once
//! stages/0000/plan.jsonl     a line a trial; the next stage's is written when all results are there
//! stages/0000/results/3.json what came of line 3, counted from 0
//! work/                      weights of designs that may go on
//! log.txt                    what was printed
//! ```
//! Every file is written beside its place and renamed. A trial that is done twice gives the same
//! result, so nothing is locked. A result that is missing is a trial to run.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};

use crate::base::Base;
use crate::cost::Limits;
use crate::files;
use crate::rung::Rungs;
use crate::space::Space;
use crate::trial::{Outcome, Trial};

/// The version of a study's folder.
const VERSION: u32 = 1;

/// What is searched, and how.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// The name of the network.
    pub network: String,
    /// What is in the braces of its declaration.
    pub declaration: String,
    /// The name of the space.
    pub space: String,
    /// The file that describes it.
    pub space_text: String,
    /// Whether the declaration's own layers are in it.
    pub takes_in_the_declaration: bool,
    /// What all that is drawn is drawn by.
    pub seed: u64,
    /// What a design may take besides the chip's memory.
    pub limits: Limits,
    /// How long designs are trained before they are compared.
    pub rungs: Rungs,
    /// Steps of an epoch of the data.
    pub steps_of_an_epoch: u32,
    /// Designs that are drawn at random before evolution begins.
    pub random: u32,
    /// Trials of a stage, of those that follow.
    pub batch: u32,
    /// How many of the latest designs may have children.
    pub population: u32,
    /// How many designs are trained by the full recipe at the end.
    pub finalists: u32,
    /// With how many seeds each.
    pub seeds: u32,
    /// Epochs of each of these trainings; `None`: together they take about as many steps as the
    /// search did.
    pub final_epochs: Option<u32>,
    /// The most epochs that these have then.
    pub most_final_epochs: u32,
    /// The command-line options that say which data, and how they are read.
    pub data: Vec<String>,
    /// SHA-256 of the data.
    pub data_checksum: String,
}

/// When a study ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct End {
    /// After that many designs.
    pub trials: Option<u32>,
    /// After about that many hours.
    pub hours: Option<f64>,
}

#[derive(Serialize, Deserialize)]
struct File {
    version: u32,
    settings: Settings,
    end: End,
}

/// A study, in its folder.
pub struct Study {
    /// The folder.
    pub folder: PathBuf,
    /// What is searched, and how.
    pub settings: Settings,
    /// When it ends.
    pub end: End,
    /// The declaration.
    pub base: Base,
    /// What is searched.
    pub space: Space,
}

/// Trials that can run at the same time, and their results.
#[derive(Clone, Debug, PartialEq)]
pub struct Stage {
    /// Its number, from 0.
    pub number: u32,
    /// The plan.
    pub trials: Vec<Trial>,
    /// One a trial; `None` where it is still to run.
    pub outcomes: Vec<Option<Outcome>>,
}

impl Stage {
    /// Whether every trial has a result.
    pub fn is_done(&self) -> bool {
        self.outcomes.iter().all(Option::is_some)
    }
}

impl Study {
    /// Opens a study to go on with it, or begins it; `end` is what is asked for now.
    ///
    /// # Errors
    /// When the folder has a study of other settings, and says of which.
    pub fn begin(folder: &Path, settings: Settings, end: End) -> Result<Self> {
        let path = folder.join("study.json");
        if !path.exists() {
            fs::create_dir_all(folder.join("stages"))
                .and_then(|()| fs::create_dir_all(folder.join("work")))
                .with_context(|| format!("cannot create {}", folder.display()))?;
            let file = File {
                version: VERSION,
                settings: settings.clone(),
                end,
            };
            let json = serde_json::to_vec_pretty(&file)?;
            files::write_first(&path, &json)?;
        }
        let mut study = Self::open(folder)?;
        let differences = differences(&study.settings, &settings)?;
        ensure!(
            differences.is_empty(),
            "{} is a study of something else: go on with it by `cargo herringbone search next`, or \
             give another --study\n       {}",
            folder.display(),
            differences.join("\n       ")
        );
        if study.end != end {
            study.end = end;
            let file = File {
                version: VERSION,
                settings: study.settings.clone(),
                end,
            };
            files::write(&path, &serde_json::to_vec_pretty(&file)?)?;
        }
        Ok(study)
    }

    /// Opens a study that is there.
    ///
    /// # Errors
    /// When it is none, is damaged, or of another version.
    pub fn open(folder: &Path) -> Result<Self> {
        let path = folder.join("study.json");
        let text = fs::read_to_string(&path)
            .with_context(|| format!("{} is no study: cannot read study.json", folder.display()))?;
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let context = || format!("{} is damaged", path.display());
        let Version { version } = serde_json::from_str(&text).with_context(context)?;
        ensure!(
            version == VERSION,
            "{} is a study of version {version}, and this tool reads version {VERSION}: go on with \
             the tool that began it",
            folder.display()
        );
        let File { settings, end, .. } = serde_json::from_str(&text).with_context(context)?;
        let base = Base::read(&settings.declaration)?;
        let space = Space::of_study(
            &settings.space_text,
            settings.takes_in_the_declaration,
            &base,
            &settings.limits,
        )?;
        Ok(Self {
            folder: folder.to_owned(),
            settings,
            end,
            base,
            space,
        })
    }

    /// Every stage, in order. `warn` gets results that are damaged: their trials run again.
    ///
    /// # Errors
    /// When a plan is damaged, or something cannot be read.
    pub fn stages(&self, mut warn: impl FnMut(String)) -> Result<Vec<Stage>> {
        let mut stages = Vec::new();
        for number in 0.. {
            match self.stage(number, &mut warn)? {
                Some(stage) => stages.push(stage),
                None => break,
            }
        }
        Ok(stages)
    }

    /// The stage of that number, if it is planned.
    fn stage(&self, number: u32, warn: &mut impl FnMut(String)) -> Result<Option<Stage>> {
        let path = self.stage_folder(number).join("plan.jsonl");
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        };
        let trials: Vec<Trial> = text
            .lines()
            .map(serde_json::from_str)
            .collect::<Result<_, _>>()
            .with_context(|| format!("{} is damaged: remove it to plan again", path.display()))?;
        let mut outcomes = Vec::new();
        for (index, trial) in trials.iter().enumerate() {
            outcomes.push(self.outcome(number, index, trial, warn)?);
        }
        Ok(Some(Stage {
            number,
            trials,
            outcomes,
        }))
    }

    /// The result of a trial, if it is there and sound.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn outcome(
        &self,
        stage: u32,
        index: usize,
        trial: &Trial,
        warn: &mut impl FnMut(String),
    ) -> Result<Option<Outcome>> {
        let path = self.result_path(stage, index);
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => bail!("cannot read {}: {error}", path.display()),
        };
        match trial.unseal(&bytes) {
            Ok(outcome) => Ok(Some(outcome)),
            Err(problem) => {
                warn(format!(
                    "{}: {problem}; its trial runs again",
                    path.display()
                ));
                Ok(None)
            }
        }
    }

    /// Writes down what came of a trial.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn finish(&self, stage: u32, index: usize, trial: &Trial, outcome: &Outcome) -> Result<()> {
        let path = self.result_path(stage, index);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)
                .with_context(|| format!("cannot create {}", folder.display()))?;
        }
        files::write(&path, &trial.seal(outcome))?;
        // One that cannot be read back would run again for ever.
        let mut problem = None;
        match self.outcome(stage, index, trial, &mut |warning| problem = Some(warning))? {
            Some(_) => Ok(()),
            None => bail!(
                "{} was written and cannot be read back: {}",
                path.display(),
                problem.unwrap_or_default()
            ),
        }
    }

    /// Writes down the plan of a stage, unless another coordinator did so meanwhile; says whether
    /// it is this one.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn plan(&self, number: u32, trials: &[Trial]) -> Result<bool> {
        let folder = self.stage_folder(number);
        fs::create_dir_all(folder.join("results"))
            .with_context(|| format!("cannot create {}", folder.display()))?;
        let mut text = String::new();
        for trial in trials {
            text.push_str(&serde_json::to_string(trial)?);
            text.push('\n');
        }
        files::write_first(&folder.join("plan.jsonl"), text.as_bytes())
    }

    /// Where weights of a design are between two rungs.
    pub fn checkpoint_path(&self, design: u32) -> PathBuf {
        self.folder
            .join("work")
            .join(format!("{design}.checkpoint"))
    }

    /// The folder of the full training of a design with a seed.
    pub fn finish_folder(&self, design: u32, seed: u64) -> PathBuf {
        self.folder
            .join("finalists")
            .join(format!("{design}-{seed}"))
    }

    fn stage_folder(&self, number: u32) -> PathBuf {
        self.folder.join("stages").join(format!("{number:04}"))
    }

    fn result_path(&self, stage: u32, index: usize) -> PathBuf {
        self.stage_folder(stage)
            .join("results")
            .join(format!("{index}.json"))
    }
}

/// Writes a file of a study whole or not at all.
///
/// # Errors
/// With the path, and what the system says.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    files::write(path, bytes)
}

/// What differs, a line each.
fn differences(there: &Settings, wanted: &Settings) -> Result<Vec<String>> {
    let fields = |settings: &Settings| -> Result<Vec<(String, String)>> {
        let value = serde_json::to_value(settings)?;
        let fields = value.as_object().into_iter().flatten();
        Ok(fields
            .map(|(name, value)| (name.replace('_', " "), value.to_string()))
            .collect())
    };
    let pairs = fields(there)?.into_iter().zip(fields(wanted)?);
    Ok(pairs
        .filter(|((_, there), (_, wanted))| there != wanted)
        .map(
            |((name, there), (_, wanted))| match there.len() + wanted.len() < 200 {
                true => format!("{name}: {there} there, {wanted} wanted"),
                false => format!("{name} differs"),
            },
        )
        .collect())
}
