//! What a training leaves: weights, pictures and a report.

use std::path::PathBuf;

use anyhow::{Context, Result};
use herringbone_compiler::Planned;
use herringbone_compiler::declaration::{Declaration, WeightsSource};
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_dataset::Examples;

use super::Session;
use crate::evaluate::{Results, evaluate};
use crate::export::export;
use crate::files;
use crate::model::{Model, as_written};
use crate::pictures::{Confusion, Picture, Shape, Worst, confusion, curves, sheet};
use crate::report::{Report, percent};
use crate::training::{Best, State};

/// Inputs of the sheet of the worst ones.
const WORST: usize = 48;

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
    /// Of so many.
    pub examples: u64,
}

impl Tested {
    /// The share, 0 to 1.
    pub fn accuracy(self) -> f64 {
        self.right as f64 / self.examples.max(1) as f64
    }
}

impl Session {
    pub(super) fn finish(&self, state: &State, seconds: &[f64]) -> Result<Finished> {
        let mut finished = Finished {
            is_complete: state.epoch >= self.recipe.epochs,
            epochs: state.epoch,
            best: state.best.as_ref().map(|best| (best.epoch, best.accuracy)),
            tested: None,
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
        let weights = export(network, &model, &best.scales)?;
        files::write(&self.out, &weights)?;
        written.push(self.out.clone());
        self.write_curves(state, written)?;

        // Whoever stops a training may go on, and choose by what was seen.
        let test = match finished.is_complete {
            true => self.data.source.test().with_context(|| {
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
        let confusion = self.write_mistakes(examples, &results, of, written)?;
        finished.tested = test.as_ref().map(|_| Tested {
            right: confusion.right(),
            examples: confusion.total(),
        });

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
            tested: finished.tested,
            seconds,
        };
        let path = self.out.with_extension("report.md");
        files::write(&path, report.markdown().as_bytes())?;
        finished.files.push(path);
        Ok(finished)
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
        self.write_picture(&picture, "curves", written)
    }

    /// Draws which classes are taken for which, and the worst of these examples.
    fn write_mistakes(
        &self,
        examples: &Examples,
        results: &Results,
        of: &str,
        written: &mut Vec<PathBuf>,
    ) -> Result<Confusion> {
        let names = self.data.source.class_names();
        let mut counts = Confusion::new(names.clone());
        let mut worst = Vec::new();
        for (example, &label) in examples.labels.iter().enumerate() {
            let (actual, predicted) = (usize::from(label), results.class(example));
            counts.add(actual, predicted);
            if actual != predicted {
                let logits = results.of(example);
                worst.push(Worst {
                    input: examples.input(example),
                    name: examples.names[example].clone(),
                    actual: names[actual].clone(),
                    predicted: names[predicted].clone(),
                    margin: logits[predicted] - logits[actual],
                });
            }
        }
        let title = format!("{}: confusion, {of} data", self.ast.name);
        self.write_picture(&confusion::draw(&counts, &title), "confusion", written)?;

        worst.sort_by(|one, other| other.margin.total_cmp(&one.margin));
        worst.truncate(WORST);
        let shape = Shape {
            height: examples.shape.height as usize,
            width: examples.shape.width as usize,
            channels: examples.shape.channels as usize,
        };
        let title = format!(
            "{}: the worst of the {of} data, {} right",
            self.ast.name,
            percent(counts.accuracy().unwrap_or_default())
        );
        let path = self.out.with_extension("worst.png");
        files::write(&path, &sheet::draw(&worst, shape, &title))?;
        written.push(path);
        Ok(counts)
    }

    fn write_picture(
        &self,
        picture: &Picture,
        name: &str,
        written: &mut Vec<PathBuf>,
    ) -> Result<()> {
        for (kind, bytes) in [("svg", picture.svg().as_bytes()), ("png", &picture.png())] {
            let path = self.out.with_extension(format!("{name}.{kind}"));
            files::write(&path, bytes)?;
            written.push(path);
        }
        Ok(())
    }
}
