//! From a model whose sums were normalised over each batch to one that does without.

use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_dataset::Examples;

use crate::EXAMPLES;
use crate::arithmetic::Arithmetic;
use crate::intake::Intake;
use crate::kernels::{Deviation, Moments};
use crate::model::{Model, Watch, floats};
use crate::ops::Maps;
use crate::standard::{Standard, Standards};

/// Examples that means and deviations are measured of.
pub const SAMPLE: usize = 512;

/// The weights and biases of a model that computes in floating point, without normalising or
/// standardising,
/// what `model` does of a batch of such examples, of which there is one at least:
/// w/σ and b − μ/σ, by the mean μ of each output of a weighted sum and its [deviation](Deviation) σ.
pub fn fold(
    network: &Network,
    model: &Model,
    standards: &Standards,
    sample: &Examples,
    device: &Device,
) -> Model {
    let intake = Intake::of(network);
    let fill = |(): &mut (), example, activations: &mut [u8]| {
        intake.take(sample.input(example % sample.len()), activations);
    };
    // Zeros that fill a block would be measured too.
    let whole = sample.len().next_multiple_of(EXAMPLES);
    let maps = intake.maps(whole, device, || (), fill);
    let mut measured = Measured {
        deviation: Deviation::for_bits(network.bits()),
        moments: vec![None; model.sums.len()],
    };
    let arithmetic = Arithmetic::Normalised(standards);
    model.run(network, arithmetic, maps, None, &mut measured);
    let mut numbers = model.numbers();
    let of_sums = numbers.iter_mut().zip(&model.sums).zip(measured.moments);
    for (((weights, biases), sum), moments) in of_sums {
        let Some(Moments {
            means,
            mut inverses,
        }) = moments
        else {
            continue;
        };
        for inverse in &mut inverses {
            *inverse *= sum.place.deviation;
        }
        let outputs = means.len();
        let row = match sum.place.shape.is_depthwise() {
            true => 1,
            false => weights.len() / outputs,
        };
        for (index, weight) in weights.iter_mut().enumerate() {
            *weight *= inverses[index / row % outputs];
        }
        for ((bias, mean), inverse) in biases.iter_mut().zip(means).zip(inverses) {
            *bias -= mean * inverse;
        }
    }
    fold_standards(model, standards, &mut numbers);
    Model::of_numbers(network, numbers, device)
}

/// The same of what inputs are standardised by: w/σ, and b − Σ w·μ/σ.
fn fold_standards(model: &Model, standards: &Standards, numbers: &mut [(Vec<f32>, Vec<f32>)]) {
    let (of_sums, of_own) = numbers.split_at_mut(model.sums.len());
    for ((weights, biases), sum) in of_sums.iter_mut().zip(&model.sums) {
        let Some(Standard { means, inverses }) = standards.of_node(sum.place.node) else {
            continue;
        };
        for (row, bias) in weights.chunks_exact_mut(means.len()).zip(biases) {
            for ((weight, mean), inverse) in row.iter_mut().zip(means).zip(inverses) {
                *weight *= inverse;
                *bias -= *weight * mean;
            }
        }
    }
    for ((numbers, _), own) in of_own.iter_mut().zip(&model.own) {
        if let Some(standard) = standards.of_node(own.place.node) {
            own.place.fold(standard, numbers);
        }
    }
}

/// The moments of each weighted sum that is normalised.
struct Measured {
    deviation: Deviation,
    moments: Vec<Option<Moments>>,
}

impl Watch for Measured {
    fn unnormalised(&mut self, index: usize, maps: &Maps) {
        let [_, height, width, channels, examples] = maps.dims();
        let block = height * width * channels * examples;
        let sums = floats(maps.clone());
        self.moments[index] = Some(Moments::of(&sums, channels, block, self.deviation));
    }
}

#[cfg(test)]
mod tests;
