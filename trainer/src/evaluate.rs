//! What a model makes of examples.

use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_dataset::Examples;

use crate::intake::Intake;
use crate::model::{Model, floats};
use crate::quantise::Scales;

/// Examples that are looked at together.
const BATCH: usize = 512;

/// A model's results for some examples.
#[derive(Clone, Debug)]
pub struct Results {
    /// Classes.
    pub classes: usize,
    /// One a class and example, in the float network's measure.
    pub logits: Vec<f32>,
}

impl Results {
    /// The logits of an example.
    pub fn of(&self, example: usize) -> &[f32] {
        &self.logits[example * self.classes..][..self.classes]
    }

    /// The class of an example: the first of the largest.
    pub fn class(&self, example: usize) -> usize {
        first_largest(self.of(example))
    }

    /// The share of examples whose class is their label, 0 to 1.
    pub fn accuracy(&self, labels: &[u16]) -> f64 {
        let right = (0..labels.len()).filter(|&it| self.class(it) == usize::from(labels[it]));
        right.count() as f64 / labels.len().max(1) as f64
    }

    /// The mean cross entropy.
    pub fn loss(&self, labels: &[u16]) -> f64 {
        let losses = labels.iter().enumerate().map(|(example, &label)| {
            let logits = self.of(example);
            let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f64 = logits
                .iter()
                .map(|&logit| f64::from(logit - largest).exp())
                .sum();
            sum.ln() - f64::from(logits[usize::from(label)] - largest)
        });
        losses.sum::<f64>() / labels.len().max(1) as f64
    }
}

/// The first of the largest.
pub(crate) fn first_largest(logits: &[f32]) -> usize {
    let mut best = 0;
    for (class, &logit) in logits.iter().enumerate() {
        if logit > logits[best] {
            best = class;
        }
    }
    best
}

/// Runs a model, which is on `device`, on all examples.
pub fn evaluate(
    network: &Network,
    model: &Model,
    scales: Option<&Scales>,
    examples: &Examples,
    device: &Device,
) -> Results {
    let intake = Intake::of(network);
    let classes = network.last_layer().output.values() as usize;
    let mut logits = Vec::with_capacity(examples.len() * classes);
    for first in (0..examples.len()).step_by(BATCH) {
        let count = BATCH.min(examples.len() - first);
        let maps = intake.maps(count, device, |example, activations| {
            intake.take(examples.input(first + example), activations);
        });
        let results = floats(model.forward(network, scales, maps, None));
        logits.extend_from_slice(&results[..count * classes]);
    }
    Results { classes, logits }
}
