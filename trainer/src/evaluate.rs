//! What a model makes of examples.

use burn::tensor::{DType, Device, Tensor};
use herringbone_compiler::network::{ByValue, Network, ValueId};
use herringbone_dataset::Examples;

use crate::arithmetic::Arithmetic;
use crate::intake::Intake;
use crate::integers;
use crate::model::{Model, Watch};
use crate::ops::Maps;
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

    /// All numbers of a map as those of each of the first `examples`, row by row, channels last.
    pub(crate) fn of_maps(maps: &Maps, examples: usize) -> Self {
        let [blocks, height, width, channels, padded] = maps.dims();
        let by_example = maps.clone().permute([0, 4, 1, 2, 3]);
        let numbers = by_example.reshape([blocks * padded, height * width * channels]);
        let mut results = Self::of_tensor(numbers);
        results.logits.truncate(examples * results.classes);
        results
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

    /// The mean of the classes' shares of examples whose class is their label, 0 to 1: as many
    /// examples as a class has, it counts as much as every other. Classes without examples do not.
    pub fn balanced_accuracy(&self, labels: &[u16]) -> f64 {
        let mut right = vec![(0_u64, 0_u64); self.classes];
        for (example, &label) in labels.iter().enumerate() {
            let (hits, all) = &mut right[usize::from(label)];
            *hits += u64::from(self.class(example) == usize::from(label));
            *all += 1;
        }
        let there = right.iter().filter(|(_, all)| *all > 0);
        let shares = there.clone().map(|(hits, all)| *hits as f64 / *all as f64);
        shares.sum::<f64>() / there.count().max(1) as f64
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
    let mut logits = Vec::new();
    let place = Place::exact(network, model, scales, device);
    let model = place.model.as_ref().unwrap_or(model);
    for_each_batch(
        network,
        (examples, examples.len()),
        &place,
        |maps, count| {
            let results =
                Results::of_tensor(model.forward(network, Arithmetic::of(scales), maps, None));
            logits.extend_from_slice(&results.logits[..count * results.classes]);
        },
    );
    let classes = network.output().values() as usize;
    Results { classes, logits }
}

/// Every value of a network, as a model with scales makes it of all examples: of the
/// input, what is taken in of it, and nothing where an `A` adds up its bytes. Of each
/// example all numbers of one, row by row, channels last.
///
/// They are those of the exported file as the logits are, see [`evaluate`]: times 2 to
/// the power of the value's scale.
pub fn values(
    network: &Network,
    model: &Model,
    scales: &Scales,
    examples: &Examples,
) -> ByValue<Vec<f64>> {
    let mut all = Numbers(ByValue::new(vec![Vec::new(); network.values().len()]), 0);
    let place = Place::exact(network, model, Some(scales), &Device::flex());
    let model = place.model.as_ref().unwrap_or(model);
    for_each_batch(
        network,
        (examples, examples.len()),
        &place,
        |maps, count| {
            all.1 = count;
            model.run(network, Arithmetic::Integers(scales), maps, None, &mut all);
        },
    );
    all.0
}

/// Numbers of each value, and the examples of a batch.
struct Numbers(ByValue<Vec<f64>>, usize);

impl Watch for Numbers {
    fn value(&mut self, value: ValueId, maps: &Maps) {
        self.0[value].extend(Results::of_maps(maps, self.1).logits);
    }
}

/// Where sums are exact: numbers of that width on that device, with the model there, if
/// it is another one.
pub(crate) struct Place {
    float: DType,
    device: Device,
    pub(crate) model: Option<Model>,
}

impl Place {
    pub(crate) fn exact(
        network: &Network,
        model: &Model,
        scales: Option<&Scales>,
        device: &Device,
    ) -> Self {
        if scales.is_none_or(|scales| integers::fit_f32(network, model, scales)) {
            return Self {
                float: DType::F32,
                device: device.clone(),
                model: None,
            };
        }
        let device = Device::flex();
        Self {
            float: DType::F64,
            model: Some(Model::of_numbers(network, model.numbers(), &device)),
            device,
        }
    }
}

/// Gives the maps of each batch of the first `most` examples, and how many it has.
pub(crate) fn for_each_batch(
    network: &Network,
    (examples, most): (&Examples, usize),
    place: &Place,
    mut batch: impl FnMut(Maps, usize),
) {
    let intake = Intake::of(network);
    for first in (0..most).step_by(BATCH) {
        let count = BATCH.min(most - first);
        let fill = |(): &mut (), example, activations: &mut [u8]| {
            intake.take(examples.input(first + example), activations);
        };
        let maps = intake.maps(count, &place.device, || (), fill);
        batch(maps.cast(place.float), count);
    }
}
