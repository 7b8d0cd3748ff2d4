//! What a model makes of examples.

use burn::tensor::{DType, Device, Tensor};
use herringbone_compiler::network::Network;
use herringbone_dataset::Examples;

use crate::intake::Intake;
use crate::integers;
use crate::model::Model;
use crate::quantise::Scales;

/// Examples that are looked at together.
const BATCH: usize = 512;

/// A model's results for some examples.
#[derive(Clone, Debug)]
pub struct Results {
    /// Classes.
    pub classes: usize,
    /// One a class and example, in the float network's measure.
    pub logits: Vec<f64>,
}

impl Results {
    /// Of a batch: examples, classes.
    pub(crate) fn of_tensor(logits: Tensor<2>) -> Self {
        let [_, classes] = logits.dims();
        let logits = logits.into_data().convert::<f64>();
        Self {
            classes,
            logits: logits.try_into_vec().expect("the numbers are f64"),
        }
    }

    /// The logits of an example.
    pub fn of(&self, example: usize) -> &[f64] {
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
            let largest = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = logits.iter().map(|logit| (logit - largest).exp()).sum();
            sum.ln() - (logits[usize::from(label)] - largest)
        });
        losses.sum::<f64>() / labels.len().max(1) as f64
    }
}

/// The first of the largest.
fn first_largest(logits: &[f64]) -> usize {
    let mut best = 0;
    for (class, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = class;
        }
    }
    best
}

/// Runs a model, which is on `device`, on all examples.
///
/// With scales, and on this machine's CPU, the logits are those of the file that
/// [`export`](crate::export::export) writes, times 2 to the power of
/// [`Scales::result_exponent`], exactly: every number is a multiple of a power of two, and
/// where a sum could pass the 24 bits of `f32`, it is the 53 of `f64` that the
/// network computes with, always on the CPU. Other devices may round sums on the
/// way.
pub fn evaluate(
    network: &Network,
    model: &Model,
    scales: Option<&Scales>,
    examples: &Examples,
    device: &Device,
) -> Results {
    if scales.is_none_or(|scales| integers::fit_f32(network, model, scales)) {
        return evaluate_in(DType::F32, network, model, scales, examples, device);
    }
    let device = Device::flex();
    let model = Model::of_numbers(network, model.numbers(), &device);
    evaluate_in(DType::F64, network, &model, scales, examples, &device)
}

fn evaluate_in(
    float: DType,
    network: &Network,
    model: &Model,
    scales: Option<&Scales>,
    examples: &Examples,
    device: &Device,
) -> Results {
    let intake = Intake::of(network);
    let classes = network.output().values() as usize;
    let mut logits = Vec::with_capacity(examples.len() * classes);
    for first in (0..examples.len()).step_by(BATCH) {
        let count = BATCH.min(examples.len() - first);
        let fill = |(): &mut (), example, activations: &mut [u8]| {
            intake.take(examples.input(first + example), activations);
        };
        let maps = intake.maps(count, device, || (), fill);
        let results = model.forward(network, scales, maps.cast(float), None);
        let results = Results::of_tensor(results);
        logits.extend_from_slice(&results.logits[..count * classes]);
    }
    Results { classes, logits }
}
