//! The training of a network: first in floating point, then with the integers that
//! it will run with.

use std::sync::atomic::{AtomicBool, Ordering};

use burn::nn::loss::CrossEntropyLossConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Int, Tensor, TensorData};
use herringbone_compiler::network::Network;
use herringbone_dataset::augment::{self, Scratch};
use herringbone_dataset::{Examples, Purpose, Rng};

use crate::calibrate::{self, calibrate};
use crate::evaluate::{evaluate, first_largest};
use crate::intake::Intake;
use crate::model::{Model, floats};
use crate::pictures::EpochRecord;
use crate::quantise::Scales;
pub use crate::recipe::{Phase, Recipe};

/// How much of a step's weights goes into their running mean (Izmailov et al. 2018
/// average weights too; the mean forgets what is 500 steps ago).
const SHARE_OF_STEP: f32 = 0.002;

/// A network in training.
pub struct Training<'a> {
    network: &'a Network,
    recipe: &'a Recipe,
    examples: &'a Examples,
    validation: &'a Examples,
    intake: Intake,
    /// Activations of each example, where they are always the same.
    prepared: Option<Vec<u8>>,
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

/// The weights of the best epoch.
#[derive(Clone, Debug)]
pub struct Best {
    /// Which one.
    pub epoch: u32,
    /// The share of the validation examples that it classifies rightly.
    pub accuracy: f64,
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
    /// It was told to stop, and is as if it had not begun.
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
        let model = Model::new(network, &mut random, &device);
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
        let intake = Intake::of(network);
        let prepared = recipe.augmentation.is_none().then(|| {
            let mut prepared = vec![0; examples.len() * intake.activations()];
            let all = prepared.chunks_exact_mut(intake.activations());
            for (index, activations) in all.enumerate() {
                intake.take(examples.input(index), activations);
            }
            prepared
        });
        Self {
            network,
            recipe,
            examples,
            validation,
            intake,
            prepared,
            device,
            state,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Whether all epochs are done.
    pub fn is_done(&self) -> bool {
        self.state.epoch >= self.recipe.epochs
    }

    /// Steps of an epoch.
    pub fn steps(&self) -> usize {
        (self.examples.len() / self.recipe.batch).max(1)
    }

    /// Runs an epoch, unless `stop` is set. `step` is called behind each step.
    pub fn epoch(&mut self, stop: &AtomicBool, mut step: impl FnMut()) -> Outcome {
        let State { epoch, .. } = self.state;
        let phase = self.recipe.phase(epoch);
        if phase != Phase::Float && (phase == Phase::Calibrating || self.state.scales.is_none()) {
            self.calibrate();
        }
        let mut order: Vec<usize> = (0..self.examples.len()).collect();
        Rng::new(Purpose::Order, self.recipe.seed, epoch, 0).shuffle(&mut order);
        let mut dropout = Rng::new(Purpose::Dropout, self.recipe.seed, epoch, 0);
        let steps = self.steps();
        let (mut model, mut optimizer) = (self.state.model.clone(), self.state.optimizer.clone());
        let mut mean = self.state.mean.clone();
        let (mut loss, mut right, mut seen) = (0.0, 0, 0);
        for (index, batch) in order.chunks(self.recipe.batch).take(steps).enumerate() {
            if stop.load(Ordering::Relaxed) {
                return Outcome::Stopped;
            }
            let rate = self
                .recipe
                .learning_rate(epoch, index as f64 / steps as f64);
            let learnt = self.step(model, &mut optimizer, batch, rate, &mut dropout);
            model = learnt.model;
            loss += learnt.loss * batch.len() as f64;
            right += learnt.right;
            seen += batch.len();
            let behind = f32::from(u16::try_from(epoch).unwrap_or(u16::MAX)) * steps as f32;
            average(&mut mean, &model, behind + index as f32);
            step();
        }
        if let Some(scales) = &self.state.scales {
            model.clip_weights(self.network.bits().weights, scales);
        }
        self.state.model = model;
        self.state.optimizer = optimizer;
        self.state.mean = mean;
        self.validate(phase, loss / seen as f64, right as f64 / seen as f64);
        self.state.epoch += 1;
        Outcome::Done
    }

    /// Finds scales for the mean of the weights.
    fn calibrate(&mut self) {
        let mut order: Vec<usize> = (0..self.examples.len()).collect();
        Rng::new(Purpose::Order, self.recipe.seed, u32::MAX, 0).shuffle(&mut order);
        order.truncate(calibrate::SAMPLE);
        let sample = self.examples.select(&order);
        let model = self.mean_model();
        let device = self.device.clone().inner();
        self.state.scales = Some(calibrate(self.network, &model, &sample, &device));
    }

    fn mean_model(&self) -> Model {
        let device = self.device.clone().inner();
        Model::of_numbers(self.network, self.state.mean.iter().cloned(), &device)
    }

    fn step(
        &self,
        model: Model,
        optimizer: &mut ModuleOptimizer,
        batch: &[usize],
        rate: f64,
        dropout: &mut Rng,
    ) -> Learnt {
        // Whole blocks: what fills the last one would be trained on.
        let batch = &batch[..batch.len() / crate::EXAMPLES * crate::EXAMPLES];
        let epoch = self.state.epoch;
        let scratch = || {
            let augmented = vec![0; self.intake.input().values()];
            (augmented, Scratch::default())
        };
        let maps = self.intake.maps(
            batch.len(),
            &self.device,
            scratch,
            |(augmented, scratch), at, activations| {
                let index = batch[at];
                if let Some(prepared) = &self.prepared {
                    let values = activations.len();
                    activations.copy_from_slice(&prepared[index * values..][..values]);
                    return;
                }
                let input = self.examples.input(index);
                let mut random = augment::rng(self.recipe.seed, epoch, index);
                self.recipe.augmentation.apply(
                    input,
                    self.intake.input(),
                    &mut random,
                    augmented,
                    scratch,
                );
                self.intake.take(augmented, activations);
            },
        );
        let labels: Vec<i32> = batch
            .iter()
            .map(|&index| self.examples.labels[index].into())
            .collect();
        let targets = TensorData::new(labels.clone(), [batch.len()]);
        let targets = Tensor::<1, Int>::from_data(targets, &self.device);
        let scales = self.state.scales.as_ref();
        let logits = model.forward(self.network, scales, maps, Some(dropout));
        let loss = CrossEntropyLossConfig::new()
            .init(&self.device)
            .forward(logits.clone(), targets);
        let classes = logits.dims()[1];
        let predicted = floats(logits.inner());
        let right = predicted
            .chunks_exact(classes)
            .zip(labels)
            .filter(|(logits, label)| first_largest(logits) == *label as usize);
        let right = right.count();
        let value = f64::from(floats(loss.clone().inner())[0]);
        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        Learnt {
            model: optimizer.step(rate, model, gradients),
            loss: value,
            right,
        }
    }

    fn validate(&mut self, phase: Phase, training_loss: f64, training_accuracy: f64) {
        let device = self.device.clone().inner();
        let model = self.mean_model();
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
        let best = self.state.best.as_ref();
        let is_better = best.is_none_or(|best| {
            accuracy > best.accuracy || accuracy == best.accuracy && loss < best.loss
        });
        if let (true, Some(scales)) = (is_better, scales) {
            self.state.best = Some(Best {
                epoch: self.state.epoch + 1,
                accuracy,
                loss,
                numbers: self.state.mean.clone(),
                scales: scales.clone(),
            });
        }
    }
}

/// What a step gave.
struct Learnt {
    model: Model,
    loss: f64,
    right: usize,
}

/// Adam (Kingma & Ba 2015), with its usual means.
pub fn optimizer() -> ModuleOptimizer {
    AdamConfig::new().init()
}

/// Moves the running mean of the weights on, behind so many steps.
fn average(mean: &mut [(Vec<f32>, Vec<f32>)], model: &Model, steps: f32) {
    // The first ones count more, lest the mean stay where training began.
    let share = SHARE_OF_STEP.max(1.0 / (1.0 + steps));
    for ((weights, bias), now) in mean.iter_mut().zip(model.numbers()) {
        for (mean, now) in [(weights, now.0), (bias, now.1)] {
            for (mean, now) in mean.iter_mut().zip(now) {
                *mean += share * (now - *mean);
            }
        }
    }
}
