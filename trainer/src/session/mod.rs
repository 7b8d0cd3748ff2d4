//! A training from its data to the files that it leaves.

mod data;
mod end;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use burn::tensor::Device;
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::network::Network;
use herringbone_compiler::syntax::NetworkAst;

use crate::checkpoint::{self, Checkpoint, Identity};
use crate::files;
use crate::model::{as_written, sum_places};
use crate::own::own_places;
use crate::pictures::EpochRecord;
use crate::recipe::{Phase, Recipe};
use crate::teacher::Teacher;
use crate::training::{Outcome, Training};

pub use data::{Data, DataOptions};
pub use end::{Finished, Tested, diverged};

/// What is to be trained, and by what.
pub struct Session {
    /// The declaration as it was written.
    pub ast: NetworkAst,
    /// The declaration as it was read.
    pub declaration: Declaration,
    /// How it is trained.
    pub recipe: Recipe,
    /// What it is trained on.
    pub data: Arc<Data>,
    /// Whether the test data are looked at in the end: not by one of several trainings among which
    /// validation chooses.
    pub tests: bool,
    /// Who teaches it.
    pub teacher: Option<Teacher>,
    /// The weights file that is written. Everything else is written next to it.
    pub out: PathBuf,
    /// The command line that began it, without what the recipe says; for the report.
    pub command: String,
    /// What computes, with `autodiff`.
    pub device: Device,
}

/// Follows the progress of a training.
pub trait Watcher {
    /// An epoch begins, counted from 1; how many there are, and its steps.
    fn epoch_begins(&mut self, epoch: u32, epochs: u32, phase: Phase, steps: usize) {
        let _ = (epoch, epochs, phase, steps);
    }

    /// A step is done.
    fn step(&mut self) {}

    /// An epoch is done, and will not be lost. `is_best`: no other one is better.
    fn epoch_ends(&mut self, record: &EpochRecord, is_best: bool, seconds: f64) {
        let _ = (record, is_best, seconds);
    }

    /// What is left is done: examples for testing are looked at, files are written.
    fn training_ends(&mut self) {}
}

/// Watches nothing.
impl Watcher for () {}

/// Everything by which such a training cannot begin.
pub fn problems(network: &Network, recipe: &Recipe) -> Vec<String> {
    let mut problems = recipe.problems();
    let of_sums = sum_places(network);
    if of_sums.iter().all(|sum| sum.dims().is_none()) && own_places(network).is_empty() {
        let problem = "the network has no weights to train: give it a `C1`, `C2`, `T`, `D` or `G`";
        problems.push(problem.to_owned());
    }
    problems
}

/// What is likely to be wrong with training such a network.
pub fn warnings(network: &Network) -> Vec<String> {
    let mut warnings = Vec::new();
    if !network.gives_logits() {
        let last = network.last_node().to_string();
        let starred = match last.split_once('(') {
            Some((letter, rest)) => format!("{letter}*({rest}"),
            None => last.clone(),
        };
        let why = match network.last_node().activation() {
            Some(_) => format!(
                "the last layer, `{last}`, has an activation, which rounds and clamps what tells \
                 the classes apart: `{starred}` gives the sums as they are"
            ),
            None => format!(
                "the last layer, `{last}`, has no weights: end with `D*({})` to distinguish classes",
                network.output().values()
            ),
        };
        warnings.push(why);
    }
    warnings
}

/// Checks that weights can be written there.
///
/// # Errors
/// With the path, and why not.
pub fn check_out(out: &Path) -> Result<()> {
    files::check(out)
}

impl Session {
    /// Trains, from the beginning or from where a checkpoint has it, and writes the
    /// weights, pictures and the report. When `stop` is set, it ends within the epoch,
    /// with the best so far.
    ///
    /// # Errors
    /// When something cannot be read or written, when a checkpoint is of something else,
    /// and when the training diverges.
    pub fn run(
        &self,
        is_resumed: bool,
        stop: &AtomicBool,
        watcher: &mut dyn Watcher,
    ) -> Result<Finished> {
        let path = self.checkpoint_path();
        let identity = self.identity();
        let (mut training, mut seconds) = self.begin(is_resumed, &path, &identity)?;
        while !training.is_done() {
            let epoch = training.state().epoch;
            let phase = self.recipe.phase(epoch);
            watcher.epoch_begins(epoch + 1, self.recipe.epochs, phase, training.steps());
            let start = Instant::now();
            if training.epoch(stop, || watcher.step()) == Outcome::Stopped {
                break;
            }
            let state = training.state();
            let record = state.records.last().context("an epoch has a record")?;
            if !record.training_loss.is_finite() {
                // Going on from there would end here again.
                let _ = fs::remove_file(&path);
                return Err(end::Diverged::InEpoch {
                    epoch: epoch + 1,
                    learning_rate: self.recipe.learning_rate,
                }
                .into());
            }
            let took = start.elapsed().as_secs_f64();
            seconds.push(took);
            files::write(&path, &checkpoint::to_bytes(&identity, state, &seconds)?)?;
            let best_epoch = state.best.as_ref().map(|best| best.epoch);
            watcher.epoch_ends(record, best_epoch == Some(record.epoch), took);
        }
        watcher.training_ends();
        let finished = match self.finish(training.state(), &seconds) {
            Err(error) if error.is::<end::Diverged>() => {
                // Going on from there would end here again.
                let _ = fs::remove_file(&path);
                return Err(error);
            }
            finished => finished?,
        };
        if finished.is_complete {
            let removed = fs::remove_file(&path);
            removed.with_context(|| format!("cannot remove {}", path.display()))?;
        }
        Ok(finished)
    }

    /// Where the checkpoint is: `digits.safetensors.checkpoint`.
    pub fn checkpoint_path(&self) -> PathBuf {
        let mut path = self.out.clone().into_os_string();
        path.push(".checkpoint");
        path.into()
    }

    fn begin(
        &self,
        is_resumed: bool,
        path: &Path,
        identity: &Identity,
    ) -> Result<(Training<'_>, Vec<f64>)> {
        let network = &self.declaration.network;
        let Data {
            training,
            validation,
            ..
        } = &*self.data;
        let device = self.device.clone();
        if device.clone().inner() != Device::flex() && !own_places(network).is_empty() {
            bail!(
                "recurrent cells, trees and prototypes are trained on the CPU: use --device flex"
            );
        }
        if !is_resumed {
            if path.exists() {
                bail!(
                    "{} belongs to an unfinished training: continue it with --resume, \
                     or remove it",
                    path.display()
                );
            }
            let training = Training::new(network, &self.recipe, training, validation, device);
            return Ok((self.taught(training), Vec::new()));
        }
        let context = || format!("cannot resume from {}", path.display());
        let bytes = fs::read(path).with_context(context)?;
        let Checkpoint { state, seconds, .. } =
            checkpoint::from_bytes(&bytes, identity, network, &self.recipe, &device)
                .with_context(context)?;
        let training =
            Training::from_state(network, &self.recipe, training, validation, state, device);
        Ok((self.taught(training), seconds))
    }

    fn taught<'a>(&'a self, training: Training<'a>) -> Training<'a> {
        match &self.teacher {
            Some(teacher) => training.taught_by(teacher),
            None => training,
        }
    }

    /// What of this training must be the same to go on with it.
    fn identity(&self) -> Identity {
        let network = &self.declaration.network;
        let bits = network.bits();
        let mut all = vec![
            ("version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
            ("network".to_owned(), as_written(network)),
            (
                "bits".to_owned(),
                format!(
                    "weights {}, biases {}, activations {}",
                    bits.weights, bits.biases, bits.activations
                ),
            ),
            ("data's SHA-256".to_owned(), self.data.checksum.clone()),
        ];
        if let Some(teacher) = &self.teacher {
            all.push(("teacher".to_owned(), teacher.identity()));
        }
        let options = self
            .data
            .written_options()
            .into_iter()
            .chain(self.recipe.options());
        all.extend(options.map(|(option, value)| match value.is_empty() {
            true => (option.to_owned(), "set".to_owned()),
            false => (option.to_owned(), value),
        }));
        if let Some(elastic) = self.recipe.augmentation.elastic {
            let sigma = elastic.sigma_pixels.to_string();
            all.push(("pixels that are bent alike".to_owned(), sigma));
        }
        Identity(all)
    }

    /// The command line that gives the same weights.
    fn command_line(&self) -> String {
        let mut line = self.command.clone();
        for (option, value) in self
            .data
            .written_options()
            .into_iter()
            .chain(self.recipe.options())
        {
            line.push(' ');
            line.push_str(option);
            if !value.is_empty() {
                line.push(' ');
                line.push_str(&value);
            }
        }
        line
    }
}
