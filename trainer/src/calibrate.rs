//! Which powers of two a network's integers are to stand for, from a sample of what
//! it computes.

use burn::tensor::Device;
use herringbone_compiler::network::{ByValue, Element, Network, SumHalf, Value, ValueId};
use herringbone_dataset::Examples;

use crate::arithmetic::Arithmetic;
use crate::intake::Intake;
use crate::integers::input_exponent;
use crate::model::{Model, Watch, floats, is_prototypes};
use crate::ops::Maps;
use crate::own::{OwnScales, PROTOTYPES, has_own};
use crate::quantise::{Grid, ReadScales, Scales, SumScales, closest_exponent};
use crate::recipe::ScaleSearch;

/// Examples that scales are found from.
pub const SAMPLE: usize = 256;

/// Bits by which the steps of weights are finer than those that change the weights
/// of floating point least, where they are not learned. The largest of them are clipped,
/// which training makes up for, and the many small ones keep their differences.
///
/// With the published network, 40 epochs of MNIST: 98.8 % of the test images
/// without, 99.0 % with one bit, 98.8 % with two. Of the published weights, a third
/// is at the ends of their range. Weights of 8 bits have differences enough.
fn finer(weight_bits: u32, search: ScaleSearch) -> i32 {
    match search {
        ScaleSearch::LeastSquares => i32::from(weight_bits < 8),
        ScaleSearch::Learned => 0,
    }
}

/// How far the power of two of a value may be from the input's, and that of a weight
/// from 0: no shift of a sum, which has 32 bits, can then pass 31.
const MOST_FROM_INPUT: i32 = 8;
const MOST_OF_WEIGHT: i32 = 31 - 2 * MOST_FROM_INPUT;

/// The scales of a model: of its weights, where there are no `former` scales, and of the
/// activations that it has of these examples with its weights quantised, those that
/// change least. Values that maxima, means or maps side by side are made of have the same
/// scale as those.
///
/// Weights that were trained with integers are within the range of those: scales found
/// of them again would be finer every time.
pub fn calibrate(
    network: &Network,
    model: &Model,
    search: ScaleSearch,
    former: Option<&Scales>,
    sample: &Examples,
    device: &Device,
) -> Scales {
    let bits = network.bits();
    let mut numbers = model.numbers();
    let own: Vec<Vec<f32>> = numbers[model.sums.len()..]
        .iter()
        .map(|(numbers, _)| numbers.clone())
        .collect();
    let mut weight_exponents = Vec::with_capacity(model.sums.len());
    for (index, (weights, _)) in numbers.iter_mut().take(model.sums.len()).enumerate() {
        let exponent = match former {
            Some(former) => former.sums[index].weight,
            // A sum of ones.
            None if weights.is_empty() => 0,
            None => closest_exponent(weights, bits.weights, true) - finer(bits.weights, search),
        };
        let exponent = exponent.clamp(-MOST_OF_WEIGHT, MOST_OF_WEIGHT);
        let grid = Grid::of_bits(bits.weights, true, exponent);
        for weight in weights {
            *weight = grid.nearest(*weight);
        }
        weight_exponents.push(exponent);
    }
    let quantised = Model::of_numbers(network, numbers, device);
    let intake = Intake::of(network);
    let fill = |(): &mut (), example, activations: &mut [u8]| {
        intake.take(sample.input(example), activations);
    };
    let maps = intake.maps(sample.len(), device, || (), fill);
    let mut activations = Activations(Vec::with_capacity(model.sums.len()));
    quantised.run(network, Arithmetic::Float, maps, None, &mut activations);
    let Activations(activations) = activations;

    let closest = |numbers: &[f32], is_signed, element| match element {
        Element::Activation => {
            let exponent = closest_exponent(numbers, bits.activations, is_signed);
            clamped_activation(network, exponent)
        }
        // There is room enough for numbers twice as large.
        Element::Wide => (closest_exponent(numbers, 16, true) + 1).clamp(LEAST_WIDE, MOST_WIDE),
    };
    let of_own = OwnNumbers {
        numbers: &own,
        former: former.map(|former| former.own.as_slice()),
    };
    scales(
        network,
        model,
        &weight_exponents,
        &activations,
        of_own,
        closest,
    )
}

/// The scales that a model has learned, if it does. What has one scale has that of the mean of
/// its exponents.
pub(crate) fn learned(network: &Network, model: &Model, former: &Scales) -> Option<Scales> {
    let exponents = model.exponents()?;
    let of_weights = exponents.iter().map(|[weight, _]| {
        let exponent = weight.round() as i32;
        exponent.clamp(-MOST_OF_WEIGHT, MOST_OF_WEIGHT)
    });
    let of_weights: Vec<i32> = of_weights.collect();
    let of_activations = exponents.iter().map(|&[_, activation]| vec![activation]);
    let of_activations: Vec<Vec<f32>> = of_activations.collect();
    let mean = |exponents: &[f32], _, element| {
        let mean = exponents.iter().sum::<f32>() / exponents.len().max(1) as f32;
        match element {
            Element::Activation => clamped_activation(network, mean.round() as i32),
            // They have bits enough as they are.
            Element::Wide => mean.round() as i32,
        }
    };
    let of_own = OwnNumbers {
        numbers: &[],
        former: Some(&former.own),
    };
    Some(scales(
        network,
        model,
        &of_weights,
        &of_activations,
        of_own,
        mean,
    ))
}

/// What learning begins with: a pair a weighted sum, of weights and of activations.
pub(crate) fn exponents(scales: &Scales) -> Vec<[f32; 2]> {
    let pairs = scales.sums.iter();
    pairs
        .map(|sum| [sum.weight as f32, sum.activation as f32])
        .collect()
}

/// The powers of two that wide values may have.
const LEAST_WIDE: i32 = -14;
const MOST_WIDE: i32 = -4;

/// What nodes with parameters of their own have scales of: former ones, or numbers.
#[derive(Clone, Copy)]
struct OwnNumbers<'a> {
    numbers: &'a [Vec<f32>],
    former: Option<&'a [OwnScales]>,
}

/// The power of two that a value must have: that of what is held against prototypes.
pub(crate) fn fixed_exponent(network: &Network, value: ValueId) -> Option<i32> {
    let mut readers = network.value(value).readers.iter();
    readers
        .any(|&reader| is_prototypes(network.node(reader)))
        .then_some(PROTOTYPES)
}

fn clamped_activation(network: &Network, exponent: i32) -> i32 {
    let input = input_exponent(network);
    exponent.clamp(input - MOST_FROM_INPUT, input + MOST_FROM_INPUT)
}

/// Scales of these powers of two of the weights, and of what `exponent` makes of the numbers
/// that a weighted sum, or all that have its scale, have.
fn scales(
    network: &Network,
    model: &Model,
    weight_exponents: &[i32],
    numbers: &[Vec<f32>],
    own: OwnNumbers,
    exponent: impl Fn(&[f32], bool, Element) -> i32,
) -> Scales {
    let mut exponents = tied_exponents(network, numbers, input_exponent(network), &exponent);
    let mut sums = Vec::with_capacity(model.sums.len());
    let mut of_own = Vec::with_capacity(model.own.len());
    for node in network.computing_nodes() {
        let mut input = exponents[node.reads[0]];
        for shape in node.sums() {
            let index = sums.len();
            let place = model.sums[index].place;
            let added = node.added().filter(|_| shape.adds);
            let reads = ReadScales {
                input,
                added: added.map(|value| exponents[value]),
            };
            let weight = match shape.tensor() {
                Some(_) => weight_exponents[index],
                // A sum of ones.
                None => 0,
            };
            let scales = if place.is_exact {
                SumScales::of_result(weight, reads)
            } else {
                let activation = match shape.half {
                    SumHalf::Depthwise => exponent(&numbers[index], place.is_signed, shape.makes),
                    SumHalf::Only | SumHalf::Pointwise => exponents[node.writes],
                };
                let weight = match shape.makes {
                    Element::Activation => weight,
                    // Their sums are not shifted to the left.
                    Element::Wide => weight.min(activation - input),
                };
                SumScales::of_activation(weight, activation, reads)
            };
            input = scales.activation;
            sums.push(scales);
        }
        if has_own(node) {
            let index = of_own.len();
            let place = &model.own[index].place;
            let former = own.former.map(|former| &former[index]);
            let numbers = own.numbers.get(index).map_or(&[][..], Vec::as_slice);
            let scales = place.scales(network.bits(), numbers, former, input);
            exponents[node.writes] = scales.activation;
            of_own.push(scales);
        }
    }
    Scales { sums, own: of_own }
}

/// Those of each weighted sum.
struct Activations(Vec<Vec<f32>>);

impl Watch for Activations {
    fn sum(&mut self, _: usize, maps: &Maps) {
        self.0.push(floats(maps.clone()));
    }
}

/// The power of two of each value: the closest to all that is tied to it. `activations`:
/// those of each weighted sum.
fn tied_exponents(
    network: &Network,
    activations: &[Vec<f32>],
    input: i32,
    closest: impl Fn(&[f32], bool, Element) -> i32,
) -> ByValue<i32> {
    let ties = ties(network);
    let mut numbers = ByValue::new(vec![Vec::new(); network.values().len()]);
    let mut sums = activations.iter();
    for node in network.computing_nodes() {
        if let Some(last) = sums.by_ref().take(node.sums().count()).last() {
            numbers[ties[node.writes]].extend_from_slice(last);
        }
    }
    let of_value = ties.iter().map(|(value, &first)| {
        if first == network.input_value() {
            input
        } else {
            let Value {
                signed, element, ..
            } = network.value(value).clone();
            let fixed = fixed_exponent(network, value);
            fixed.unwrap_or_else(|| closest(&numbers[first], signed, element))
        }
    });
    ByValue::new(of_value.collect())
}

/// Of each value, the first of those that have its scale.
fn ties(network: &Network) -> ByValue<ValueId> {
    let count = network.values().len();
    let mut ties: Vec<ValueId> = (0..count).map(ValueId::new).collect();
    for node in network.computing_nodes() {
        if node.sums().next().is_some() || has_own(node) {
            continue;
        }
        let tied = node.reads.iter().chain([&node.writes]);
        let tied: Vec<ValueId> = tied.map(|value| ties[value.index()]).collect();
        let first = tied.iter().copied().min();
        for tie in &mut ties {
            if tied.contains(tie) {
                *tie = first.expect("a node writes a value");
            }
        }
    }
    ByValue::new(ties)
}

#[cfg(test)]
mod tests;
