//! Whether a layer's weights are constants in straight-line code or a table.

use super::accumulator::Accumulator;
use crate::declaration::{CodeChoice, Declaration};
use crate::network::{Bits, Layer, LayerId, LayerKind};
use crate::weights::{LayerParameters, Parameters, Weights};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Where the weights of a sum are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Constants of straight-line code.
    Unrolled,
    /// Packed in flash, read in a loop over the outputs.
    Table,
}

/// Flash on AVR of all that is not unrolled weights: loops and stores of the
/// layers, taking the input in, tables of addresses, a small firmware.
const OTHER_CODE_BYTES: u64 = 5 * 1024;

/// Chooses the form of every layer with weights.
///
/// Where the declaration does not say, a table is the form of a dense layer,
/// whose weights are used once, and of everything on a host; a convolution is
/// unrolled while the flash is expected to hold it, those first whose weights
/// are used most often.
pub(super) fn choose(
    declaration: &Declaration,
    weights: &Weights,
    accumulators: &[(Accumulator, Accumulator)],
) -> BTreeMap<LayerId, Form> {
    let layers = declaration.network.layers();
    let all = |form| layers.iter().map(|layer| (layer.id, form)).collect();
    let flash_bytes = match (declaration.code, declaration.budget.flash_bytes) {
        (CodeChoice::Unrolled, _) => return all(Form::Unrolled),
        (CodeChoice::Table, _) | (CodeChoice::Fastest, None) => return all(Form::Table),
        (CodeChoice::Fastest, Some(flash_bytes)) => u64::from(flash_bytes),
    };
    let mut forms: BTreeMap<_, _> = all(Form::Table);
    let bits = declaration.network.bits();
    let table_bytes = |layer: &Layer| (layer.weight_count() * u64::from(bits.weights)).div_ceil(8);
    let tables: u64 = layers.iter().map(table_bytes).sum();
    let mut room = flash_bytes.saturating_sub(OTHER_CODE_BYTES + tables);
    let mut convolutions: Vec<&Layer> = layers
        .iter()
        .filter(|layer| is_convolution(layer))
        .collect();
    convolutions.sort_by_key(|layer| Reverse(layer.output.pixels()));
    for layer in convolutions {
        let cost = UnrolledCost {
            bits,
            signed_input: layer.signed_input,
        };
        let (first, second) = accumulators[layer.id.0];
        let bytes = match weights.layer(layer.id) {
            LayerParameters::None => continue,
            LayerParameters::Single(sum) => cost.of(sum, sum.bias.len(), first),
            LayerParameters::Separable {
                depthwise,
                pointwise,
            } => {
                let signed = UnrolledCost {
                    signed_input: true,
                    ..cost
                };
                cost.of(depthwise, 1, first) + signed.of(pointwise, pointwise.bias.len(), second)
            }
        };
        // Its table is not needed then.
        if bytes <= room + table_bytes(layer) {
            room = room + table_bytes(layer) - bytes;
            forms.insert(layer.id, Form::Unrolled);
        }
    }
    forms
}

fn is_convolution(layer: &Layer) -> bool {
    matches!(
        layer.kind,
        LayerKind::Convolution { .. } | LayerKind::Separable { .. }
    )
}

/// What straight-line sums take in flash on AVR: an upper bound, but for a few
/// percent, of what rustc 1.96 made at `opt-level = 2` of two dozen networks,
/// of 1 to 20 outputs, all widths, both orders.
#[derive(Clone, Copy)]
struct UnrolledCost {
    bits: Bits,
    signed_input: bool,
}

impl UnrolledCost {
    /// `sharing`: how many outputs use one value: all of them, or its own one
    /// in a depthwise kernel.
    fn of(self, sum: &Parameters, sharing: usize, accumulator: Accumulator) -> u64 {
        let rows = sum.weight.len() / sharing;
        let (mut values, mut products, mut additions) = (0, 0, 0);
        for row in 0..rows {
            let weights = sum.weight[row..]
                .iter()
                .step_by(rows)
                .filter(|&&weight| weight != 0);
            let factors: BTreeSet<u8> = weights
                .clone()
                .map(|weight| weight.unsigned_abs())
                .collect();
            values += u64::from(!factors.is_empty());
            products += factors.len() as u64;
            additions += weights.count() as u64;
        }
        let wide = accumulator == Accumulator::I32;
        let narrow_product = self.bits.activations == 4 && self.bits.weights <= 4;
        let value_bytes = if self.signed_input { 45 } else { 35 };
        let product_bytes = match (narrow_product, self.signed_input) {
            (true, false) => 9,
            (true, true) => 16,
            (false, _) => 52,
        } + if wide && narrow_product { 15 } else { 0 };
        // Eight sums of 16 bits live in registers, the others in memory.
        let outputs = sum.bias.len() as u64;
        let spilled_sixths = 6 * 6 * outputs.saturating_sub(8) / outputs;
        let addition_sixths = (6 * 7 + spilled_sixths) * if wide { 2 } else { 1 };
        800 + 140 * outputs
            + value_bytes * values
            + product_bytes * products
            + addition_sixths * additions / 6
    }
}
