//! What a training leaves: weights, pictures and a report.

use std::fmt;
use std::path::PathBuf;

use anyhow::{Context, Result};
use herringbone_compiler::Planned;
use herringbone_compiler::declaration::{Declaration, WeightsSource};
use herringbone_compiler::diagnostic::Diagnostics;

use super::Session;
use crate::activity::activities;
use crate::evaluate::evaluate;
use crate::export::export;
use crate::files;
use crate::metadata::Known;
use crate::mistakes::{ClassAccuracy, Mistakes, write_picture};
use crate::model::{Model, as_written};
use crate::pictures::{EpochRecord, curves};
use crate::recipe::Phase;
use crate::report::{Report, percent};
use crate::training::{Best, State};

/// What came of a training.
pub struct Finished {
    /// Whether all epochs were done.
    pub is_complete: bool,
    /// Epochs that were done.
    pub epochs: u32,
    /// The epoch whose weights were written, and its share of validation examples that
    /// are classified rightly, 0 to 1; `None` before the first epoch with integers.
    pub best: Option<(u32, f64)>,
    /// What the test gave: of a complete training, where there is test data.
    pub tested: Option<Tested>,
    /// The validation accuracy of the last epoch in floating point, 0 to 1.
    pub before_quantisation: Option<f64>,
    /// What became of each class, of the examples for testing or, without any, of those for
    /// validation; nothing before there are weights.
    pub classes: Vec<ClassAccuracy>,
    /// The mean of the shares of classes that have examples, 0 to 1.
    pub balanced_accuracy: Option<f64>,
    /// What the user should know of the weights.
    pub warnings: Vec<String>,
    /// What is wrong with the declaration, now that its weights are known: over its
    /// budget, or sums that may pass 32 bits.
    pub errors: Diagnostics,
    /// The files that were written, the weights first.
    pub files: Vec<PathBuf>,
}

/// How many examples for testing were classified rightly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tested {
    /// So many.
    pub right: u64,
    /// How many examples there are.
    pub examples: u64,
}

/// That a training came to nothing: no file is written.
#[derive(Debug)]
pub(super) enum Diverged {
    /// In that epoch the loss was no number any more.
    InEpoch { epoch: u32, learning_rate: f64 },
    /// All answers are alike, and surely so.
    LearntNothing {
        loss: f64,
        accuracy: f64,
        learning_rate: f64,
    },
}

impl fmt::Display for Diverged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InEpoch {
                epoch,
                learning_rate,
            } => write!(
                f,
                "the training diverged in epoch {epoch}: start again with a smaller \
                 --learning-rate than {learning_rate}"
            ),
            Self::LearntNothing {
                loss,
                accuracy,
                learning_rate,
            } => write!(
                f,
                "the training diverged: with a loss of {loss:.1}, its best epoch is no better than \
                 the commonest class ({}); nothing is written: begin again with a smaller \
                 --learning-rate than {learning_rate}",
                percent(*accuracy)
            ),
        }
    }
}

impl std::error::Error for Diverged {}

/// Whether a training ended with that error because it diverged: nothing is wrong but the recipe or
/// the network.
pub fn diverged(error: &anyhow::Error) -> bool {
    error.is::<Diverged>()
}

/// Points of accuracy that integers may lose before a note says so.
const LOST: f64 = 0.01;

impl Tested {
    /// The share, 0 to 1.
    pub fn accuracy(self) -> f64 {
        self.right as f64 / self.examples.max(1) as f64
    }
}

impl Session {
    pub(super) fn finish(&self, state: &State, seconds: &[f64]) -> Result<Finished> {
        let mut finished = Finished {
            is_complete: state.is_done(&self.recipe),
            epochs: state.epoch,
            best: state.best.as_ref().map(|best| (best.epoch, best.accuracy)),
            tested: None,
            before_quantisation: before_quantisation(state),
            classes: Vec::new(),
            balanced_accuracy: None,
            warnings: Vec::new(),
            errors: Diagnostics::new(),
            files: Vec::new(),
        };
        let written = &mut finished.files;
        let Some(best) = &state.best else {
            self.write_curves(state, written)?;
            return Ok(finished);
        };
        let network = &self.declaration.network;
        let device = self.device.clone().inner();
        let model = Model::of_numbers(network, best.numbers.iter().cloned(), &device);
        if finished.is_complete {
            finished.warnings.extend(self.learnt_nothing(state, best)?);
        }
        let weights = export(network, &model, &best.scales)?;
        let mut known = Known {
            class_names: self.data.class_names(),
            normalisation: &self.data.normalisation,
            activities: activities(
                network,
                (&model, &device),
                &best.scales,
                &self.data.validation,
            ),
            validation: best.accuracy,
            test: None,
            before_quantisation: finished.before_quantisation,
        };
        files::write(&self.out, &known.add_to(network, &weights)?)?;
        written.push(self.out.clone());
        self.write_curves(state, written)?;

        // Whoever stops a training may go on, and choose by what was seen.
        let test = match finished.is_complete && self.tests {
            true => self.data.test(&self.declaration.network).with_context(|| {
                let out = self.out.display();
                format!("{out} is written, but the test data cannot be read")
            })?,
            false => None,
        };
        let test = test.filter(|test| !test.is_empty());
        let (examples, of) = match &test {
            Some(test) => (test, "test"),
            None => (&self.data.validation, "validation"),
        };
        let results = evaluate(network, &model, Some(&best.scales), examples, &device);
        let mistakes = Mistakes {
            name: &self.ast.name.to_string(),
            class_names: &self.data.class_names(),
            normalisation: &self.data.normalisation,
            of,
        };
        let confusion = mistakes.write(examples, &results, &self.out, written)?;
        finished.tested = test.as_ref().map(|_| Tested {
            right: confusion.right(),
            examples: confusion.total(),
        });
        if let Some(tested) = finished.tested {
            known.test = Some(tested.accuracy());
            files::write(&self.out, &known.add_to(network, &weights)?)?;
        }
        finished.balanced_accuracy = Some(results.balanced_accuracy(&examples.labels));
        finished.classes = ClassAccuracy::of(&confusion);
        finished.warnings.extend(self.doubts(&finished, best, of));

        let (declaration, planned) = self.plan(&mut finished.errors);
        let report = Report {
            name: &self.ast.name.to_string(),
            network: &as_written(network),
            teacher: self.teacher.as_ref(),
            declaration: &declaration,
            planned: &planned,
            errors: &finished.errors,
            command: &self.command_line(),
            data: &self.data,
            epochs: (state.epoch, self.recipe.epochs),
            seed: self.recipe.seed,
            best: (best.epoch, best.accuracy),
            finished: &finished,
            results_of: of,
            seconds,
        };
        let path = self.out.with_extension("report.md");
        let report = report.markdown();
        files::write(&path, report.as_bytes())?;
        finished.files.push(path);
        Ok(finished)
    }

    /// That a complete training's best epoch is no better than the commonest class.
    ///
    /// # Errors
    /// [`Diverged`], when it is sure of what is wrong.
    fn learnt_nothing(&self, state: &State, best: &Best) -> Result<Option<String>> {
        let counts = self.data.validation.counts(self.data.class_names().len());
        let there = counts.iter().filter(|&&it| it > 0).count().max(1) as f64;
        let commonest = counts.iter().max().copied().unwrap_or_default() as f64
            / self.data.validation.len().max(1) as f64;
        let is_no_better = match self.recipe.balances_classes {
            true => best.score <= 1.0 / there,
            false => best.accuracy <= commonest,
        };
        if !is_no_better || there < 2.0 {
            return Ok(None);
        }
        // Answers that are all alike have a loss of the logarithm of the classes. Integers that
        // are all 0 answer so, whatever was before them.
        let before = last_in_float(state).map_or(0.0, |record| record.validation_loss);
        let loss = best.loss.max(before);
        if loss > 2.0 * there.ln() {
            return Err(Diverged::LearntNothing {
                loss,
                accuracy: commonest,
                learning_rate: self.recipe.learning_rate,
            }
            .into());
        }
        Ok(Some(format!(
            "the network is no better than always answering the commonest class ({}); look at \
             the data (cargo herringbone data), or train with another --learning-rate",
            percent(commonest)
        )))
    }

    /// What is to be doubted of weights whose results are known.
    fn doubts(&self, finished: &Finished, best: &Best, of: &str) -> Vec<String> {
        let mut doubts = Vec::new();
        for class in &finished.classes {
            let ClassAccuracy {
                name,
                examples,
                answered,
                ..
            } = class;
            if *answered == 0 && *examples > 0 {
                doubts.push(format!(
                    "class {name} is never answered: 0 of its {examples} {of} examples are right"
                ));
            } else if *examples == 0 {
                doubts.push(format!("class {name} has no {of} example"));
            }
        }
        if let Some(before) = finished.before_quantisation
            && best.accuracy < before - LOST
        {
            doubts.push(format!(
                "integers cost accuracy: {} of the validation examples are right, and {} were in \
                 floating point: give activations or weights 8 bits (`bits: {{ activations: 8 }}`), \
                 or more --epochs",
                percent(best.accuracy),
                percent(before)
            ));
        }
        doubts
    }

    /// The plan with the weights that were written.
    fn plan(&self, errors: &mut Diagnostics) -> (Declaration, Planned) {
        let mut declaration = self.declaration.clone();
        let mut weights_file = None;
        if declaration.weights != WeightsSource::Runtime {
            declaration.weights = WeightsSource::File;
            weights_file = Some(Ok(self.out.clone()));
        }
        let planned = Planned::of(&declaration, weights_file);
        self.ast.report(&planned.problems, errors);
        (declaration, planned)
    }

    fn write_curves(&self, state: &State, written: &mut Vec<PathBuf>) -> Result<()> {
        if state.records.is_empty() {
            return Ok(());
        }
        let title = format!("{}: learning curves", self.ast.name);
        let best = state.best.as_ref().map(|Best { epoch, .. }| *epoch);
        let picture = curves::draw(&state.records, best, &title);
        write_picture(&picture, &self.out, "curves", written)
    }
}

/// The validation accuracy of the last epoch in floating point.
fn before_quantisation(state: &State) -> Option<f64> {
    last_in_float(state).map(|record| record.validation_accuracy)
}

fn last_in_float(state: &State) -> Option<&EpochRecord> {
    let name = Phase::Float.name();
    state.records.iter().rfind(|record| record.phase == name)
}
