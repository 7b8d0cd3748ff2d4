//! `cargo herringbone evaluate` and `predict`: weights that are there already, tried on data.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use herringbone_compiler::Planned;
use herringbone_compiler::declaration::{Declaration, WeightsSource};
use herringbone_compiler::network::Network;
use herringbone_dataset::{Expected, Part, Source, read_files};
use herringbone_trainer::features;
use herringbone_trainer::mistakes::{ClassAccuracy, Mistakes};
use herringbone_trainer::percent;
use herringbone_trainer::trained::Trained;

use crate::data::warn;
use crate::reading::Reading;
use crate::simulated::{self, SimulatedPart};
use crate::tables::{by_class, table};
use crate::watcher::say;
use crate::which::{Which, shortest};

/// Classes that are shown of a prediction.
const LIKELIEST: usize = 3;

#[derive(Args)]
pub(crate) struct EvaluateArguments {
    #[command(flatten)]
    which: Which,
    /// The data: its test set, or all of it if it has none
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Use these weights instead of the declaration's
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Draw the confusion matrix and the worst examples into files whose names begin with
    /// this
    #[arg(long, value_name = "PATH")]
    out: Option<PathBuf>,
    /// Run the network's machine code on this simulated AVR part too, and count its cycles
    #[arg(long, value_name = "PART")]
    on: Option<String>,
    /// Write into the weights file how often values are 0 in this data: expected cycles go by it
    #[arg(long)]
    record_zeros: bool,
    #[command(flatten)]
    reading: Reading,
}

#[derive(Args)]
pub(crate) struct PredictArguments {
    #[command(flatten)]
    which: Which,
    /// What to classify: images, .wav, or .csv of a recording each
    #[arg(required = true, value_name = "INPUT")]
    inputs: Vec<PathBuf>,
    /// Use these weights instead of the declaration's
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// A declared network with its weights.
struct Loaded {
    name: String,
    network: Network,
    classes: usize,
    trained: Trained,
    declaration: Declaration,
    /// Where its weights are, and what is there.
    weights: (PathBuf, Vec<u8>),
}

/// `None`, having said why, where the declaration is wrong.
fn load(which: &Which, weights: Option<&PathBuf>) -> Result<Option<Loaded>> {
    let found = which.find()?;
    let Some((ast, declaration)) = found.parse() else {
        return Ok(None);
    };
    let path = match (weights, found.weights_file(&ast)) {
        (Some(path), _) => path.clone(),
        (None, Some(path)) => path?,
        (None, None) => bail!("the declaration names no file for its weights: give --weights FILE"),
    };
    let bytes = std::fs::read(&path)
        .with_context(|| format!("cannot read the weights {}: train first", path.display()))?;
    let network = &declaration.network;
    let trained = Trained::new(network, &bytes)
        .with_context(|| format!("the weights {}", shortest(&path).display()))?;
    Ok(Some(Loaded {
        name: ast.name.to_string(),
        network: network.clone(),
        classes: network.output().values() as usize,
        trained,
        declaration,
        weights: (path, bytes),
    }))
}

/// The network's code for a part; what is wrong with it there is an error.
fn simulated_part(
    declaration: &Declaration,
    (path, bytes): &(PathBuf, Vec<u8>),
    part: &str,
) -> Result<SimulatedPart> {
    let mut declaration = simulated::declared_for(declaration.clone(), part)?;
    if declaration.weights == WeightsSource::Nowhere {
        declaration.weights = WeightsSource::File;
    }
    let path = std::path::absolute(path)?;
    let planned = Planned::of(&declaration, Some(Ok(path)));
    if let Some(problem) = planned.problems.first() {
        bail!("on {part}: {}", problem.message);
    }
    SimulatedPart::new(&declaration, &planned, bytes)
}

pub(crate) fn evaluate(arguments: &EvaluateArguments) -> Result<ExitCode> {
    let Some(loaded) = load(&arguments.which, arguments.weights.as_ref())? else {
        return Ok(ExitCode::FAILURE);
    };
    let Loaded {
        name,
        network,
        classes,
        trained,
        declaration,
        weights,
    } = &loaded;
    let simulated = arguments.on.as_ref();
    let simulated = simulated.map(|part| simulated_part(declaration, weights, part));
    let simulated = simulated.transpose()?;
    let expected = Expected {
        shape: Some(features::recorded_shape(network)),
        classes: Some(*classes),
    };
    let source = Source::open(
        &arguments.data,
        expected,
        &features::reading(network, &arguments.reading.options()),
    )?;
    let part = match source.has(Part::Test) {
        true => Part::Test,
        false => Part::Training,
    };
    let recordings = source.read(part)?.context("there is no data")?;
    let of = match part {
        Part::Test => "test",
        Part::Training | Part::Validation => "all",
    };
    let names = source.class_names();
    let mut warnings = Vec::new();
    if names != trained.class_names {
        let has_numbers = trained
            .class_names
            .iter()
            .zip(0..)
            .all(|(name, number)| name.parse() == Ok(number));
        if !has_numbers {
            warnings.push(format!(
                "the network's classes are {}, those of the data {}",
                trained.class_names.join(", "),
                names.join(", ")
            ));
        }
    }
    for note in source.notes().iter().chain(&recordings.notes) {
        say(&format!("- {note}"));
    }
    let examples = features::examples(network, &trained.normalisation, recordings);
    let results = trained.results(&examples);
    let mut written = Vec::new();
    let confusion = match &arguments.out {
        Some(out) => {
            let mistakes = Mistakes {
                name,
                class_names: &names,
                normalisation: &trained.normalisation,
                of,
            };
            mistakes.write(&examples, &results, out, &mut written)?
        }
        None => {
            let mut confusion = herringbone_trainer::pictures::Confusion::new(names);
            for (example, &label) in examples.labels.iter().enumerate() {
                confusion.add(label.into(), results.class(example));
            }
            confusion
        }
    };
    say(&format!(
        "{of}: {}, {} of {}; mean of the classes {}",
        percent(confusion.accuracy().unwrap_or_default()),
        confusion.right(),
        confusion.total(),
        percent(results.balanced_accuracy(&examples.labels))
    ));
    let by = ClassAccuracy::of(&confusion);
    say(&by_class(&by));
    if let (Some(simulated), Some(part)) = (&simulated, &arguments.on) {
        let measured = simulated.measure(&examples)?;
        let mut classes = measured.classes.iter().enumerate();
        if let Some((example, class)) =
            classes.find(|&(example, &class)| class != results.class(example))
        {
            bail!(
                "on {part}, {} is of class {class}, and here of class {}: this is a fault of \
                 herringbone, please report it",
                examples.names[example],
                results.class(example)
            );
        }
        say(&format!("on {part}: the same classes; {}", measured.told()));
    }
    if arguments.record_zeros {
        let (path, bytes) = weights;
        trained.record_zeros((path, bytes), &examples)?;
        written.push(path.clone());
    }
    let unanswered = by.iter().filter(|it| it.answered == 0 && it.examples > 0);
    warnings.extend(unanswered.map(|class| format!("class {} is never answered", class.name)));
    warn(&warnings);
    for file in &written {
        say(&shortest(file).display().to_string());
    }
    Ok(ExitCode::SUCCESS)
}

pub(crate) fn predict(arguments: &PredictArguments) -> Result<ExitCode> {
    let Some(Loaded {
        network, trained, ..
    }) = load(&arguments.which, arguments.weights.as_ref())?
    else {
        return Ok(ExitCode::FAILURE);
    };
    let recordings = read_files(
        &arguments.inputs,
        features::recorded_shape(&network),
        &features::reading(&network, &arguments.reading.options()),
    )?;
    for note in &recordings.notes {
        say(&format!("- {note}"));
    }
    let examples = features::examples(&network, &trained.normalisation, recordings);
    let results = trained.results(&examples);
    let rows = arguments.inputs.iter().enumerate().map(|(example, path)| {
        let logits = results.of(example);
        let class = results.class(example);
        let mut others: Vec<usize> = (0..logits.len()).filter(|&it| it != class).collect();
        others.sort_by(|one, other| logits[*other].total_cmp(&logits[*one]));
        let others = others.into_iter().take(LIKELIEST - 1);
        let others: Vec<String> = others
            .map(|it| format!("{} ({})", trained.class_names[it], logits[it]))
            .collect();
        vec![
            path.display().to_string(),
            class.to_string(),
            trained.class_names[class].clone(),
            logits[class].to_string(),
            others.join(", "),
        ]
    });
    let heads = ["file", "class", "name", "result", "after it"];
    say(&table(&heads, &[0, 2, 4], rows));
    Ok(ExitCode::SUCCESS)
}
