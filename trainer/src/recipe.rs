//! How a network is trained, and the defaults.

use herringbone_compiler::network::Bits;
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
    /// The same with integers, times that, above 0; `None` for what suits the bits and how
    /// many steps there are.
    pub integer_rate: Option<f64>,
    /// How examples are changed from epoch to epoch.
    pub augmentation: Augmentation,
    /// Whether every class counts as much as every other, however many examples it has.
    pub balances_classes: bool,
    /// Whether floating point normalises sums over each batch, which is folded into weights
    /// and biases before the integers are entered.
    pub normalises: bool,
    /// How the powers of two of the integers are found.
    pub scales: ScaleSearch,
    /// Epochs with integers that may follow the best one before a training ends early: 1 or
    /// more.
    pub patience: Option<u32>,
    /// The share of all weights that become 0, gradually, in the second third of floating point, of
    /// each layer as many as it can do without: from 0 to below 1. Layers whose declaration says
    /// more have that.
    pub sparsity: f64,
    /// What epochs are.
    pub schedule: Schedule,
}

/// What the epochs of a training are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Schedule {
    /// Each is a pass over the examples. Phases and rates depend on how many there are.
    #[default]
    Phases,
    /// Each is a round of that many steps in floating point, at a constant rate, half the recipe's. A
    /// training of more rounds begins like one of fewer: what a search compares.
    Rounds {
        /// Steps of each.
        steps: u32,
    },
}

/// How the powers of two that integers stand for are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScaleSearch {
    /// Found by least squares when integers are entered, then trained by gradient: 2 to an
    /// exponent that is rounded forwards, and straight through backwards.
    Learned,
    /// By least squares, again in each epoch in which they are free. Integers are entered at
    /// once, after a quarter of the epochs.
    LeastSquares,
}

impl ScaleSearch {
    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Learned => "learned",
            Self::LeastSquares => "least-squares",
        }
    }
}

/// What a training does in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Phase {
    /// It computes in floating point.
    Float,
    /// It moves numbers onto the grids of integers step by step.
    Entering,
    /// It computes with integers of scales that are free.
    Calibrating,
    /// It computes with integers of scales that stay.
    Quantised,
}

impl Phase {
    /// What people are shown.
    pub fn name(self) -> &'static str {
        match self {
            Phase::Float => "floating point",
            Phase::Entering => "entering integers",
            Phase::Calibrating => "quantised, scales free",
            Phase::Quantised => "quantised, scales fixed",
        }
    }
}

/// A training of fewer steps is short.
const FEW_STEPS: usize = 4000;

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
            integer_rate: None,
            augmentation: share_of_augmentation(shape, kind, Self::AUGMENTATION_SHARE),
            balances_classes: survey::are_unequal(examples_by_class),
            normalises: true,
            scales: ScaleSearch::Learned,
            patience: None,
            sparsity: 0.0,
            schedule: Schedule::Phases,
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
        if let Some(rate) = self.integer_rate
            && !(rate > 0.0 && rate.is_finite())
        {
            problems.push(format!("an integer rate of {rate}: it must be above 0"));
        }
        if self.patience == Some(0) {
            problems.push("a patience of 0 epochs: it must be 1 or more".to_owned());
        }
        if !(0.0..1.0).contains(&self.sparsity) {
            problems.push(format!(
                "a sparsity of {}: it must be 0 or more, and below 1",
                self.sparsity
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
        if !self.normalises {
            options.push(("--normalise", "off".to_owned()));
        }
        if self.scales != ScaleSearch::Learned {
            options.push(("--scales", self.scales.name().to_owned()));
        }
        if let Some(rate) = self.integer_rate {
            options.push(("--integer-rate", rate.to_string()));
        }
        if let Some(patience) = self.patience {
            options.push(("--patience", patience.to_string()));
        }
        if self.sparsity > 0.0 {
            options.push(("--sparsity", self.sparsity.to_string()));
        }
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
        options.extend([
            (
                "--mirror",
                if augmentation.mirrors { "on" } else { "off" }.to_owned(),
            ),
            ("--crop", augmentation.crop_pixels.to_string()),
            ("--cutout", augmentation.cutout_pixels.to_string()),
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

    /// After how many epochs floating point, entering and free scales end.
    fn ends(&self) -> Ends {
        match self.scales {
            ScaleSearch::Learned => {
                let float = (self.epochs * 2 / 5).max(1).min(self.epochs / 2);
                let entered = float + self.epochs / 10;
                let free = entered + (self.epochs * 3 / 20).max(1);
                Ends {
                    float,
                    entered,
                    free,
                }
            }
            ScaleSearch::LeastSquares => {
                let float = (self.epochs / 4).max(1).min(self.epochs / 2);
                Ends {
                    float,
                    entered: float,
                    free: float + ((self.epochs - float) / 10).max(1),
                }
            }
        }
    }

    /// What is done in an epoch, counted from 0.
    pub fn phase(&self, epoch: u32) -> Phase {
        match self.schedule {
            Schedule::Phases => {}
            Schedule::Rounds { .. } => return Phase::Float,
        }
        let Ends {
            float,
            entered,
            free,
        } = self.ends();
        if epoch < float {
            Phase::Float
        } else if epoch < entered {
            Phase::Entering
        } else if epoch < free {
            Phase::Calibrating
        } else {
            Phase::Quantised
        }
    }

    /// How far numbers are moved onto their grids after that part of an epoch, both 0 to 1.
    pub(crate) fn share_of_integers(&self, epoch: u32, after: f64) -> f32 {
        let Ends { float, entered, .. } = self.ends();
        let epochs = f64::from(entered - float);
        match self.phase(epoch) {
            Phase::Float => 0.0,
            Phase::Entering => ((f64::from(epoch - float) + after) / epochs) as f32,
            Phase::Calibrating | Phase::Quantised => 1.0,
        }
    }

    /// By what share of its distance from the nearest integer a step pulls a weight of that many
    /// bits there, after that part of an epoch: more and more while there are integers throughout,
    /// and most in the end, where few steps lead to another integer.
    pub(crate) fn pull(&self, bits: Bits, epoch: u32, after: f64) -> f32 {
        let most = match bits.weights {
            2 => 0.005,
            // Of more bits, an integer more or less makes no such difference.
            _ => return 0.0,
        };
        let Ends { entered, .. } = self.ends();
        let epochs = f64::from(self.epochs - entered);
        let done = (f64::from(epoch - entered) + after) / epochs;
        (most * (1.0 - (std::f64::consts::PI * done).cos()) / 2.0) as f32
    }

    /// How much of floating point is done after that part of an epoch, 0 to 1.
    pub(crate) fn share_of_float(&self, epoch: u32, after: f64) -> f64 {
        let Ends { float, .. } = self.ends();
        ((f64::from(epoch) + after) / f64::from(float.max(1))).min(1.0)
    }

    /// The steps in which the least weights of sparse layers are made 0, the first and the one
    /// after the last, of epochs of that many steps: those of the middle third of floating
    /// point, or of the first round.
    pub(crate) fn pruning(&self, steps: usize) -> [usize; 2] {
        let all = match self.schedule {
            Schedule::Phases => self.ends().float.max(1) as usize * steps,
            // The first comparison is of what is pruned already.
            Schedule::Rounds { steps } => steps as usize,
        };
        [all / 3, (2 * all / 3).max(all / 3 + 1)]
    }

    /// How sharply the branches of trees part after that part of an epoch, by the mean
    /// distance of examples from them; `None` where each example takes one path: with
    /// integers (Kumar et al. 2017, section 4, have a tenth at first, and a hundred in the
    /// end).
    pub(crate) fn sharpness(&self, epoch: u32, after: f64) -> Option<f32> {
        match self.phase(epoch) {
            Phase::Float => {
                let done = match self.schedule {
                    Schedule::Phases => self.share_of_float(epoch, after),
                    Schedule::Rounds { .. } => 0.5,
                };
                Some((0.1 * (10.0 * done).exp2()) as f32)
            }
            Phase::Entering | Phase::Calibrating | Phase::Quantised => None,
        }
    }

    /// How long steps with integers are, times those in floating point, of weights with that many
    /// bits and epochs of that many steps. Where floating point ends, its steps are short, and long
    /// ones right after them would lose some of what it had learnt; few steps are over before that is
    /// made up for. Weights of 2 bits have far to go from one integer to the next.
    pub(crate) fn integer_rate(&self, bits: Bits, steps: usize) -> f64 {
        let is_short = self.epochs as usize * steps < FEW_STEPS;
        self.integer_rate
            .unwrap_or(match (self.scales, bits.weights, is_short) {
                (ScaleSearch::LeastSquares, ..) => 1.0,
                (ScaleSearch::Learned, 2, true) => 3.0,
                (ScaleSearch::Learned, 2, false) | (ScaleSearch::Learned, _, true) => 1.0,
                (ScaleSearch::Learned, _, false) => 0.5,
            })
    }

    /// The learning rate after that part of the epoch, 0 to 1 (Loshchilov & Hutter 2017,
    /// equation 5: a cosine for floating point, and another one for integers).
    pub(crate) fn learning_rate(&self, epoch: u32, after: f64, integer_rate: f64) -> f64 {
        match self.schedule {
            Schedule::Phases => {}
            Schedule::Rounds { steps } => {
                let done = (f64::from(epoch) + after) * f64::from(steps);
                return self.learning_rate / 2.0 * (done / Self::WARM_STEPS).min(1.0);
            }
        }
        let (first, last) = self.part(epoch);
        let since = f64::from(epoch - first) + after;
        let epochs = f64::from(last - first);
        let warm = match self.scales {
            ScaleSearch::Learned => since / (Self::WARM * epochs).min(1.0),
            ScaleSearch::LeastSquares => f64::from(epoch) + after,
        };
        // Steps grow at first, until Adam's means are of some use.
        let warm = warm.min(1.0);
        let done = since / epochs;
        let longest = match self.phase(epoch) {
            Phase::Float => self.learning_rate,
            Phase::Entering | Phase::Calibrating | Phase::Quantised => {
                self.learning_rate * integer_rate
            }
        };
        longest * warm * (1.0 + (std::f64::consts::PI * done).cos()) / 2.0
    }

    /// The epochs of the part that an epoch is of, floating point or integers: the first one,
    /// and the first one after it.
    fn part(&self, epoch: u32) -> (u32, u32) {
        let Ends { float, .. } = self.ends();
        match self.phase(epoch) {
            Phase::Float => (0, float),
            Phase::Entering | Phase::Calibrating | Phase::Quantised => (float, self.epochs),
        }
    }

    /// How much of a step's weights goes into their running mean, in an epoch of that many steps.
    pub(crate) fn share_of_step(&self, epoch: u32, step: usize, steps: usize) -> f32 {
        let (first, least) = match (self.schedule, self.scales) {
            (Schedule::Rounds { .. }, _) => (0, Self::OUT_OF_MEAN),
            (Schedule::Phases, ScaleSearch::Learned) => (self.part(epoch).0, Self::OUT_OF_MEAN),
            (Schedule::Phases, ScaleSearch::LeastSquares) => (0, 1.0),
        };
        let since = f32::from(u16::try_from(epoch - first).unwrap_or(u16::MAX)) * steps as f32;
        SHARE_OF_STEP.max(least / (least + since + step as f32))
    }

    /// The share of a part's epochs in which steps grow: an epoch at most.
    const WARM: f64 = 0.1;

    /// Steps of rounds that grow.
    const WARM_STEPS: f64 = 50.0;

    /// Of few steps, the running mean is that of the last tenth (Shamir & Zhang 2013:
    /// later ones count more).
    const OUT_OF_MEAN: f32 = 10.0;
}

/// How much of a step's weights goes into their running mean at least (Izmailov et al. 2018
/// average weights too; the mean forgets what is 500 steps ago).
const SHARE_OF_STEP: f32 = 0.002;

/// The epoch, counted from 0, before which each phase ends.
struct Ends {
    float: u32,
    entered: u32,
    free: u32,
}
