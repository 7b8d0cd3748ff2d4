//! `cargo herringbone data`: what a data set is, before anything is trained on it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anstyle::{AnsiColor, Style};
use anyhow::{Context as _, Result, bail};
use clap::Args;
use herringbone_dataset::survey::{self, Channel, Seen};
use herringbone_dataset::{Examples, Expected, Normalisation, Part, Recordings, Source};
use herringbone_trainer::mistakes::{axes, shape_of};
use herringbone_trainer::pictures::{Sample, sheet};

use crate::reading::Reading;
use crate::tables::table;
use crate::watcher::say;

const BOLD: Style = Style::new().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// Bits of activations that a network may have.
const BITS: [u32; 2] = [4, 8];
/// Samples of each class on the sheet, and all of them.
const SAMPLES: usize = 6;
const MOST_SAMPLES: usize = 60;
/// Channels that are described one by one.
const MOST_CHANNELS: usize = 16;

#[derive(Args)]
pub(crate) struct Arguments {
    /// The data: a folder of files by class (images, .wav, or .csv of a recording each), of
    /// idx files (MNIST's) or of .npy files; or an .npz or .csv file
    data: PathBuf,
    /// Draw some examples of each class
    #[arg(long, value_name = "FILE.png")]
    pictures: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let problems = arguments.reading.problems();
    if !problems.is_empty() {
        bail!("{}", problems.join("\n       "));
    }
    let source = Source::open(
        &arguments.data,
        Expected::default(),
        &arguments.reading.options(),
    )?;
    let training = source.read(Part::Training)?;
    let training = training.context("there are no training examples")?;
    let names = source.class_names();
    let mut warnings = Vec::new();

    let mut parts = vec![(Part::Training, training.labels.clone())];
    for part in [Part::Validation, Part::Test] {
        // Labels alone are counted: no example for testing is shown.
        let recordings = source.read(part)?;
        parts.extend(recordings.map(|it| (part, it.labels)));
    }
    say(&format!(
        "{BOLD}{}{BOLD:#}: {}, {} classes, each input {} (rows × columns × channels), treated as {}",
        arguments.data.display(),
        counted(&parts),
        names.len(),
        source.shape(),
        with_article(
            arguments
                .reading
                .input()
                .unwrap_or(source.input_kind())
                .name()
        ),
    ));
    for note in source.notes().iter().chain(&training.notes) {
        say(&format!("- {note}"));
    }
    say(&format!("\n{BOLD}Classes{BOLD:#}"));
    say(&classes(&names, &parts));
    for (part, labels) in &parts {
        let counts = counts(labels, names.len());
        for (name, _) in names.iter().zip(&counts).filter(|(_, it)| **it == 0) {
            warnings.push(format!("class {name} has no example for {}", part.name()));
        }
        if *part == Part::Training && survey::are_unequal(&counts) {
            warnings.push(
                "the classes are unequal: `train` has each count as much as every other \
                 (--balance)"
                    .to_owned(),
            );
        }
    }

    say(&format!("\n{BOLD}Values{BOLD:#}"));
    let normalisation = Normalisation::fit(&training, arguments.reading.fit());
    say(&channels(&training, &normalisation));
    if normalisation.counts_per_unit != 1.0 {
        say(&format!(
            "a count is {} of a unit: the firmware passes whole counts, {} for each unit",
            1.0 / normalisation.counts_per_unit,
            normalisation.counts_per_unit
        ));
    }
    let examples = normalisation.apply(training);
    say(&format!("\n{BOLD}What a network sees{BOLD:#}"));
    say(&seen(&examples, &mut warnings));
    if let Some(path) = &arguments.pictures {
        draw(path, &source, &examples, &normalisation)?;
        say(&format!("\n{}", path.display()));
    }
    if !warnings.is_empty() {
        say("");
    }
    warn(&warnings);
    Ok(ExitCode::SUCCESS)
}

/// Prints warnings, a line each.
pub(crate) fn warn(warnings: &[String]) {
    for warning in warnings {
        say(&format!("{WARNING}warning{WARNING:#}: {warning}"));
    }
}

fn counted(parts: &[(Part, Vec<u16>)]) -> String {
    let parts = parts.iter();
    let parts: Vec<String> = parts
        .map(|(part, labels)| format!("{} for {}", labels.len(), part.name()))
        .collect();
    parts.join(", ")
}

fn with_article(kind: &str) -> String {
    match kind.starts_with(['a', 'e', 'i', 'o', 'u']) {
        true => format!("an {kind}"),
        false => format!("a {kind}"),
    }
}

fn counts(labels: &[u16], classes: usize) -> Vec<u64> {
    let mut counts = vec![0; classes];
    for &label in labels {
        counts[usize::from(label)] += 1;
    }
    counts
}

/// A row a class: its index, which `classify` gives, its name, and its examples.
fn classes(names: &[String], parts: &[(Part, Vec<u16>)]) -> String {
    let mut heads = vec!["class", "name"];
    heads.extend(parts.iter().map(|(part, _)| part.name()));
    let counts: Vec<Vec<u64>> = parts
        .iter()
        .map(|(_, labels)| counts(labels, names.len()))
        .collect();
    let rows = names.iter().enumerate().map(|(class, name)| {
        let mut row = vec![class.to_string(), name.clone()];
        row.extend(counts.iter().map(|it| it[class].to_string()));
        row
    });
    table(&heads, &[1], rows)
}

/// A row a channel: its values, and how they become bytes.
fn channels(training: &Recordings, normalisation: &Normalisation) -> String {
    let channels = survey::channels(training);
    let rows = channels.iter().enumerate().take(MOST_CHANNELS);
    let rows = rows.map(|(channel, values)| {
        let Channel {
            least,
            mean,
            greatest,
        } = *values;
        let scale = match normalisation.is_identity() {
            true => "as it is".to_owned(),
            false => normalisation.scale_of(channel).to_string(),
        };
        vec![
            channel.to_string(),
            least.to_string(),
            format!("{mean:.4}"),
            greatest.to_string(),
            scale,
        ]
    });
    let text = table(
        &["channel", "least", "mean", "greatest", "byte"],
        &[4],
        rows,
    );
    match channels.len().saturating_sub(MOST_CHANNELS) {
        0 => text,
        more => format!("{text}\nand {more} more channels"),
    }
}

/// A row for each width of activations.
fn seen(examples: &Examples, warnings: &mut Vec<String>) -> String {
    let rows = BITS.map(|bits| {
        let seen = Seen::of(examples, bits);
        for warning in seen.warnings() {
            warnings.push(warning);
        }
        let share = |part: usize, whole: usize| {
            format!("{:.1} %", 100.0 * part as f64 / whole.max(1) as f64)
        };
        vec![
            format!("activations: {bits}"),
            format!("{} of {}", seen.levels, 1_u32 << bits),
            share(seen.constant_places, seen.places),
            share(seen.constant_examples, seen.examples),
        ]
    });
    let heads = [
        "bits",
        "levels in use",
        "inputs always the same",
        "examples of one value",
    ];
    table(&heads, &[0], rows.into_iter())
}

/// Draws the first examples of each class.
fn draw(
    path: &Path,
    source: &Source,
    examples: &Examples,
    normalisation: &Normalisation,
) -> Result<()> {
    let names = source.class_names();
    let each = SAMPLES.min((MOST_SAMPLES / names.len().max(1)).max(1));
    let mut samples = Vec::new();
    for (class, name) in names.iter().enumerate().take(MOST_SAMPLES) {
        let of_class = (0..examples.len()).filter(|&at| usize::from(examples.labels[at]) == class);
        samples.extend(of_class.take(each).map(|at| Sample {
            input: examples.input(at),
            name: examples.names[at].clone(),
            class: format!("{class}: {name}"),
        }));
    }
    let title = format!("{}: examples of each class", source.path().display());
    let png = sheet::draw_samples(&samples, shape_of(examples), &axes(normalisation), &title);
    std::fs::write(path, png).with_context(|| format!("cannot write {}", path.display()))
}
