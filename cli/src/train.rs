//! `cargo herringbone train`.

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use herringbone_compiler::Planned;
use herringbone_compiler::diagnostic::Diagnostics;
use herringbone_compiler::network::Network;
use herringbone_compiler::syntax::{Key, NetworkAst};
use herringbone_dataset::augment::{Augmentation, Elastic, InputKind};
use herringbone_dataset::{InputShape, Normalisation};
use herringbone_trainer::intake::Intake;
use herringbone_trainer::recipe::{Recipe, share_of_augmentation};
use herringbone_trainer::session::{self, Data, DataOptions, Finished, Session};
use herringbone_trainer::teacher::Teacher;
use herringbone_trainer::trained::Trained;
use herringbone_trainer::{Device, percent};

use crate::data::warn;
use crate::reading::Reading;
use crate::tables::by_class;
use crate::watcher::{Terminal, say};
use crate::which::{Found, Which, shortest};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    which: Which,
    /// The data: a folder of files by class (images, .wav, or .csv of a recording each), of
    /// idx files (MNIST's) or of .npy files; or an .npz or .csv file
    #[arg(long, value_name = "PATH")]
    data: PathBuf,
    /// Write the weights to this file in place of the declaration's; pictures and a
    /// report are written beside it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// How often all examples are learnt from [default: 60, or as often as 8000 steps take]
    #[arg(long, value_name = "N")]
    epochs: Option<u32>,
    /// What all that is drawn is drawn by [default: 1]
    #[arg(long, value_name = "S")]
    seed: Option<u64>,
    /// Examples of a step [default: 128, 64 of less than 8000 examples, 32 of less than 2000]
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// The largest width of a step [default: 0.01]
    #[arg(long, value_name = "X")]
    learning_rate: Option<f64>,
    /// The share of the examples that chooses the best epoch, and is not learnt from
    /// [default: the data's own part for it, or a twelfth, or up to a quarter of few]
    #[arg(long, value_name = "SHARE")]
    validation: Option<f64>,
    /// Whether every class counts as much as every other, however many examples it has
    /// [default: on, where one has more than one and a half times as many as another]
    #[arg(long, value_enum, value_name = "WHETHER")]
    balance: Option<Switch>,
    /// Go on with a training that was stopped
    #[arg(long)]
    resume: bool,
    /// What computes
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

/// How far every image is changed at most, anew in each epoch. Each has a default by the
/// size of the input; 0 switches it off.
#[derive(Args)]
#[command(next_help_heading = "Augmentation")]
struct AugmentationArguments {
    /// Learn from the examples as they are
    #[arg(
        long,
        conflicts_with_all = [
            "augmentation", "shift", "rotate", "scale", "shear", "elastic", "gain", "noise",
            "time_mask", "frequency_mask",
        ]
    )]
    no_augmentation: bool,
    /// All of them: that share of what a large network would take [default: 0.3]
    #[arg(long, value_name = "SHARE")]
    augmentation: Option<f64>,
    /// Shift by so many pixels at most
    #[arg(long, value_name = "PX")]
    shift: Option<f64>,
    /// Rotate by so many degrees at most
    #[arg(long, value_name = "DEG")]
    rotate: Option<f64>,
    /// Scale by that share at most: 0.1 is 0.9 to 1.1
    #[arg(long, value_name = "SHARE")]
    scale: Option<f64>,
    /// Shear by so many degrees at most
    #[arg(long, value_name = "DEG")]
    shear: Option<f64>,
    /// Bend by so many pixels in the mean
    #[arg(long, value_name = "PX")]
    elastic: Option<f64>,
    /// Make signals louder or softer by that share at most: 0.1 is 0.9 to 1.1
    #[arg(long, value_name = "SHARE")]
    gain: Option<f64>,
    /// Add noise to signals, of so many levels of 256 at most
    #[arg(long, value_name = "LEVELS")]
    noise: Option<f64>,
    /// Hide so many moments at most
    #[arg(long, value_name = "N")]
    time_mask: Option<u32>,
    /// Hide so many bands of a spectrogram at most
    #[arg(long, value_name = "N")]
    frequency_mask: Option<u32>,
}

/// A network that is larger and trained already, on the same data: from its answers a
/// small one learns how alike the classes are, which labels do not tell.
#[derive(Args)]
#[command(next_help_heading = "Teacher")]
struct TeacherArguments {
    /// The Rust file that declares it; its weights are where the declaration has them
    #[arg(long, value_name = "FILE")]
    teacher: Option<PathBuf>,
    /// Its name, where the file declares several
    #[arg(long, value_name = "NAME", requires = "teacher")]
    teacher_network: Option<String>,
    /// Features of its package that are on
    #[arg(
        long,
        value_name = "FEATURES",
        value_delimiter = ',',
        requires = "teacher"
    )]
    teacher_features: Vec<String>,
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

/// What a shell gives whoever an interrupt has ended.
const INTERRUPTED: i32 = 130;

/// Fails, having said why, where the declaration is wrong or over its budget, before the
/// training or with the weights that it gave.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let found = arguments.which.find()?;
    let Some((ast, declaration)) = found.parse() else {
        return Ok(ExitCode::FAILURE);
    };
    // Whatever the weights file is now, it is written anew.
    let mut errors = Diagnostics::new();
    ast.report(&Planned::of(&declaration, None).problems, &mut errors);
    found.print(&errors);
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
    };
    let data = Data::open(options, network, arguments.seed.unwrap_or(Recipe::SEED))
        .map_err(|error| problems.push(format!("{error:#}")));
    // What of a recipe is wrong does not depend on the data.
    let shape = Intake::of(network).input();
    let (kind, counts) = match &data {
        Ok(data) => (data.kind, data.counts()),
        Err(()) => (InputKind::Image, Vec::new()),
    };
    let recipe = recipe(arguments, shape, kind, &counts);
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
             {}): train it anew on these data",
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
        data,
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
    }
}

impl AugmentationArguments {
    fn changes(&self, shape: InputShape, kind: InputKind) -> Augmentation {
        if self.no_augmentation {
            return Augmentation::none();
        }
        let share = self.augmentation.unwrap_or(Recipe::AUGMENTATION_SHARE);
        let defaults = share_of_augmentation(shape, kind, share);
        let elastic = match (self.elastic, defaults.elastic) {
            (None, elastic) => elastic,
            (Some(0.0), _) => None,
            (Some(alpha_pixels), elastic) => Some(Elastic {
                alpha_pixels,
                // A series has none of its own: a wave about as long as a sixth of it.
                sigma_pixels: elastic
                    .map_or(f64::from(shape.width) / 6.0, |it| it.sigma_pixels)
                    .max(1.0),
            }),
        };
        Augmentation {
            shift_pixels: self.shift.unwrap_or(defaults.shift_pixels),
            rotate_degrees: self.rotate.unwrap_or(defaults.rotate_degrees),
            scale: self.scale.unwrap_or(defaults.scale),
            shear_degrees: self.shear.unwrap_or(defaults.shear_degrees),
            elastic,
            repeats_edges: defaults.repeats_edges,
            gain: self.gain.unwrap_or(defaults.gain),
            noise_levels: self.noise.unwrap_or(defaults.noise_levels),
            time_mask: self.time_mask.unwrap_or(defaults.time_mask),
            frequency_mask: self.frequency_mask.unwrap_or(defaults.frequency_mask),
        }
    }
}

impl TeacherArguments {
    /// Reads the teacher of `student`, if there is one, and how its inputs were scaled.
    fn load(&self, student: &Network, device: &Device) -> Result<Option<(Teacher, Normalisation)>> {
        let Some(file) = &self.teacher else {
            return Ok(None);
        };
        let which = Which {
            file: file.clone(),
            network: self.teacher_network.clone(),
            features: self.teacher_features.clone(),
            no_default_features: false,
        };
        let found = which.find().context("the teacher")?;
        let Some((ast, declaration)) = found.parse() else {
            bail!("the declaration of the teacher is wrong");
        };
        let path = found.weights_file(&ast).with_context(|| {
            format!(
                "the teacher in {} names no file for its weights: add `weights: \"FILE\"`",
                file.display()
            )
        })??;
        let bytes = fs::read(&path).with_context(|| {
            format!(
                "cannot read the teacher's weights {}: train it first",
                path.display()
            )
        })?;
        let context = || format!("the teacher in {}", file.display());
        let network = &declaration.network;
        let teacher = Teacher::new(network, &bytes, student, device).with_context(context)?;
        let trained = Trained::new(network, &bytes).with_context(context)?;
        Ok(Some((teacher, trained.normalisation)))
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

/// The command line, but for what the recipe and the data's options say.
fn command(arguments: &Arguments) -> String {
    let Which {
        file,
        network,
        features,
        no_default_features,
    } = &arguments.which;
    let mut words = vec![quoted(&file.display().to_string())];
    let mut option = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            words.extend([name.to_owned(), quoted(&value)]);
        }
    };
    option("--network", network.clone());
    option("--features", list(features));
    option("--data", Some(arguments.data.display().to_string()));
    let TeacherArguments {
        teacher,
        teacher_network,
        teacher_features,
    } = &arguments.teacher;
    let teacher = teacher.as_ref();
    option("--teacher", teacher.map(|it| it.display().to_string()));
    option("--teacher-network", teacher_network.clone());
    option("--teacher-features", list(teacher_features));
    let out = arguments.out.as_ref();
    option("--out", out.map(|it| it.display().to_string()));
    if arguments.device != Processor::Flex {
        let name = arguments.device.to_possible_value();
        option("--device", name.map(|it| it.get_name().to_owned()));
    }
    if *no_default_features {
        words.push("--no-default-features".to_owned());
    }
    format!("cargo herringbone train {}", words.join(" "))
}

/// Features as an option's value, if there are any.
fn list(features: &[String]) -> Option<String> {
    Some(features.join(",")).filter(|list| !list.is_empty())
}

/// A word as a POSIX shell takes it.
fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "/._-=,:+@%".contains(letter);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

fn summarise(session: &Session, finished: &Finished) {
    say("");
    if !finished.is_complete {
        say(&format!(
            "stopped after epoch {} of {}: go on by the same command and --resume",
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
