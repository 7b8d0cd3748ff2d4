//! The report of a training, written next to its weights.

use std::fmt::Write as _;

use herringbone_compiler::Planned;
use herringbone_compiler::declaration::Declaration;
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::report::thousands;

use crate::session::{Data, Finished};
use crate::teacher::Teacher;

/// A report's contents.
pub(crate) struct Report<'a> {
    pub(crate) name: &'a str,
    /// The list, as a declaration writes it.
    pub(crate) network: &'a str,
    pub(crate) teacher: Option<&'a Teacher>,
    pub(crate) declaration: &'a Declaration,
    /// With the weights that were trained.
    pub(crate) planned: &'a Planned,
    pub(crate) errors: &'a Diagnostics,
    /// The command line that gives these weights.
    pub(crate) command: &'a str,
    pub(crate) data: &'a Data,
    /// Those that were done, of how many.
    pub(crate) epochs: (u32, u32),
    pub(crate) seed: u64,
    /// The epoch, counted from 1, and its accuracy in validation.
    pub(crate) best: (u32, f64),
    /// What came of it.
    pub(crate) finished: &'a Finished,
    /// Which examples classes were counted of: `test` or `validation`.
    pub(crate) results_of: &'a str,
    /// What every epoch took.
    pub(crate) seconds: &'a [f64],
}

impl Report<'_> {
    /// The text of the report, as Markdown.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("# {}\n\n", self.name);
        let (epoch, accuracy) = self.best;
        let (done, of) = self.epochs;
        let examples = |count: usize| thousands(count as u64);
        let network = &self.declaration.network;
        let bits = network.bits();
        let weights: u64 = network.nodes().iter().map(|it| it.weight_count()).sum();
        let biases: u64 = network.nodes().iter().map(|it| it.bias_count()).sum();
        let bytes =
            (weights * u64::from(bits.weights)).div_ceil(8) + biases * u64::from(bits.biases) / 8;
        let mean = self.seconds.iter().sum::<f64>() / self.seconds.len().max(1) as f64;
        let mut rows = vec![
            ("accuracy, test", self.test_accuracy()),
            (
                "accuracy, validation",
                format!("{} (epoch {epoch}, the best)", percent(accuracy)),
            ),
        ];
        if let Some(before) = self.finished.before_quantisation {
            rows.push(("accuracy, validation, before quantisation", percent(before)));
        }
        if let Some(balanced) = self.finished.balanced_accuracy {
            rows.push((
                "mean of the classes' accuracies",
                format!("{} ({})", percent(balanced), self.results_of),
            ));
        }
        rows.extend([
            ("network", format!("`{}`", self.network)),
            (
                "bits",
                format!(
                    "weights {}, biases {}, activations {}",
                    bits.weights, bits.biases, bits.activations
                ),
            ),
            (
                "parameters",
                format!(
                    "{} weights{} and {} biases, {} bytes",
                    thousands(weights),
                    self.zeros(weights),
                    thousands(biases),
                    thousands(bytes)
                ),
            ),
            ("inputs", self.inputs()),
        ]);
        if let Some(teacher) = self.teacher {
            rows.push(("teacher", format!("`{}`", teacher.written())));
        }
        rows.extend(self.plan());
        rows.extend([
            (
                "examples",
                format!(
                    "{} for training, {} for validation, {} for testing",
                    examples(self.data.training.len()),
                    examples(self.data.validation.len()),
                    match self.finished.tested {
                        Some(tested) => thousands(tested.examples),
                        None => "none".to_owned(),
                    },
                ),
            ),
            (
                "training data, SHA-256",
                format!("`{}`", self.data.checksum),
            ),
            ("seed", self.seed.to_string()),
            (
                "epochs",
                format!("{done} of {of}, {mean:.1} seconds each on average"),
            ),
        ]);
        text.push_str("| | |\n| --- | --- |\n");
        for (name, value) in rows {
            // Writing to a string does not fail.
            let _ = writeln!(text, "| {name} | {value} |");
        }
        let _ = write!(text, "\nTrained by:\n\n```sh\n{}\n```\n", self.command);
        self.write_classes(&mut text);
        let warnings = self.data.warnings.iter().chain(&self.finished.warnings);
        for (head, lines) in [
            ("To be looked at", warnings.collect::<Vec<_>>()),
            ("Of the data", self.data.notes.iter().collect()),
        ] {
            if !lines.is_empty() {
                let _ = write!(text, "\n{head}:\n\n");
            }
            for line in lines {
                let _ = writeln!(text, "- {line}");
            }
        }
        for error in self.errors.messages() {
            let _ = write!(text, "\nWith these weights it does not compile: {error}\n");
        }
        text
    }

    /// How what a sensor gives becomes bytes.
    fn inputs(&self) -> String {
        let normalisation = &self.data.normalisation;
        match normalisation.is_identity() {
            true => "bytes as they are, by `run` and `push`".to_owned(),
            false => format!("counts, by `run_raw` and `push_raw`: {normalisation}"),
        }
    }

    /// A row a class: its index, which `classify` gives, and its name.
    fn write_classes(&self, text: &mut String) {
        let of = self.results_of;
        let _ = write!(
            text,
            "\n| class | name | right, {of} | accuracy |\n| ---: | --- | ---: | ---: |\n"
        );
        for (index, class) in self.finished.classes.iter().enumerate() {
            let accuracy = match class.examples {
                0 => "–".to_owned(),
                examples => percent(class.right as f64 / examples as f64),
            };
            // A bar would end the cell.
            let name = class.name.replace('|', "\\|");
            let _ = writeln!(
                text,
                "| {index} | {name} | {} of {} | {accuracy} |",
                thousands(class.right),
                thousands(class.examples)
            );
        }
    }

    fn test_accuracy(&self) -> String {
        match self.finished.tested {
            Some(tested) => format!(
                "{} ({} of {})",
                percent(tested.accuracy()),
                thousands(tested.right),
                thousands(tested.examples)
            ),
            None if self.epochs.0 < self.epochs.1 => {
                "not looked at: the training was stopped".to_owned()
            }
            None => "there is no test data".to_owned(),
        }
    }

    /// How many of the weights are 0: code of instructions has none for these.
    fn zeros(&self, weights: u64) -> String {
        let zeros = self.planned.zero_weights(&self.declaration.network);
        zeros.map_or(String::new(), |zeros| {
            let share = percent(zeros as f64 / weights.max(1) as f64);
            format!(" ({share} of them 0)")
        })
    }

    fn plan(&self) -> Vec<(&'static str, String)> {
        let Self {
            declaration,
            planned,
            ..
        } = self;
        let given = |bytes: Option<u32>| {
            bytes.map_or(String::new(), |it| format!(" of {}", thousands(it.into())))
        };
        let budget = &declaration.budget;
        let strategy = planned.plan_name(declaration);
        let mut rows = vec![
            ("plan", format!("`{strategy}`")),
            (
                "SRAM",
                format!(
                    "{} bytes{}, the reserve of {} with it",
                    thousands(planned.sram_bytes().into()),
                    given(budget.sram_bytes),
                    thousands(planned.reserve_bytes().into())
                ),
            ),
        ];
        let flash_bytes = match budget.flash_bytes {
            Some(given) => planned.needed_flash_bytes(declaration, given),
            None => planned.flash_bytes(),
        };
        let cycles = planned.cycles();
        if flash_bytes > 0 {
            let tables = if cycles.is_none() {
                ", tables alone"
            } else {
                ""
            };
            let of = given(budget.flash_bytes);
            let flash = format!("{} bytes{of}{tables}", thousands(flash_bytes));
            rows.push(("flash", flash));
        }
        if let (Some(cycles), Some(target)) = (cycles, budget.target) {
            let megahertz = target.usual_clock_megahertz();
            let told = |cycles: f64| {
                let milliseconds = cycles / (f64::from(megahertz) * 1000.0);
                let cycles = thousands(cycles.round() as u64);
                format!("{cycles} cycles, {milliseconds:.1} ms")
            };
            let at = format!("on {} at {megahertz} MHz", target.name);
            rows.push(("an inference, predicted", format!("{} {at}", told(cycles))));
            if let Some(worst) = planned.worst_case(declaration, MOST_STEPS) {
                rows.push(("an inference, at most", told(worst.cycles as f64)));
                rows.push((
                    "its longest `push`, at most",
                    told(worst.push_cycles as f64),
                ));
            }
        }
        rows
    }
}

/// Instructions that are looked at for the worst case: some seconds' worth.
const MOST_STEPS: u64 = 300_000_000;

/// A share, 0 to 1, in percent with two decimals.
pub fn percent(share: f64) -> String {
    format!("{:.2} %", 100.0 * share)
}
