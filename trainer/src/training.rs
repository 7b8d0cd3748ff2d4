//! The training of a network: first in floating point, then with the integers that
//! it will run with.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use herringbone_compiler::network::Network;
use herringbone_dataset::{Examples, Purpose, Rng};

use crate::EXAMPLES;
use crate::arithmetic::Arithmetic;
use crate::batches::Batches;
use crate::calibrate::{self, calibrate};
use crate::evaluate::{Results, evaluate};
use crate::model::Model;
use crate::normalise;
use crate::own::Own;
use crate::pictures::EpochRecord;
use crate::prototypes;
use crate::quantise::Scales;
pub use crate::recipe::{Phase, Recipe, ScaleSearch, Schedule};
use crate::sparse::{self, Pruning};
use crate::standard::Standards;
use crate::steps::average;
use crate::teacher::{Lessons, Teacher};

/// More than that an example does not count, however few there are of its class.
const MOST_WEIGHT: f32 = 20.0;

/// A network in training.
pub struct Training<'a> {
    network: &'a Network,
    recipe: &'a Recipe,
    batches: Batches<'a>,
    validation: &'a Examples,
    lessons: Option<Lessons<'a>>,
    /// What an example of each class counts, where they count differently.
    class_weights: Option<Vec<f32>>,
    /// What inputs are standardised by in floating point, where sums are normalised.
    standards: Standards,
    device: Device,
    state: State,
}

/// What of a training goes on from epoch to epoch.
pub struct State {
    /// The next epoch.
    pub epoch: u32,
    /// The weights that steps change.
    pub model: Model,
    /// Their running mean, which is what is validated and exported.
    pub mean: Vec<(Vec<f32>, Vec<f32>)>,
    /// The scales, once there are some.
    pub scales: Option<Scales>,
    /// What steps know of those before.
    pub optimizer: ModuleOptimizer,
    /// What every epoch gave.
    pub records: Vec<EpochRecord>,
    /// The best of the epochs with integers.
    pub best: Option<Best>,
}

impl State {
    /// Whether a training by that recipe ends here: all epochs are done, or as many without
    /// a better one as its patience allows, of those whose scales stay.
    pub fn is_done(&self, recipe: &Recipe) -> bool {
        let is_impatient = recipe.patience.is_some_and(|patience| {
            let name = Phase::Quantised.name();
            let fixed = self.records.iter().filter(|it| it.phase == name).count();
            let since = self.best.as_ref().map_or(0, |best| self.epoch - best.epoch);
            since.min(fixed as u32) >= patience
        });
        self.epoch >= recipe.epochs || is_impatient
    }
}

/// The weights of the best epoch.
#[derive(Clone, Debug)]
pub struct Best {
    /// Which one.
    pub epoch: u32,
    /// The share of the validation examples that it classifies rightly.
    pub accuracy: f64,
    /// What it was chosen by: that share, or, where classes are balanced, the mean of theirs.
    pub score: f64,
    /// The loss of the validation examples.
    pub loss: f64,
    /// Its weights and biases.
    pub numbers: Vec<(Vec<f32>, Vec<f32>)>,
    /// Their scales.
    pub scales: Scales,
}

/// Whether an epoch came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It did.
    Done,
    /// It was stopped, and is as if it had not begun.
    Stopped,
}

impl<'a> Training<'a> {
    /// Begins a training.
    pub fn new(
        network: &'a Network,
        recipe: &'a Recipe,
        examples: &'a Examples,
        validation: &'a Examples,
        device: Device,
    ) -> Self {
        let mut random = Rng::new(Purpose::Weights, recipe.seed, 0, 0);
        let mut model = Model::new(network, &mut random, &device);
        if model.own.iter().any(Own::is_prototypes) {
            model = prototypes::placed(network, &model, recipe, examples, &mut random, &device);
        }
        let state = State {
            epoch: 0,
            mean: model.numbers(),
            model,
            scales: None,
            optimizer: optimizer(),
            records: Vec::new(),
            best: None,
        };
        Self::from_state(network, recipe, examples, validation, state, device)
    }

    /// Goes on with a training.
    pub fn from_state(
        network: &'a Network,
        recipe: &'a Recipe,
        examples: &'a Examples,
        validation: &'a Examples,
        state: State,
        device: Device,
    ) -> Self {
        Self {
            network,
            recipe,
            batches: Batches::new(network, recipe, examples),
            validation,
            lessons: None,
            class_weights: recipe
                .balances_classes
                .then(|| class_weights(&examples.counts(network.output().values() as usize))),
            standards: Standards::of(network, examples),
            device,
            state,
        }
    }

    /// Learns from that teacher's answers too.
    pub fn taught_by(mut self, teacher: &'a Teacher) -> Self {
        let (examples, device) = (self.batches.examples(), self.device.clone().inner());
        self.lessons = Some(Lessons::new(
            teacher,
            self.recipe,
            examples,
            self.validation,
            device,
        ));
        self
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether all epochs are done, or more than patience allows since the best one.
    pub fn is_done(&self) -> bool {
        self.state.is_done(self.recipe)
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> usize {
        match self.recipe.schedule {
            Schedule::Phases => (self.batches.examples().len() / self.recipe.batch).max(1),
            Schedule::Rounds { steps } => steps as usize,
        }
    }

    /// The examples of an epoch, as often as it takes, each time in another order.
    fn order(&self, epoch: u32) -> Vec<usize> {
        let needed = match self.recipe.schedule {
            Schedule::Phases => 1,
            Schedule::Rounds { steps } => steps as usize * self.recipe.batch,
        };
        let mut order = Vec::new();
        for pass in 0.. {
            let mut all: Vec<usize> = (0..self.batches.examples().len()).collect();
            Rng::new(Purpose::Order, self.recipe.seed, epoch, pass).shuffle(&mut all);
            order.extend(all);
            if order.len() >= needed {
                break;
            }
        }
        order
    }

    /// Runs an epoch, unless `stop` is set. `step` is called after each step.
    pub fn epoch(&mut self, stop: &AtomicBool, mut step: impl FnMut()) -> Outcome {
        let State { epoch, .. } = self.state;
        let phase = self.recipe.phase(epoch);
        self.begin(phase);
        let mut changes = epoch;
        if let Some(lessons) = &mut self.lessons {
            changes = lessons.epoch_of_changes(epoch);
            if lessons.prepare(changes, stop) == Outcome::Stopped {
                return Outcome::Stopped;
            }
        }
        let order = self.order(epoch);
        let mut dropout = Rng::new(Purpose::Dropout, self.recipe.seed, epoch, 0);
        let steps = self.steps();
        let is_sparse = sparse::is_sparse(self.network, &self.state.model, self.recipe.sparsity);
        let (mut model, mut optimizer) = (self.state.model.clone(), self.state.optimizer.clone());
        let (mut mean, mut scales) = (self.state.mean.clone(), self.state.scales.clone());
        let (mut loss, mut accuracy, mut seen) = (0.0, 0.0, 0.0);
        let integer_rate = self.recipe.integer_rate(self.network.bits(), steps);
        for (index, batch) in order.chunks(self.recipe.batch).take(steps).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Outcome::Stopped;
            }
            let rate = self
                .recipe
                .learning_rate(epoch, index as f64 / steps as f64, integer_rate);
            // Whole blocks: what fills the last one would be trained on.
            let batch = &batch[..batch.len() / EXAMPLES * EXAMPLES];
            let labels = self.batches.labels(batch);
            let share = self
                .recipe
                .share_of_integers(epoch, index as f64 / steps as f64);
            let arithmetic = match (phase, &scales) {
                (Phase::Float, _) if self.recipe.normalises => {
                    Arithmetic::Normalised(&self.standards)
                }
                (Phase::Entering, Some(scales)) => Arithmetic::Between(scales, share),
                (_, scales) => Arithmetic::of(scales.as_ref()),
            };
            model.sharpness = self.recipe.sharpness(epoch, index as f64 / steps as f64);
            let (results, gradients) =
                self.learn(&model, arithmetic, batch, &labels, changes, &mut dropout);
            let before = model.clone();
            model = optimizer.step(rate, model, gradients);
            if let (ScaleSearch::Learned, Some(scales)) = (self.recipe.scales, &scales) {
                model.shorten_step(&before, self.network.bits(), scales);
            }
            if let (Phase::Calibrating | Phase::Quantised, Some(scales)) = (phase, &scales) {
                let bits = self.network.bits();
                let share = self.recipe.pull(bits, epoch, index as f64 / steps as f64);
                model.pull_to_integers(bits, scales, share);
            }
            model.clip_mixes();
            if is_sparse {
                let step = epoch as usize * steps + index;
                let [first, last] = self.recipe.pruning(steps);
                let pruning = Pruning::of_step(step, first, last);
                model.prune(self.network, &before, pruning, self.recipe.sparsity);
            }
            scales = scales
                .map(|former| calibrate::learned(self.network, &model, &former).unwrap_or(former));
            let examples = batch.len() as f64;
            loss += examples * results.loss(&labels);
            accuracy += examples * results.accuracy(&labels);
            seen += examples;
            let share = self.recipe.share_of_step(epoch, index, steps);
            average(&mut mean, &model, share);
            step();
        }
        if let (Phase::Calibrating | Phase::Quantised, Some(scales)) = (phase, &scales) {
            model.clip_weights(self.network.bits(), scales);
        }
        self.state.model = model;
        self.state.scales = scales;
        self.state.optimizer = optimizer;
        self.state.mean = mean;
        self.validate(phase, loss / seen, accuracy / seen);
        self.state.epoch += 1;
        Outcome::Done
    }

    /// Gets ready for an epoch of that phase. Twice is as good as once.
    fn begin(&mut self, phase: Phase) {
        match phase {
            Phase::Float => return,
            Phase::Entering | Phase::Calibrating | Phase::Quantised => {}
        }
        let is_first = self.state.scales.is_none();
        let learns = self.recipe.scales == ScaleSearch::Learned;
        if is_first && (learns || self.recipe.normalises) {
            // From now on the weights compute without normalising.
            let mean = self.mean_model(true).numbers();
            self.state.model = Model::of_numbers(self.network, mean.iter().cloned(), &self.device);
            self.state.mean = mean;
            self.state.optimizer = optimizer();
        }
        match phase {
            Phase::Float => {}
            Phase::Entering | Phase::Calibrating if learns && is_first => {
                let scales = self.calibrated();
                let exponents = calibrate::exponents(&scales);
                self.state
                    .model
                    .set_exponents(Some(&exponents), &self.device);
                self.state.scales = Some(scales);
            }
            Phase::Entering | Phase::Calibrating if learns => {}
            Phase::Entering | Phase::Calibrating => self.state.scales = Some(self.calibrated()),
            Phase::Quantised => {
                if is_first {
                    self.state.scales = Some(self.calibrated());
                }
                self.state.model.set_exponents(None, &self.device);
            }
        }
    }

    /// Scales of the mean of the weights.
    fn calibrated(&self) -> Scales {
        let model = self.mean_model(false);
        let device = self.device.clone().inner();
        let (search, former) = (self.recipe.scales, self.state.scales.as_ref());
        let sample = self.sample(calibrate::SAMPLE);
        calibrate(self.network, &model, search, former, &sample, &device)
    }

    /// Some of the examples, the same each time.
    fn sample(&self, count: usize) -> Examples {
        let examples = self.batches.examples();
        let mut order: Vec<usize> = (0..examples.len()).collect();
        Rng::new(Purpose::Order, self.recipe.seed, u32::MAX, 0).shuffle(&mut order);
        order.truncate(count);
        examples.select(&order)
    }

    /// The mean of the weights; where the training normalises, with that folded into it, if
    /// `is_normalised`.
    fn mean_model(&self, is_normalised: bool) -> Model {
        let device = self.device.clone().inner();
        let model = Model::of_numbers(self.network, self.state.mean.iter().cloned(), &device);
        if !(is_normalised && self.recipe.normalises) {
            return model;
        }
        let sample = self.sample(normalise::SAMPLE);
        normalise::fold(self.network, &model, &self.standards, &sample, &device)
    }

    /// What the model makes of a batch, whose examples are changed as in the epoch
    /// `changes`, and how its weights should change.
    fn learn(
        &self,
        model: &Model,
        arithmetic: Arithmetic,
        batch: &[usize],
        labels: &[u16],
        changes: u32,
        dropout: &mut Rng,
    ) -> (Results, GradientsParams) {
        let maps = self.batches.maps(batch, changes, &self.device);
        let labels: Vec<i32> = labels.iter().copied().map(i32::from).collect();
        let targets = TensorData::new(labels, [batch.len()]);
        let targets = Tensor::<1, Int>::from_data(targets, &self.device);
        let logits = model.forward(self.network, arithmetic, maps, Some(dropout));
        let mut loss = CrossEntropyLossConfig::new()
            .with_weights(self.class_weights.clone())
            .init(&self.device)
            .forward(logits.clone(), targets);
        if let Some(lessons) = &self.lessons {
            loss = lessons.loss(loss, logits.clone(), batch, changes);
        }
        let gradients = GradientsParams::from_grads(loss.backward(), model);
        (Results::of_tensor(logits.inner()), gradients)
    }

    fn validate(&mut self, phase: Phase, training_loss: f64, training_accuracy: f64) {
        let device = self.device.clone().inner();
        let model = self.mean_model(phase == Phase::Float);
        let scales = self.state.scales.as_ref();
        let results = evaluate(self.network, &model, scales, self.validation, &device);
        let labels = &self.validation.labels;
        let (accuracy, loss) = (results.accuracy(labels), results.loss(labels));
        self.state.records.push(EpochRecord {
            epoch: self.state.epoch + 1,
            phase: phase.name().into(),
            training_loss,
            training_accuracy,
            validation_loss: loss,
            validation_accuracy: accuracy,
        });
        let score = match self.recipe.balances_classes {
            true => results.balanced_accuracy(labels),
            false => accuracy,
        };
        let best = self.state.best.as_ref();
        let is_better =
            best.is_none_or(|best| score > best.score || score == best.score && loss < best.loss);
        if let (true, Some(scales)) = (is_better, scales) {
            self.state.best = Some(Best {
                epoch: self.state.epoch + 1,
                accuracy,
                score,
                loss,
                numbers: self.state.mean.clone(),
                scales: scales.clone(),
            });
        }
    }
}

/// Adam (Kingma & Ba 2015), with its usual means.
pub fn optimizer() -> ModuleOptimizer {
    AdamConfig::new().init()
}

/// What an example of each class counts, so that all classes count as much as every other, and
/// all examples together as they do without. A class of a handful does not count more than
/// [`MOST_WEIGHT`] for each.
fn class_weights(counts: &[u64]) -> Vec<f32> {
    let all: u64 = counts.iter().sum();
    let there = counts.iter().filter(|&&it| it > 0).count().max(1);
    let share = all as f32 / there as f32;
    let weight = |&count: &u64| (share / count.max(1) as f32).min(MOST_WEIGHT);
    counts.iter().map(weight).collect()
}
