//! From a model whose sums were normalised over each batch to one that does without.

use burn::tensor::Device;
use herringbone_compiler::network::Network;
use herringbone_dataset::Examples;

use crate::EXAMPLES;
use crate::arithmetic::Arithmetic;
use crate::intake::Intake;
use crate::kernels::Moments;
use crate::model::{Model, Watch, floats};
use crate::ops::Maps;

/// Examples that means and deviations are measured of.
pub const SAMPLE: usize = 512;

/// The weights and biases of a model that computes in floating point, without normalising,
/// what `model` does of a batch of such examples, of which there is one at least:
/// w/σ and b − μ/σ, by the mean μ and the deviation σ of each output of a weighted sum.
pub fn fold(network: &Network, model: &Model, sample: &Examples, device: &Device) -> Model {
    let intake = Intake::of(network);
    let fill = |(): &mut (), example, activations: &mut [u8]| {
        intake.take(sample.input(example % sample.len()), activations);
    };
    // Zeros that fill a block would be measured too.
    let whole = sample.len().next_multiple_of(EXAMPLES);
    let maps = intake.maps(whole, device, || (), fill);
    let mut measured = Measured(vec![None; model.sums.len()]);
    model.run(network, Arithmetic::Normalised, maps, None, &mut measured);
    let mut numbers = model.numbers();
    let of_sums = numbers.iter_mut().zip(&model.sums).zip(measured.0);
    for (((weights, biases), sum), moments) in of_sums {
        let Some(Moments { means, inverses }) = moments else {
            continue;
        };
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
    Model::of_numbers(network, numbers, device)
}

/// The moments of each weighted sum that is normalised.
struct Measured(Vec<Option<Moments>>);

impl Watch for Measured {
    fn unnormalised(&mut self, index: usize, maps: &Maps) {
        let [_, height, width, channels, examples] = maps.dims();
        let block = height * width * channels * examples;
        let sums = floats(maps.clone());
        self.0[index] = Some(Moments::of(&sums, channels, block));
    }
}

#[cfg(test)]
mod tests;
