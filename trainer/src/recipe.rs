//! How a network is trained, and the defaults.

use herringbone_dataset::augment::{Augmentation, InputKind};
use herringbone_dataset::{InputShape, Problems, survey};
use serde::{Deserialize, Serialize};

use crate::EXAMPLES;

/// How a network is trained.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Epochs of all phases: 1 to 65,535.
    pub epochs: u32,
    /// What all that is drawn is drawn by.
    pub seed: u64,
    /// Examples of a step: a multiple of [`EXAMPLES`].
    pub batch: usize,
    /// The largest step width, which falls to 0 by half a cosine in floating point, and
    /// again with integers. Above 0.
    pub learning_rate: f64,
    /// How examples are changed from epoch to epoch.
    pub augmentation: Augmentation,
    /// Whether every class counts as much as every other, however many examples it has.
    pub balances_classes: bool,
}

/// What a training does in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It computes in floating point.
    Float,
    /// It computes with integers, whose scales are found again in each epoch.
    Calibrating,
    /// It computes with integers of scales that stay.
    Quantised,
}

impl Phase {
    /// What people are shown.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Float => "floating point",
            Phase::Calibrating => "quantised, scales free",
            Phase::Quantised => "quantised, scales fixed",
        }
    }
}

/// Epochs are counted in 16 bits where weights are averaged.
const MOST_EPOCHS: u32 = 65_535;

/// That share of the changes that a large network would take, of inputs of that shape.
pub fn share_of_augmentation(shape: InputShape, kind: InputKind, share: f64) -> Augmentation {
    Augmentation::default_for(shape, kind).scaled(share)
}

impl Recipe {
    /// The default for that many examples of each class: steps are counted,
    /// not epochs. Few examples are seen more often, in smaller batches, for as many steps as a
    /// small network takes to learn them.
    pub fn default_for(shape: InputShape, kind: InputKind, examples_by_class: &[u64]) -> Self {
        let examples = examples_by_class.iter().sum::<u64>() as usize;
        let batch = Self::default_batch(examples);
        Self {
            epochs: Self::default_epochs(examples, batch),
            seed: Self::SEED,
            batch,
            learning_rate: 0.01,
            augmentation: share_of_augmentation(shape, kind, Self::AUGMENTATION_SHARE),
            balances_classes: survey::are_unequal(examples_by_class),
        }
    }

    /// Examples of a step by default: 128 of many, and of few as many that an epoch has
    /// some steps.
    pub fn default_batch(examples: usize) -> usize {
        match examples {
            0..2000 => 32,
            2000..8000 => 64,
            _ => 128,
        }
    }

    /// Epochs of that many examples by default: 60, or as many as [`Self::LEAST_STEPS`] take.
    pub fn default_epochs(examples: usize, batch: usize) -> u32 {
        let steps = (examples / batch.max(1)).max(1);
        let epochs = Self::LEAST_STEPS.div_ceil(steps).max(60);
        u32::try_from(epochs)
            .unwrap_or(MOST_EPOCHS)
            .min(MOST_EPOCHS)
    }

    /// The default seed of every random draw.
    pub const SEED: u64 = 1;

    /// Steps that a training has by default, whatever its examples are.
    pub const LEAST_STEPS: usize = 8000;

    /// How much is augmented by default, of what a large network would take: one
    /// as small as these does not learn to make up for all of it.
    pub const AUGMENTATION_SHARE: f64 = 0.3;

    /// The share of that many examples that validates by default: a twelfth, which are
    /// 5,000 of the 60,000 images of MNIST, or more of few examples, a quarter at most: by a dozen
    /// of them epochs could not be distinguished.
    pub fn validation_share(examples: usize) -> f64 {
        const WANTED: f64 = 150.0;
        (WANTED / examples.max(1) as f64).clamp(1.0 / 12.0, 0.25)
    }

    /// Everything that is out of its range, in words.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        if !(1..=MOST_EPOCHS).contains(&self.epochs) {
            problems.push(format!(
                "{} epochs: expected 1 to {MOST_EPOCHS}",
                self.epochs
            ));
        }
        if self.batch == 0 || !self.batch.is_multiple_of(EXAMPLES) {
            let below = self.batch / EXAMPLES * EXAMPLES;
            problems.push(format!(
                "a batch of {} examples: it must be a multiple of {EXAMPLES}, such as {}",
                self.batch,
                below.max(EXAMPLES)
            ));
        }
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            problems.push(format!(
                "a learning rate of {}: it must be above 0",
                self.learning_rate
            ));
        }
        let augmentation = self.augmentation.check();
        problems.extend(
            augmentation
                .err()
                .iter()
                .flat_map(Problems::messages)
                .cloned(),
        );
        problems
    }

    /// Each option of the command line with its value (empty where it has none), so
    /// that together they give this recipe.
    pub fn options(&self) -> Vec<(&'static str, String)> {
        let mut options = vec![
            ("--epochs", self.epochs.to_string()),
            ("--seed", self.seed.to_string()),
            ("--batch-size", self.batch.to_string()),
            ("--learning-rate", self.learning_rate.to_string()),
            (
                "--balance",
                if self.balances_classes { "on" } else { "off" }.to_owned(),
            ),
        ];
        let augmentation = &self.augmentation;
        if augmentation.is_none() {
            options.push(("--no-augmentation", String::new()));
            return options;
        }
        let elastic = augmentation.elastic.map_or(0.0, |it| it.alpha_pixels);
        options.extend([
            ("--shift", augmentation.shift_pixels.to_string()),
            ("--rotate", augmentation.rotate_degrees.to_string()),
            ("--scale", augmentation.scale.to_string()),
            ("--shear", augmentation.shear_degrees.to_string()),
            ("--elastic", elastic.to_string()),
        ]);
        // What images have none of is not reported of them.
        if augmentation.repeats_edges {
            options.extend([
                ("--gain", augmentation.gain.to_string()),
                ("--noise", augmentation.noise_levels.to_string()),
                ("--time-mask", augmentation.time_mask.to_string()),
                ("--frequency-mask", augmentation.frequency_mask.to_string()),
            ]);
        }
        options
    }

    /// Epochs in floating point, and after how many scales stay.
    fn phases(&self) -> (u32, u32) {
        let float = (self.epochs / 4).max(1).min(self.epochs / 2);
        let quantised = self.epochs - float;
        (float, float + (quantised / 10).max(1))
    }

    /// What is done in an epoch, counted from 0.
    pub fn phase(&self, epoch: u32) -> Phase {
        let (float, calibrating) = self.phases();
        if epoch < float {
            Phase::Float
        } else if epoch < calibrating {
            Phase::Calibrating
        } else {
            Phase::Quantised
        }
    }

    /// The learning rate after that part of the epoch, 0 to 1 (Loshchilov & Hutter 2017,
    /// equation 5: a cosine for floating point, and one for integers).
    pub(crate) fn learning_rate(&self, epoch: u32, after: f64) -> f64 {
        let (float, _) = self.phases();
        let (first, last) = if epoch < float {
            (0, float)
        } else {
            (float, self.epochs)
        };
        let done = (f64::from(epoch - first) + after) / f64::from(last - first);
        // Steps grow at first, until Adam's means are of some use.
        let warm = (f64::from(epoch) + after).min(1.0);
        self.learning_rate * warm * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
    }
}
