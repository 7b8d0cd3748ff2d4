//! Seconds that an epoch of quantisation-aware training takes, for comparison with
//! `pytorch_epoch.py`, which does the same.
//!
//! The published network, `[28, 28, 1] => < A, C1(5,3), C1(8,3), C1(11,3), M, Dr, D*(10) >`,
//! on 60,000 MNIST images, on the CPU with two threads: batches of 256 (what is left
//! over for a last one, 96 images, is not trained on), Adam, cross entropy, weights and
//! activations of 4 bits, biases of 16, power-of-two scales. First comes an epoch in
//! floating point, which warms up; three quantised epochs are measured, of which the
//! first begins with finding the scales.
//!
//! ```text
//! cargo bench -p herringbone-trainer --bench epoch [-- ../shared/mnist [--json]]
//! ```

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};
use burn::tensor::Device;
use herringbone_dataset::augment::Augmentation;
use herringbone_dataset::{Examples, Expected, Normalisation, Options, Part, Source};
use herringbone_tests::published;
use herringbone_trainer::intake::Intake;
use herringbone_trainer::training::{Phase, Recipe, ScaleSearch, Schedule, Training};
use mimalloc::MiMalloc;

/// That of `cargo herringbone`, whose epochs these are.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

const IMAGES: usize = 60_000;
const THREADS: usize = 2;
/// The first in floating point.
const EPOCHS: u32 = 4;

fn main() -> Result<()> {
    // cargo adds one of its own.
    let arguments = std::env::args().skip(1).filter(|it| it != "--bench");
    let (options, folders): (Vec<_>, Vec<_>) = arguments.partition(|it| it.starts_with("--"));
    let folder = match (&folders[..], options.iter().all(|it| it == "--json")) {
        ([], true) => "../shared/mnist",
        ([folder], true) => folder,
        _ => {
            let given: Vec<String> = std::env::args().skip(1).collect();
            bail!("needed MNIST's folder and at most --json, got {given:?}");
        }
    };
    // Paths are given from the workspace's root; cargo starts a bench in its package's folder.
    std::env::set_current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))?;
    rayon::ThreadPoolBuilder::new()
        .num_threads(THREADS)
        .build_global()?;

    let network = published::network();
    let shape = Intake::of(&network).input();
    let expected = Expected {
        shape: Some(shape),
        classes: Some(10),
    };
    let source = Source::open(Path::new(folder), expected, &Options::default())?;
    let training = source
        .read(Part::Training)?
        .context("there are no images")?;
    let examples = Normalisation::identity().apply(training);
    ensure!(
        examples.len() == IMAGES,
        "needed {IMAGES} images, got {}",
        examples.len()
    );
    let recipe = Recipe {
        epochs: EPOCHS,
        seed: 0,
        batch: 256,
        learning_rate: 2e-3,
        augmentation: Augmentation::none(),
        balances_classes: false,
        normalises: true,
        scales: ScaleSearch::Learned,
        integer_rate: Some(1.0),
        patience: None,
        sparsity: 0.0,
        schedule: Schedule::Phases,
    };
    let phases: Vec<bool> = (0..EPOCHS)
        .map(|epoch| recipe.phase(epoch) == Phase::Float)
        .collect();
    ensure!(
        phases == [true, false, false, false],
        "needed one epoch in floating point, then three quantised ones"
    );

    let (validation, device) = (Examples::none(shape), Device::flex().autodiff());
    let mut training = Training::new(&network, &recipe, &examples, &validation, device);
    let mut seconds = Vec::new();
    while !training.is_done() {
        let start = Instant::now();
        training.epoch(&AtomicBool::new(false), || {});
        seconds.push(start.elapsed().as_secs_f64());
    }
    let measured = &mut seconds[1..];
    measured.sort_by(f64::total_cmp);
    let median = measured[measured.len() / 2];
    let state = training.state();
    let numbers = state.model.numbers();
    let parameters: usize = numbers.iter().map(|(w, b)| w.len() + b.len()).sum();
    let last = state.records.last().context("an epoch was run")?;
    let loss = last.training_loss;
    if options.is_empty() {
        println!(
            "herringbone, {THREADS} threads: {median:.2} s an epoch of {IMAGES} images \
             ({parameters} parameters), loss {loss:.4}"
        );
    } else {
        let result = serde_json::json!({
            "framework": concat!("herringbone ", env!("CARGO_PKG_VERSION")),
            "threads": THREADS,
            "images": IMAGES,
            "batch": recipe.batch,
            "parameters": parameters,
            "seconds_per_epoch": (median * 1000.0).round() / 1000.0,
            "loss": (loss * 10_000.0).round() / 10_000.0,
        });
        println!("{result}");
    }
    Ok(())
}
