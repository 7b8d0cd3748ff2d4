//! `cargo herringbone train`.

mod augmentation;
mod command;
mod teacher;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use herringbone_compiler::Planned;
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::syntax::{Key, NetworkAst};
use herringbone_dataset::InputShape;
use herringbone_dataset::augment::InputKind;
use herringbone_trainer::intake::Intake;
use herringbone_trainer::recipe::{Recipe, ScaleSearch, Schedule};
use herringbone_trainer::session::{self, Data, DataOptions, Finished, Session};
use herringbone_trainer::{Device, percent};

use crate::data::warn;
use crate::reading::Reading;
use crate::tables::by_class;
use crate::watcher::{Terminal, say};
use crate::which::{Found, Which, shortest};
use augmentation::AugmentationArguments;
use command::command;
use teacher::TeacherArguments;

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The data: a folder of files by class (images, .wav, or .csv of a recording each), of
    /// idx files (MNIST's) or of .npy files; or an .npz or .csv file
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Write the weights to this file instead of the declaration's; pictures and a report
    /// go next to it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Passes over the training data [default: 60, or as many as 8000 steps take]
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// Seed for every random draw [default: 1]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Seed for which examples validate [default: that of --seed]
    #[arg(long, value_name = "S")]
    split_seed: Option<u64>,
    /// Examples per step [default: 128; 64 for fewer than 8000 examples, 32 for fewer than 2000]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Peak learning rate [default: 0.01]
    #[arg(long, value_name = "X")]
    learning_rate: Option<f64>,
    /// Share of the examples to hold out for choosing the best epoch [default: the data's
    /// validation set; else a twelfth, or up to a quarter where there are few]
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    /// Weight the classes equally, however many examples each has [default: on if one has
    /// more than one and a half times as many as another]
    #[arg(long, value_enum, value_name = "WHETHER")]
    balance: Option<Switch>,
    /// Normalise activations over each batch in floating point; it is folded into the weights
    /// before they become integers
    #[arg(long, value_enum, default_value_t = Switch::On, value_name = "WHETHER")]
    normalise: Switch,
    /// How long steps with integers are, times the learning rate [default: 0.5, of fewer than 4,000
    /// steps 1; of weights with 2 bits 1 and 3; with --scales least-squares 1]
    #[arg(long, value_name = "SHARE")]
    integer_rate: Option<f64>,
    /// How to find the powers of two that integers stand for
    #[arg(long, value_enum, default_value_t = Scales::Learned)]
    scales: Scales,
    /// End when that many epochs with integers bring nothing better
    #[arg(long, value_name = "N")]
    patience: Option<u32>,
    /// Share of all weights to make 0, gradually, of each layer as many as it can do without:
    /// unrolled code has no instructions for them [default: the declaration's `sparsity`, or 0]
    #[arg(long, value_name = "SHARE")]
    sparsity: Option<f64>,
    /// Continue an interrupted run
    #[arg(long)]
    resume: bool,
    /// Where to train
    #[arg(long, value_enum, default_value_t = Processor::Flex)]
    device: Processor,
    // Behind these, an option would be under their heading.
    #[command(flatten)]
    reading: Reading,
    #[command(flatten)]
    augmentation: AugmentationArguments,
    #[command(flatten)]
    teacher: TeacherArguments,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scales {
    /// By gradient, while numbers move onto their grids step by step
    Learned,
    /// By least squares, at once
    LeastSquares,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Processor {
    /// This machine's CPU
    Flex,
    /// An NVIDIA graphics processor
    #[cfg(feature = "cuda")]
    Cuda,
    /// A graphics processor, by Vulkan, Metal or WebGPU
    #[cfg(feature = "wgpu")]
    Wgpu,
}

impl Processor {
    fn device(self) -> Device {
        let device = match self {
            Processor::Flex => Device::flex(),
            #[cfg(feature = "cuda")]
            Processor::Cuda => Device::cuda(0_usize),
            #[cfg(feature = "wgpu")]
            Processor::Wgpu => Device::wgpu(herringbone_trainer::DeviceKind::default()),
        };
        device.autodiff()
    }
}

/// Set when the training is to stop.
static STOP: AtomicBool = AtomicBool::new(false);

/// The exit status that shells report of a process ended by an interrupt.
pub(crate) const INTERRUPTED: i32 = 130;

/// Fails, having said why, where the declaration is wrong or over its budget, before the
/// training or with the weights that it gave.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let found = arguments.which.find()?;
    let Some((ast, declaration)) = found.parse() else {
        return Ok(ExitCode::FAILURE);
    };
    // The weights file is written again, whatever it is now.
    let mut errors = Diagnostics::new();
    let planned = Planned::of(&declaration, None);
    ast.report(&planned.problems, &mut errors);
    found.print(&errors);
    found.warn(&ast, &planned.notices);
    if !errors.is_empty() {
        return Ok(ExitCode::FAILURE);
    }

    let network = &declaration.network;
    let mut problems = arguments.reading.problems();
    let out = out(arguments, &found, &ast)
        .and_then(|out| session::check_out(&out).map(|()| out))
        .map_err(|error| problems.push(format!("{error:#}")));
    let options = DataOptions {
        path: arguments.data.clone(),
        validation_share: arguments.validation,
        reading: arguments.reading.options(),
        fit: arguments.reading.fit(),
        input: arguments.reading.input(),
        split_seed: arguments.split_seed,
    };
    let data = Data::open(options, network, arguments.seed.unwrap_or(Recipe::SEED))
        .map_err(|error| problems.push(format!("{error:#}")));
    // What of a recipe is wrong does not depend on the data.
    let shape = Intake::of(network).input();
    let (kind, counts) = match &data {
        Ok(data) => (data.kind, data.counts()),
        Err(()) => (InputKind::Image, Vec::new()),
    };
    let mut recipe = recipe(arguments, shape, kind, &counts);
    recipe.sparsity = recipe.sparsity.max(declaration.sparsity);
    problems.extend(session::problems(network, &recipe));
    let device = arguments.device.device();
    let teacher = arguments
        .teacher
        .load(network, &device)
        .map_err(|error| problems.push(format!("{error:#}")));
    if let (Ok(data), Ok(Some((_, normalisation)))) = (&data, &teacher)
        && *normalisation != data.normalisation
    {
        problems.push(format!(
            "the teacher was trained on inputs that are scaled otherwise ({normalisation}; these: \
             {}): train it again on this data",
            data.normalisation
        ));
    }
    let teacher = teacher.map(|teacher| teacher.map(|(teacher, _)| teacher));
    let (Ok(out), Ok(data), Ok(teacher), []) = (out, data, teacher, &problems[..]) else {
        bail!("{}", problems.join("\n       "));
    };

    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(INTERRUPTED);
        }
        eprintln!("\nstopping, with the best so far (once more: at once)");
    })
    .context("cannot listen for Ctrl-C")?;
    let session = Session {
        ast,
        declaration,
        recipe,
        data: Arc::new(data),
        tests: true,
        teacher,
        out,
        command: command(arguments),
        device,
    };
    let mut warnings = session::warnings(&session.declaration.network);
    warnings.extend(session.data.warnings.iter().cloned());
    for note in &session.data.notes {
        say(&format!("- {note}"));
    }
    warn(&warnings);
    let mut terminal = Terminal::new(&session);
    let finished = session.run(arguments.resume, &STOP, &mut terminal)?;
    drop(terminal);
    summarise(&session, &finished);
    found.print(&finished.errors);
    Ok(match (finished.is_complete, finished.errors.is_empty()) {
        (true, true) => ExitCode::SUCCESS,
        (true, false) => ExitCode::FAILURE,
        (false, _) => ExitCode::from(INTERRUPTED as u8),
    })
}

fn recipe(arguments: &Arguments, shape: InputShape, kind: InputKind, counts: &[u64]) -> Recipe {
    let defaults = Recipe::default_for(shape, kind, counts);
    let batch = arguments.batch_size.unwrap_or(defaults.batch);
    let examples = counts.iter().sum::<u64>() as usize;
    let epochs = || Recipe::default_epochs(examples, batch);
    Recipe {
        epochs: arguments.epochs.unwrap_or_else(epochs),
        seed: arguments.seed.unwrap_or(defaults.seed),
        batch,
        learning_rate: arguments.learning_rate.unwrap_or(defaults.learning_rate),
        augmentation: arguments.augmentation.changes(shape, kind),
        balances_classes: match arguments.balance {
            Some(balance) => balance == Switch::On,
            None => defaults.balances_classes,
        },
        normalises: arguments.normalise == Switch::On,
        integer_rate: arguments.integer_rate,
        scales: match arguments.scales {
            Scales::Learned => ScaleSearch::Learned,
            Scales::LeastSquares => ScaleSearch::LeastSquares,
        },
        patience: arguments.patience,
        sparsity: arguments.sparsity.unwrap_or(defaults.sparsity),
        schedule: Schedule::Phases,
    }
}

/// The weights file that is written.
fn out(arguments: &Arguments, found: &Found, ast: &NetworkAst) -> Result<PathBuf> {
    match (&arguments.out, found.weights_file(ast)) {
        (Some(out), _) => Ok(std::path::absolute(out)?),
        (None, Some(file)) => file.context("give --out FILE, or a path as `weights`"),
        (None, None) if ast.value_tokens(Key::Weights).is_some() => {
            bail!("the weights are loaded at run time: give --out FILE to write them to")
        }
        (None, None) => bail!(
            "the declaration names no file for its weights: \
             give --out FILE, or add `weights: \"FILE\"`"
        ),
    }
}

fn summarise(session: &Session, finished: &Finished) {
    say("");
    if !finished.is_complete {
        say(&format!(
            "stopped after epoch {} of {}: continue with the same command and --resume",
            finished.epochs, session.recipe.epochs
        ));
    }
    match finished.best {
        Some((epoch, accuracy)) => say(&format!(
            "validation: {} (epoch {epoch}, the best)",
            percent(accuracy)
        )),
        None => say("no weights are written: no epoch with integers is done yet"),
    }
    match finished.tested {
        Some(tested) => say(&format!(
            "test: {}, {} of {}",
            percent(tested.accuracy()),
            tested.right,
            tested.examples
        )),
        None if finished.is_complete => say("test: there is no test data"),
        None => {}
    }
    if let Some(before) = finished
        .before_quantisation
        .filter(|_| finished.best.is_some())
    {
        say(&format!(
            "before quantisation: {} (validation)",
            percent(before)
        ));
    }
    if let Some(balanced) = finished.balanced_accuracy {
        say(&format!("mean of the classes: {}", percent(balanced)));
        say(&by_class(&finished.classes));
    }
    warn(&finished.warnings);
    say("");
    for file in &finished.files {
        say(&shortest(file).display().to_string());
    }
}
